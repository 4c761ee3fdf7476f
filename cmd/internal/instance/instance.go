// Package instance lets one process of a user serve a data folder: the desktop
// app, or `tokentrayctl run` where there is no app. Commands ask it over one
// local socket before they open the store themselves, and a second start of
// the app shows the first's window.
//
// Who serves is decided by a file lock, which ends with its process, however
// that ends. The socket is its owner's alone, and each side looks at who the
// other is. It is HTTP: a request is one JSON object, an answer one JSON object
// a line. Secrets cross in one place alone, the answer to a token that was
// asked for.
package instance

import (
	"context"
	"errors"
	"iter"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"tokentray/engine"
)

// ErrRunning says that another instance runs, and has shown its window.
var ErrRunning = errors.New("tokentray is running already: its window is shown")

// Engine is what is served. It is alive: somebody runs it.
type Engine interface {
	Snapshot() []engine.View
	Policy() engine.Policy
	Scan(ctx context.Context) error
	Pass(ctx context.Context, p engine.PassParams) (engine.Summary, error)
	Watch(ctx context.Context) iter.Seq[engine.Event]
	ValidAccessToken(ctx context.Context, key engine.Key) (engine.Secret, error)
}

// Served is an engine and whose questions it may answer.
type Served struct {
	Engine Engine // nil: nobody's
	// Identity stands for the settings that decide which accounts are worked
	// with. Who has other settings is not answered.
	Identity string
	Store    string // where the accounts are, for people
}

// Instance is this process's part in serving one data folder. It serves
// nothing before Claim or Keep, and Serve.
type Instance struct {
	dir  string
	show func()
	peer func(net.Conn) (uid int, err error)
	http *http.Server

	mu       sync.Mutex // guards all below
	lock     *flock.Flock
	listener net.Listener
	rest     time.Time // not to be claimed again before
	ended    bool
	served   Served
	streams  context.Context // of those who watch what is served
	cut      context.CancelFunc
}

// New returns an Instance for the data folder. show brings the window up; nil
// says that there is none.
func New(dir string, show func()) *Instance {
	i := &Instance{dir: dir, show: show, peer: peerUID}
	i.http = i.server()
	i.streams, i.cut = context.WithCancel(context.Background())
	return i
}

// Claim makes this process the one that serves. Another that has a window is
// asked to show it, and ErrRunning returned; one without hands over.
func (i *Instance) Claim() error {
	var failed error
	for deadline := time.Now().Add(claimWait); time.Now().Before(deadline); time.Sleep(claimPause) {
		if taken, err := i.take(); taken || err != nil {
			return err
		}
		var shown bool
		if shown, failed = NewClient(i.dir, "").start(); shown {
			return ErrRunning
		}
	}
	return engine.Errorf(engine.KindInternal, "tokentray is running already, and does not answer", failed)
}

// Times of a claim.
const (
	claimWait  = 3 * time.Second // another is just beginning, or ending
	claimPause = 20 * time.Millisecond
	keepEvery  = 2 * time.Second
)

// Keep serves until ctx is done, whenever no other process does. failed is told
// why that is not possible at all, once.
func (i *Instance) Keep(ctx context.Context, failed func(error)) {
	again := time.NewTicker(keepEvery)
	defer again.Stop()
	told := false
	for {
		if _, err := i.take(); err != nil && !told {
			told = true
			failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

// take becomes the one that serves, if nobody is.
func (i *Instance) take() (taken bool, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.lock != nil:
		return true, nil
	case i.ended || time.Now().Before(i.rest):
		return false, nil
	}
	if err := os.MkdirAll(i.dir, 0o700); err != nil {
		return false, err
	}
	lock := flock.New(filepath.Join(i.dir, "tokentray.lock"), flock.SetPermissions(0o600))
	if taken, err = lock.TryLock(); !taken || err != nil {
		lock.Close()
		return false, err
	}
	listener, err := listen(i.dir)
	if err != nil {
		lock.Close()
		return false, err
	}
	i.lock, i.listener = lock, listener
	go i.http.Serve(ownOnly{listener, i.peer}) // until giveUp
	return true, nil
}

// giveUp lets another process serve. What was asked for is answered still; who
// watches is told that it is over. With i.mu held.
func (i *Instance) giveUp() {
	if i.lock == nil {
		return
	}
	i.listener.Close() // the socket goes before the lock does
	i.lock.Close()
	i.lock, i.listener = nil, nil
	i.rest = time.Now().Add(keepEvery)
	i.endStreams()
}

// endStreams ends what Watch streams to others. With i.mu held.
func (i *Instance) endStreams() {
	i.cut()
	i.streams, i.cut = context.WithCancel(context.Background())
}

// Serve serves s in place of what was served before; the zero Served, nothing.
func (i *Instance) Serve(s Served) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.served = s
	i.endStreams()
}

// Release ends it all. Answers on their way are waited for, up to 2 s: close
// the engine first, and they have what they wait for.
func (i *Instance) Release() {
	i.mu.Lock()
	i.ended = true
	i.served = Served{}
	i.giveUp()
	i.cut()
	i.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if i.http.Shutdown(ctx) != nil {
		i.http.Close()
	}
}

// now is what is served, and the context of those who watch it.
func (i *Instance) now() (Served, context.Context) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.served, i.streams
}
