package instance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"tokentray/engine"
)

// ErrAway says that no instance answers: there is none, it has other settings,
// or it ended before it had answered. The store can be worked on directly.
var ErrAway = errors.New("no running instance answers")

// How soon an instance must take a call, and say that it answers.
const (
	dialWait   = 200 * time.Millisecond
	headerWait = time.Second
)

// Client asks the instance that serves a data folder. Errors are ErrAway, ctx's
// own, *NameError, or what the engine said.
type Client struct {
	http     *http.Client
	identity string
}

// NewClient returns a Client for the settings that identity stands for. It
// connects when it is asked.
func NewClient(dir, identity string) *Client {
	transport := &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, dir) },
		DisableKeepAlives: true, DisableCompression: true, ResponseHeaderTimeout: headerWait,
	}
	return &Client{&http.Client{Transport: transport}, identity}
}

// dial connects, if this user is at the other end.
func dial(ctx context.Context, dir string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialWait}
	conn, err := dialer.DialContext(ctx, "unix", pointedTo(filepath.Join(dir, socketName)))
	if err != nil {
		return nil, err
	}
	if uid, err := peerUID(conn); err != nil || uid != os.Getuid() {
		conn.Close()
		return nil, fmt.Errorf("another user's process listens there: %w", err)
	}
	return conn, nil
}

// call sends a request; the answer's status was 200.
func (c *Client) call(ctx context.Context, method, path string, body any) (*http.Response, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://tokentray/v1/"+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Set(identityHeader, c.identity)
	resp, err := c.http.Do(req)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	case resp.StatusCode != http.StatusOK:
		resp.Body.Close()
		return nil, fmt.Errorf("%w: %s", ErrAway, resp.Status)
	}
	return resp, nil
}

// ask returns the answer's last line. Events before it go to told.
func (c *Client) ask(ctx context.Context, path string, req request, told func(engine.Event)) (line, error) {
	resp, err := c.call(ctx, http.MethodPost, path, req)
	if err != nil {
		return line{}, err
	}
	defer resp.Body.Close()
	lines := json.NewDecoder(resp.Body)
	for {
		var l line
		switch err := lines.Decode(&l); {
		case err != nil && ctx.Err() != nil:
			return line{}, ctx.Err()
		case err != nil:
			return line{}, fmt.Errorf("%w: %w", ErrAway, err)
		case l.Names != "":
			return l, &NameError{l.Names}
		case l.End && engine.KindOf(l.Err.error()) == engine.KindClosed:
			return line{}, ErrAway
		case l.End:
			return l, nil
		case l.Event != nil && told != nil:
			told(l.Event.event())
		}
	}
}

// without is why an answer lacks what was asked for.
func (l line) without() error {
	if l.Err == nil {
		return ErrAway // it is not understood
	}
	return l.Err.error()
}

// Snapshot is what an instance knows.
type Snapshot struct {
	Views  []engine.View
	Policy engine.Policy
	Store  string // where the accounts are, for people
	// Problems is what the scan for it met. Of KindStore: the store is away,
	// and the views are what was known before.
	Problems error
}

// Snapshot lets the instance read the store, and returns what it knows then.
func (c *Client) Snapshot(ctx context.Context) (Snapshot, error) {
	l, err := c.ask(ctx, "snapshot", request{}, nil)
	s := l.Snapshot
	if err == nil && s == nil {
		err = l.without()
	}
	if err != nil {
		return Snapshot{}, err
	}
	return Snapshot{views(s.Views), s.Policy.policy(), s.Store, s.Problems.error()}, nil
}

// Token returns an account's access token as Engine.ValidAccessToken does. Once
// the account is known it is returned beside an error.
func (c *Client) Token(ctx context.Context, name string) (engine.Account, engine.Secret, error) {
	l, err := c.ask(ctx, "token", request{Names: []string{name}}, nil)
	t := l.Token
	if err == nil && t == nil {
		err = l.without()
	}
	if err != nil {
		return engine.Account{}, engine.Secret{}, err
	}
	return engine.Account{Key: engine.Key{Store: t.Store, Provider: t.Provider, ID: t.ID}, Name: t.Name}, engine.NewSecret(t.Access), l.Err.error()
}

// Refresh is one pass, over all accounts or over those named, as Engine.Pass
// does it for a command. Its events go to told.
func (c *Client) Refresh(ctx context.Context, names []string, force bool, told func(engine.Event)) (engine.Summary, error) {
	l, err := c.ask(ctx, "refresh", request{names, force}, told)
	if err == nil && l.Summary == nil {
		err = l.without()
	}
	if err != nil {
		return engine.Summary{}, err
	}
	summary := l.Summary.summary()
	for _, r := range summary.Results {
		if r.Err != nil && engine.KindOf(r.Err) == engine.KindClosed {
			return engine.Summary{}, ErrAway
		}
	}
	return summary, l.Err.error()
}

// Watch returns the instance's events, a snapshot first, until ctx is done or
// the instance ends.
func (c *Client) Watch(ctx context.Context) (iter.Seq[engine.Event], error) {
	resp, err := c.call(ctx, http.MethodPost, "events", request{})
	if err != nil {
		return nil, err
	}
	return func(yield func(engine.Event) bool) {
		defer resp.Body.Close()
		lines := json.NewDecoder(resp.Body)
		for {
			var l line
			if lines.Decode(&l) != nil || l.End || l.Event != nil && !yield(l.Event.event()) {
				return
			}
		}
	}, nil
}

// Who tells who serves.
func (c *Client) Who(ctx context.Context) (w Who, err error) {
	resp, err := c.call(ctx, http.MethodGet, "who", nil)
	if err != nil {
		return w, err
	}
	defer resp.Body.Close()
	return w, json.NewDecoder(resp.Body).Decode(&w)
}

// start tells the instance that an app begins, and returns whether it has
// shown its window; else it has handed over.
func (c *Client) start() (shown bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	resp, err := c.call(ctx, http.MethodPost, "start", nil)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	var answer struct{ Shown bool }
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return answer.Shown, err
}
