package logins

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"tokentray/engine"
)

// Config says where to look.
type Config struct {
	Places  []Place // as Find returns them
	LockDir string  // the same for all processes of the user; it is made
}

// Store is the engine.Store and engine.Locker of the tools' logins. It holds
// nothing open.
type Store struct {
	spots      []spot
	lockDir    string
	touchEvery time.Duration      // how often a tool's lock that is held is touched
	patience   time.Duration      // how long a write waits for the tool's own
	pollEvery  time.Duration      // how often Watch looks where nothing tells it
	mu         sync.Mutex         // guards held
	held       map[engine.Key]int // leases that this process holds
	watchAbove bool               // whether Watch may watch the folders above a tool's
}

const (
	// lookAgain is how soon a look at what is in somebody's hands follows the
	// one before.
	lookAgain = 25 * time.Millisecond
	// looks is how often a text that is no whole JSON is read: a tool that
	// writes in place has it so for a moment.
	looks = 8
)

// Open makes the folder of the locks. That a place is empty or unreadable is no
// error: List tells it.
func Open(c Config) (*Store, error) {
	s := &Store{spots: spots(c.Places, systemKeychain), held: map[engine.Key]int{}, lockDir: c.LockDir, touchEvery: touchEvery, patience: 5 * time.Second,
		pollEvery: 30 * time.Second, watchAbove: runtime.GOOS == "linux" || runtime.GOOS == "windows"}
	if err := os.MkdirAll(c.LockDir, 0o700); err != nil {
		return nil, s.lockFault(err)
	}
	return s, nil
}

// Name is where the accounts are, for people.
func (s *Store) Name() string { return "logins of tools on this machine" }

// Close does nothing: no file stays open.
func (s *Store) Close() error { return nil }

func (s *Store) spot(key engine.Key) (spot, bool) {
	for _, at := range s.spots {
		if at.key == key {
			return at, true
		}
	}
	return spot{}, false
}

func notFound(key engine.Key) error {
	return engine.Errorf(engine.KindNotFound, fmt.Sprintf("there is no login at %s (any more): sign in with its tool", engine.CleanLine(key.ID)), nil)
}

// List implements engine.Store: an account for each place that has a login, or
// something that might be one.
func (s *Store) List(ctx context.Context) (engine.Listing, error) {
	var listing engine.Listing
	for _, at := range s.spots {
		text, err := at.vault.read(ctx)
		l, there := login{}, true
		if err == nil {
			l, there, err = at.format.parse(text)
		}
		if ctx.Err() != nil {
			return engine.Listing{}, engine.Errorf(engine.KindStore, "reading the logins took too long", ctx.Err())
		}
		if errors.Is(err, errGone) || !there && err == nil {
			continue
		}
		a := at.account(l, err)
		a.AccessToken = engine.Sealed{}
		listing.Accounts = append(listing.Accounts, a)
	}
	return listing, nil
}

// account is what the login there says, or what is wrong with it.
func (at spot) account(l login, err error) engine.Account {
	a := engine.Account{Key: at.key, Name: at.name, Client: at.format.client, Active: true, Observed: true}
	if err != nil {
		a.Problem = at.unreadable(err)
		return a
	}
	a.RefreshToken, a.AccessToken = seal(l.refresh), seal(l.access)
	a.ExpiresAt, a.LoginExpiresAt, a.LastRefreshAt = l.expires, l.ends, l.refreshed
	a.Scopes = engine.CleanLine(strings.Join(l.scopes, " "))
	return a
}

// seal: a tool keeps its tokens in the open.
func seal(token string) engine.Sealed {
	return engine.Seal(token, func(text string) (engine.Secret, error) { return engine.NewSecret(text), nil })
}

// unreadable says what is wrong with what lies there, and what to do.
func (at spot) unreadable(err error) error {
	what, kept := "cannot be read: check the disk and the file's rights", error(nil)
	f, ok := errors.AsType[fault](err)
	switch {
	case ok && (f == notJSON || f == badShape || strings.HasSuffix(string(f), "twice")):
		what = string(f) + ": if it stays so, sign in with " + at.Tool + " again"
	case ok:
		what = string(f)
	default:
		kept = err
	}
	return engine.Errorf(engine.KindUnreadable, fmt.Sprintf("%s %s; nothing is written to it", engine.CleanLine(at.Path), what), kept)
}

