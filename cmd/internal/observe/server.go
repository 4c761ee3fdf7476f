// Package observe serves metrics and health over HTTP: /metrics for
// Prometheus, /healthz and /readyz for whoever starts programs anew. It serves
// nothing until an address is asked for.
//
// On this machine any user can ask, unless a bearer token is set; from other
// machines metrics are not given without one. The two probes are answered
// always: they tell the stores' names and no more.
package observe

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"tokentray/engine"
)

// Params are where and to whom it is served.
type Params struct {
	Address string        // host:port; port 0 is any that is free
	Token   engine.Secret // what metrics need; empty: nothing, and only this machine has them
	Log     *slog.Logger
}

// Served is an engine and its metrics.
type Served struct {
	Engine  *engine.Engine // nil: none
	Metrics http.Handler
}

// Server serves one engine at a time. Close it when done.
type Server struct {
	p    Params
	http *http.Server

	mu       sync.Mutex // guards all below
	listener net.Listener
	told     string // why it cannot listen, as it was last told
	served   Served
}

// New returns a Server that does not listen yet.
func New(p Params) *Server {
	s := &Server{p: p}
	s.http = &http.Server{
		Handler: s.handler(), ErrorLog: stdlog.New(io.Discard, "", 0),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10,
	}
	return s
}

// Serve serves s in place of what was served before; the zero Served, nothing.
func (s *Server) Serve(served Served) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.served = served
}

func (s *Server) now() Served {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.served
}

// Open listens, if it does not already. Its error, of KindSettings, names the
// address and the cure.
func (s *Server) Open() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		return nil
	}
	listener, err := net.Listen("tcp", s.p.Address)
	if err != nil {
		return s.fault(err)
	}
	at := listener.Addr().(*net.TCPAddr)
	if !at.IP.IsLoopback() && s.p.Token.Empty() { // what localhost is called is decided elsewhere
		listener.Close()
		return engine.Errorf(engine.KindSettings, fmt.Sprintf("other machines could read metrics at %s, which is %s: "+
			"set TOKENTRAY_LISTEN_TOKEN, or listen on 127.0.0.1", engine.Clean(s.p.Address), at.IP), nil)
	}
	s.listener, s.told = listener, ""
	s.p.Log.Info(fmt.Sprintf("📈 Metrics at http://%s/metrics", at))
	go func() {
		s.http.Serve(listener) // until Close, or until the listener fails
		s.mu.Lock()
		defer s.mu.Unlock()
		s.listener = nil
	}()
	return nil
}

func (s *Server) fault(err error) error {
	var network *net.OpError
	if errors.As(err, &network) {
		err = network.Err // the rest is said here
	}
	cure := "choose another address (--listen or TOKENTRAY_LISTEN; port 0 is any that is free)"
	if errors.Is(err, syscall.EADDRINUSE) {
		cure = "end the program that has it, or " + cure
	}
	return engine.Errorf(engine.KindSettings, fmt.Sprintf("metrics cannot be served at %s (%v): %s", engine.Clean(s.p.Address), err, cure), nil)
}

// keepEvery is how soon an address that becomes free is taken.
const keepEvery = 2 * time.Second

// Keep listens whenever the address is free, until ctx is done. It may be
// another Tokentray that has it, which ends some day: that is a warning, once.
func (s *Server) Keep(ctx context.Context) {
	again := time.NewTicker(keepEvery)
	defer again.Stop()
	for {
		if err := s.Open(); err != nil {
			s.warn(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

func (s *Server) warn(err error) {
	s.mu.Lock()
	news := s.told != err.Error()
	s.told = err.Error()
	s.mu.Unlock()
	if news {
		s.p.Log.Warn(fmt.Sprintf("⚠️ %v; trying again every %d seconds", err, keepEvery/time.Second))
	}
}

// Close ends it. Answers on their way are waited for, for up to 2 s.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		s.http.Close()
	}
}
