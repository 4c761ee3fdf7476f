package wiring

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/provider/strict"
	"tokentray/engine/store/relay/redistest"
)

// The points of a refresh at which a process is killed, by the steps of
// engine/doc.go.
const (
	beforeLease     = "2 before the lease"
	leased          = "2 after the lease"
	reread          = "3 after the account was read again"
	intentJournaled = "5 after the intent was journaled"
	intentBeside    = "5 after the intent was written beside the account"
	answered        = "6 after the answer came"
	journaled       = "7 after the answer was journaled"
	saved           = "8 after the save"
	committed       = "9 after the commit"
	released        = "10 after the release"
)

var points = []string{beforeLease, leased, reread, intentJournaled, intentBeside, answered, journaled, saved, committed, released}

// deadly puts a trap at every point around what an engine is made of.
func (k keeper) deadly(p engine.Params) engine.Params {
	t := &trap{keeper: k, began: time.Now()}
	for name, inner := range p.Providers {
		p.Providers[name] = deadlyProvider{inner, t}
	}
	for name, at := range p.Places {
		p.Places[name] = engine.Place{Store: deadlyStore{at.Store, t}, Locker: deadlyLocker{at.Locker, t}}
	}
	p.Journal = deadlyJournal{p.Journal, t}
	return p
}

type trap struct {
	keeper
	began  time.Time
	leased atomic.Int32 // accounts whose lease is held
}

func (t *trap) at(point string, with ...engine.Key) {
	if t.Die == point && time.Since(t.began) >= t.DieAfter && t.leased.Load() <= 1 {
		fmt.Println("dies", point, with)
		if t.RedisPID > 0 {
			syscall.Kill(t.RedisPID, syscall.SIGKILL)
		}
		syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		select {}
	}
}

type deadlyStore struct {
	engine.Store
	*trap
}

func (s deadlyStore) Load(ctx context.Context, key engine.Key) (engine.Account, error) {
	a, err := s.Store.Load(ctx, key)
	if s.leased.Load() > 0 {
		s.at(reread)
	}
	return a, err
}

func (s deadlyStore) Write(ctx context.Context, old engine.Account, c engine.Change) (engine.Account, error) {
	a, err := s.Store.Write(ctx, old, c)
	if c.Token.AccessToken.Empty() {
		s.at(intentBeside)
	} else {
		s.at(saved)
	}
	return a, err
}

type deadlyLocker struct {
	engine.Locker
	*trap
}

type deadlyLease struct {
	engine.Lease
	*trap
}

func (l deadlyLocker) TryLock(ctx context.Context, key engine.Key) (engine.Lease, error) {
	l.at(beforeLease)
	lease, err := l.Locker.TryLock(ctx, key)
	if err == nil {
		l.leased.Add(1)
		l.at(leased)
	}
	return deadlyLease{lease, l.trap}, err
}

func (l deadlyLease) Release(ctx context.Context) error {
	err := l.Lease.Release(ctx)
	l.leased.Add(-1)
	l.at(released)
	return err
}

type deadlyProvider struct {
	engine.Provider
	*trap
}

func (p deadlyProvider) Exchange(ctx context.Context, req engine.ExchangeRequest) (engine.Token, error) {
	token, err := p.Provider.Exchange(ctx, req)
	p.at(answered)
	return token, err
}

type deadlyJournal struct {
	engine.Journal
	*trap
}

func (j deadlyJournal) Update(ctx context.Context, change func(engine.Key, *engine.Record), keys ...engine.Key) error {
	return j.update(ctx, j.Journal.Update, change, keys)
}

func (j deadlyJournal) UpdateSoon(ctx context.Context, change func(engine.Key, *engine.Record), keys ...engine.Key) error {
	return j.update(ctx, j.Journal.UpdateSoon, change, keys)
}

func (j deadlyJournal) update(ctx context.Context, update func(context.Context, func(engine.Key, *engine.Record), ...engine.Key) error,
	change func(engine.Key, *engine.Record), keys []engine.Key) error {
	point := ""
	err := update(ctx, func(key engine.Key, r *engine.Record) {
		before := *r
		change(key, r)
		switch {
		case r.Sent.ID != "" && before.Sent.ID != r.Sent.ID:
			point = intentJournaled
		case r.Unsaved && !before.Unsaved:
			point = journaled
		case before.Unsaved && !r.Unsaved:
			point = committed
		}
	}, keys...)
	if point != "" {
		j.at(point, keys...)
	}
	return err
}

// A process is killed at every step of a refresh, on each store, also together
// with a Redis that comes back as it was before. Whoever comes next on
// that machine finds every token: none is lost, none is sent twice. The one
// exception is what nobody can know: an answer that had come and was not
// written down yet.
func TestKilledAtEveryStep(t *testing.T) {
	times := 1
	if long() {
		times = 10
	}
	for _, store := range []string{"Redis", "Redis that falls back", "embedded", "a tool's file"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			provider, err := strict.New()
			if err != nil {
				t.Fatal(err)
			}
			defer provider.Close()
			exceptions := 0
			for _, point := range points {
				for n := range times {
					name := fmt.Sprintf("%s, %d", point, n+1)
					login := killedAt(t, name, store, point, server, provider)
					switch {
					case point == answered: // sent once more, and that is all
						exceptions++
						if login.Replays != 1 || login.Exchanges != 1 {
							t.Errorf("%s: %d exchanges, %d replays", name, login.Exchanges, login.Replays)
						}
					case login.Dead || login.Replays > 0 || login.Exchanges != 1:
						t.Errorf("%s: dead %v, %d exchanges, %d replays", name, login.Dead, login.Exchanges, login.Replays)
					}
				}
			}
			if got := provider.Replays(); got != exceptions {
				t.Errorf("%d replays in all, %d are the exception's", got, exceptions)
			}
			t.Logf("%d kills, 0 tokens lost and 0 sent twice but for the exception's %d", len(points)*times, exceptions)
		})
	}
}