// look reads the login that lies there. What a tool is writing just now is read
// again.
func (at spot) look(ctx context.Context) (text []byte, l login, err error) {
	for n := range looks {
		if n > 0 {
			select {
			case <-ctx.Done():
				return nil, l, ctx.Err()
			case <-time.After(lookAgain):
			}
		}
		there := false
		if text, err = at.vault.read(ctx); err == nil {
			if l, there, err = at.format.parse(text); err == nil && !there {
				err = errGone
			}
		}
		if err != notJSON && !errors.Is(err, errChanged) {
			break
		}
	}
	return text, l, err
}

// Load implements engine.Store. A login that cannot be read has its Problem.
func (s *Store) Load(ctx context.Context, key engine.Key) (engine.Account, error) {
	at, known := s.spot(key)
	if !known {
		return engine.Account{}, notFound(key)
	}
	_, l, err := at.look(ctx)
	switch {
	case errors.Is(err, errGone):
		return engine.Account{}, notFound(key)
	case ctx.Err() != nil:
		return engine.Account{}, engine.Errorf(engine.KindStore, "reading the login of "+at.name+" took too long", ctx.Err())
	}
	return at.account(l, err), nil
}

// Write implements engine.Store. The tool's file takes the tokens and their
// times alone: Dead and Record are not written anywhere. A change without
// tokens checks that the file could be written.
func (s *Store) Write(ctx context.Context, old engine.Account, c engine.Change) (a engine.Account, err error) {
	at, known := s.spot(old.Key)
	if !known {
		return a, notFound(old.Key)
	}
	err = s.write(ctx, at, c, func() error {
		for { // until the tool leaves the file alone between the look and the swap
			text, l, err := at.look(ctx)
			if err != nil {
				return at.writeFault(err)
			}
			if l.refresh != old.RefreshToken.Stored() {
				return engine.Errorf(engine.KindConflict, "another program changed the login of "+at.name, nil)
			}
			changed, err := at.format.change(text, l, c)
			if err != nil {
				return err
			}
			if string(changed) == string(text) {
				err = at.vault.try(ctx, text)
			} else {
				err = at.vault.swap(ctx, text, changed)
			}
			if errors.Is(err, errChanged) && ctx.Err() == nil {
				continue
			}
			if err != nil {
				return at.writeFault(err)
			}
			l, _, err = at.format.parse(changed)
			a = at.account(l, err)
			return nil
		}
	})
	return a, err
}

// write runs do alone, and where it is a token that is written under the
// account's lease.
func (s *Store) write(ctx context.Context, at spot, c engine.Change, do func() error) error {
	if c.Token == (engine.Token{}) {
		return s.alone(ctx, at, do)
	}
	return s.leased(ctx, at.key, func() error { return s.alone(ctx, at, do) })
}

func (at spot) writeFault(err error) error {
	_, isFault := errors.AsType[fault](err)
	switch {
	case errors.Is(err, errGone):
		return notFound(at.key)
	case isFault:
		return at.unreadable(err)
	case errors.Is(err, context.Canceled):
		return err
	}
	return engine.Errorf(engine.KindTransient, fmt.Sprintf("the login %s cannot be written: check the disk and the folder's rights", engine.CleanLine(at.Path)), err)
}

// Edit implements engine.Store: it is refused, as the tool names its login and
// decides how it reaches its provider.
func (s *Store) Edit(ctx context.Context, key engine.Key, _ engine.Edit) (engine.Account, error) {
	if _, err := s.Load(ctx, key); err != nil {
		return engine.Account{}, err
	}
	return engine.Account{}, engine.Errorf(engine.KindSettings, "this login is a tool's own: name, proxy and whether it is used are that tool's to say", nil)
}

// Remove implements engine.Store: it is refused, as the tool is still used.
func (s *Store) Remove(ctx context.Context, key engine.Key) error {
	if _, err := s.Load(ctx, key); err != nil {
		return err
	}
	return engine.Errorf(engine.KindSettings, "this login is a tool's own: sign out with that tool, and it is gone here too", nil)
}

// Add implements engine.Store: there is nothing to add.
func (s *Store) Add(context.Context, engine.NewAccount) (engine.Account, error) {
	return engine.Account{}, engine.Errorf(engine.KindSettings, "a tool's login is made by the tool: sign in with Claude Code, Gemini CLI or Codex", nil)
}
