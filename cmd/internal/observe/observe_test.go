package observe

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/guidelog"
	"tokentray/engine/metrics"
	"tokentray/engine/store/memory"
)

const token = "s3cret-s3cret-s3cret"

// shelf is a store that can be away.
type shelf struct {
	*memory.Store
	mu   sync.Mutex
	away bool
}

func (s *shelf) set(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

func (s *shelf) List(ctx context.Context) (engine.Listing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return engine.Listing{}, engine.Errorf(engine.KindStore, "Redis at secret.example cannot be reached", errors.New("refused"))
	}
	return s.Store.List(ctx)
}

func newEngine(t *testing.T) (*engine.Engine, *shelf) {
	t.Helper()
	store := &shelf{Store: memory.New()}
	e := engine.New(engine.Params{Places: map[string]engine.Place{"relay:team": {Store: store, Locker: store}}, Journal: new(memory.Journal),
		Policy: engine.Policy{Interval: time.Hour, Window: time.Minute}})
	t.Cleanup(e.Close)
	return e, store
}

// run runs an engine until the returned function is called, and waits until it
// does.
func run(t *testing.T, e *engine.Engine) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	events := e.Watch(ctx)
	go func() {
		defer close(ended)
		e.Run(ctx)
	}()
	for ev := range events {
		if ev.Kind == engine.EventScanned || ev.Kind == engine.EventStoreDown {
			break
		}
	}
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return stop
}

// log is one that can be read while it is written.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

var told = regexp.MustCompile(`Metrics at (http://.*)/metrics`)

// served is a Server at an address, and what it logs.
func served(t *testing.T, p Params, what Served) (s *Server, base string, logged *log) {
	t.Helper()
	logged = new(log)
	p.Log = slog.New(guidelog.Text(logged, slog.LevelInfo, false))
	s = New(p)
	s.Serve(what)
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	at := told.FindStringSubmatch(logged.String())
	if at == nil {
		t.Fatalf("the address is not told: %s", logged)
	}
	return s, at[1], logged
}

type ask struct{ method, path, host, authorization string }