func killedAt(t *testing.T, name, store, point string, server *redistest.Server, provider *strict.Server) strict.Login {
	t.Helper()
	k := keeper{Home: t.TempDir(), TokenURL: provider.URL(engine.Claude), Die: point}
	if store == "Redis" || store == "Redis that falls back" {
		if err := server.Client.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		k.Redis = server.Addr
	}
	login := provider.SignIn(engine.Claude, "")
	var key engine.Key
	var file toolFile
	if store == "a tool's file" {
		file = claudeFile(t, *login, time.Now().Add(-time.Minute))
		key, k.Tools = file.key, file.home
		file.keep(t, k)
	} else {
		app := k.open(t)
		key = addLogin(t, app, login, -time.Minute).Key
		app.Close()
	}
	if store == "Redis that falls back" {
		server.Snapshot(t)
		k.RedisPID = server.PID()
	}
	if killed, output := k.start(t)(); !killed {
		t.Fatalf("%s: it was never there:\n%s", name, output)
	}
	if k.RedisPID > 0 {
		server.Restart(t)
	}
	// The minute passes after which a dead holder's lock ends.
	if k.Redis != "" {
		server.Client.PExpire(t.Context(), "token_refresh_lock:claude:"+key.ID, time.Millisecond)
	}
	if k.Tools != "" {
		locks := file.beside(t)
		if held := point != beforeLease && point != released; held != (len(locks) == 2) || !held && len(locks) > 0 {
			t.Errorf("%s: it left %v", name, locks)
		}
		age(t, locks, time.Minute+time.Second)
	}

	k.Die, k.RedisPID, k.Later = "", 0, time.Minute
	var outputs []string
	for range 2 {
		_, output := k.start(t)()
		outputs = append(outputs, output)
	}
	app := k.open(t)
	defer app.Close()
	stored, err := app.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	refresh, err := stored.RefreshToken.Open()
	now := provider.Look(login)
	if point != answered && (err != nil || refresh.Reveal() != now.Refresh || !stored.ExpiresAt.After(time.Now())) {
		t.Errorf("%s: the newest token is not the stored one (%v):\n%v", name, err, outputs)
	}
	if err := app.Scan(t.Context()); err != nil {
		t.Error(err)
	}
	if k.Tools != "" && point != answered { // locks that were left lie there until the next refresh
		file.whole(t, now)
	}
	if status := app.Snapshot()[0].Status; (status == engine.StatusNeedsLogin) != (point == answered) || !slices.Contains(
		[]engine.Status{engine.StatusNeedsLogin, engine.StatusValid}, status) {
		t.Errorf("%s: afterwards %s\n%v", name, status, outputs)
	}
	return now
}

// age lets that much time pass for locks that nobody touches.
func age(t *testing.T, locks []string, by time.Duration) {
	t.Helper()
	at := time.Now().Add(-by)
	for _, path := range locks {
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

// What a killed keeper leaves of the tool's locks holds the tool up for its 10 s
// and another keeper for a minute. The tool that comes first refreshes by
// itself, or finds the new token; the keeper that comes next takes that over.
func TestToolAfterAKilledKeeper(t *testing.T) {
	t.Parallel()
	provider, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	// After the two in between the tool sends what is used up: nobody can tell it.
	for _, point := range []string{leased, reread, intentJournaled, intentBeside, saved, committed} {
		login := provider.SignIn(engine.Claude, "")
		file := claudeFile(t, *login, time.Now().Add(-time.Minute))
		k := keeper{Home: t.TempDir(), Tools: file.home, TokenURL: provider.URL(engine.Claude), Die: point}
		file.keep(t, k)
		if killed, output := k.start(t)(); !killed {
			t.Fatalf("%s: it was never there:\n%s", point, output)
		}
		code := file.tool(provider.URL(engine.Claude), time.Minute).code()
		code.Patience = 50 * time.Millisecond
		locks := file.beside(t)
		if _, err := code.Use(t.Context()); point != saved && point != committed && !errors.Is(err, os.ErrExist) {
			t.Errorf("%s: the tool was not held up: %v", point, err)
		}
		app := k.open(t)
		if _, err := app.Stores[Logins].TryLock(t.Context(), engine.Key{Provider: file.key.Provider, ID: file.key.ID}); engine.KindOf(err) != engine.KindLocked {
			t.Errorf("%s: another keeper was not held up: %v", point, err)
		}
		app.Close()
		age(t, locks, 11*time.Second)
		if access, err := code.Use(t.Context()); err != nil || access != provider.Look(login).Access {
			t.Errorf("%s: the tool: %v", point, err)
		}
		age(t, file.beside(t), time.Minute+time.Second)

		k.Die, k.Later = "", time.Minute
		k.start(t)()
		l := provider.Look(login)
		if l.Dead || l.Replays > 0 || l.Exchanges != 1 {
			t.Errorf("%s: dead: %v, %d exchanges, %d replays", point, l.Dead, l.Exchanges, l.Replays)
		}
		app = k.open(t)
		if err := app.Scan(t.Context()); err != nil {
			t.Error(err)
		}
		if v := app.Snapshot()[0]; v.Status != engine.StatusValid {
			t.Errorf("%s: afterwards %s, %v", point, v.Status, v.Err)
		}
		app.Close()
		file.whole(t, l)
	}
}