func (a ask) get(t *testing.T, base string) (status int, body string, header http.Header) {
	t.Helper()
	if a.method == "" {
		a.method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(t.Context(), a.method, base+a.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a.host != "" {
		req.Host = a.host
	}
	if a.authorization != "" {
		req.Header.Set("Authorization", a.authorization)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header
}

func of(e *engine.Engine) Served {
	return Served{e, metrics.New(metrics.Params{Engine: e}).Handler()}
}

func TestWithoutAToken(t *testing.T) {
	e, _ := newEngine(t)
	run(t, e)
	_, base, _ := served(t, Params{Address: "127.0.0.1:0"}, of(e))
	port := base[strings.LastIndexByte(base, ':'):]
	for _, test := range []struct {
		ask
		status int
	}{
		{ask{path: "/metrics"}, 200},
		{ask{path: "/healthz"}, 200},
		{ask{path: "/readyz"}, 200},
		{ask{path: "/metrics", method: http.MethodHead}, 200},
		{ask{path: "/metrics", method: http.MethodPost}, 404},
		{ask{path: "/"}, 404},
		{ask{path: "/metrics", host: "localhost" + port}, 200},
		{ask{path: "/metrics", host: "LOCALHOST"}, 200},
		{ask{path: "/metrics", host: "[::1]" + port}, 200},
		{ask{path: "/metrics", host: "192.0.2.7" + port}, 200}, // a container's port
		{ask{path: "/metrics", host: "evil.example" + port}, 403},
		{ask{path: "/metrics", host: "127.0.0.1.evil.example"}, 403},
		{ask{path: "/metrics", host: "localhost.evil.example"}, 403},
		{ask{path: "/readyz", host: "evil.example"}, 403},
	} {
		if status, body, _ := test.get(t, base); status != test.status {
			t.Errorf("%+v: %d %s, want %d", test.ask, status, body, test.status)
		}
	}
	if _, body, _ := (ask{path: "/metrics"}).get(t, base); !strings.Contains(body, `tokentray_store_up{store="relay:team"} 1`) {
		t.Errorf("metrics:\n%s", body)
	}
}

func TestWithAToken(t *testing.T) {
	e, _ := newEngine(t)
	run(t, e)
	_, base, logged := served(t, Params{Address: "127.0.0.1:0", Token: engine.NewSecret(token)}, of(e))
	for _, test := range []struct {
		ask
		status int
	}{
		{ask{path: "/metrics"}, 401},
		{ask{path: "/metrics", authorization: "Bearer " + token}, 200},
		{ask{path: "/metrics", authorization: "bearer " + token}, 200}, // RFC 9110, 11.1
		{ask{path: "/metrics", authorization: "Bearer " + token, host: "tokentray.example"}, 200},
		{ask{path: "/metrics", authorization: "Bearer " + token + "x"}, 401},
		{ask{path: "/metrics", authorization: "Bearer " + token[1:]}, 401},
		{ask{path: "/metrics", authorization: "Bearer "}, 401},
		{ask{path: "/metrics", authorization: "Basic " + token}, 401},
		{ask{path: "/metrics", authorization: token}, 401},
		{ask{path: "/metrics", method: http.MethodPost}, 401},
		{ask{path: "/metrics/"}, 401},
		{ask{path: "/"}, 401},
		{ask{path: "/healthz"}, 200}, // whoever starts programs anew has no token
		{ask{path: "/readyz"}, 200},
	} {
		status, body, header := test.get(t, base)
		if status != test.status {
			t.Errorf("%+v: %d %s, want %d", test.ask, status, body, test.status)
		}
		if (status == 401) != strings.HasPrefix(header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%+v: WWW-Authenticate is %q", test.ask, header.Get("WWW-Authenticate"))
		}
		if strings.Contains(body, "s3cret") {
			t.Errorf("%+v: the token is shown: %s", test.ask, body)
		}
	}
	if strings.Contains(logged.String(), "s3cret") {
		t.Errorf("the token is logged: %s", logged)
	}
}

// A probe says what ails, by the stores' names alone.
func TestProbes(t *testing.T) {
	e, store := newEngine(t)
	s, base, _ := served(t, Params{Address: "127.0.0.1:0"}, Served{})
	check := func(path string, want int, text string) {
		t.Helper()
		if status, body, _ := (ask{path: path}).get(t, base); status != want || body != text+"\n" {
			t.Errorf("%s: %d %q, want %d %q", path, status, body, want, text)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} { // as while the app shows its demo
		check(path, 503, "no accounts are being worked with")
	}
	s.Serve(of(e))
	for _, path := range []string{"/healthz", "/readyz"} {
		check(path, 503, "the engine does not run: it is just beginning or ending")
	}
	store.set(true)
	stop := run(t, e)
	check("/healthz", 200, "ok")
	check("/readyz", 503, "away: relay:team; not read so far: relay:team")
	store.set(false)
	if err := e.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("/readyz", 200, "ok")
	store.set(true)
	e.Scan(t.Context())
	check("/readyz", 503, "away: relay:team")
	stop()
	check("/healthz", 503, "the engine does not run: it is just beginning or ending")
}

// The loop comes around once a minute: one that does not is not alive.
func TestStandstill(t *testing.T) {
	for ago, want := range map[time.Duration]string{
		time.Minute: "", 2 * time.Minute: "", 4 * time.Minute: "the engine has stood still for 4m0s",
	} {
		h := engine.Health{Turned: time.Now().Add(-ago)}
		if got := alive(h); got != want || ready(h) != want {
			t.Errorf("%v ago: %q, %q", ago, got, ready(h))
		}
	}
}

// An address that another has is an error with its cure, and is taken once it
// is free.
func TestAddressInUse(t *testing.T) {
	e, _ := newEngine(t)
	run(t, e)
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := other.Addr().String()
	logged := new(log)
	s := New(Params{Address: address, Log: slog.New(guidelog.Text(logged, slog.LevelInfo, false))})
	s.Serve(of(e))
	err = s.Open()
	if engine.KindOf(err) != engine.KindSettings || !strings.Contains(err.Error(), "metrics cannot be served at "+address+" (bind: ") ||
		!strings.Contains(err.Error(), "end the program that has it, or choose another address (--listen or TOKENTRAY_LISTEN") {
		t.Errorf("%v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		s.Keep(ctx)
	}()
	await(t, logged, "trying again every 2 seconds")
	other.Close()
	await(t, logged, "Metrics at http://"+address+"/metrics")
	if n := strings.Count(logged.String(), "trying again"); n != 1 {
		t.Errorf("it is told %d times:\n%s", n, logged)
	}
	if status, _, _ := (ask{path: "/readyz"}).get(t, "http://"+address); status != 200 {
		t.Errorf("readyz: %d", status)
	}
	stop()
	<-kept
	s.Close()
	if again, err := net.Listen("tcp", address); err != nil {
		t.Errorf("after Close: %v", err)
	} else {
		again.Close()
	}
}

// Where a name leads decides, not how it looks.
func TestOtherMachinesNeedAToken(t *testing.T) {
	s := New(Params{Address: "0.0.0.0:0", Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(s.Close)
	if err := s.Open(); engine.KindOf(err) != engine.KindSettings || !strings.Contains(err.Error(), "set TOKENTRAY_LISTEN_TOKEN, or listen on 127.0.0.1") {
		t.Errorf("%v", err)
	}
}

func await(t *testing.T, logged *log, text string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(logged.String(), text); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%q is not in the log:\n%s", text, logged)
		}
	}
}
