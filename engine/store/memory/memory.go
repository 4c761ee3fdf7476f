// Package memory is a store and locker that lives in the process, for tests
// and the demo.
package memory

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tokentray/engine"
)

const leaseTime = 60 * time.Second

// Store is an engine.Store and engine.Locker. The zero value is not usable.
type Store struct {
	mu       sync.Mutex
	accounts map[engine.Key]record
	leases   map[engine.Key]*lease
	nextID   int
}

type record struct {
	account         engine.Account // without its tokens
	refresh, access engine.Secret
}

// New returns an empty store.
func New() *Store {
	return &Store{accounts: map[engine.Key]record{}, leases: map[engine.Key]*lease{}}
}

func seal(s engine.Secret) engine.Sealed {
	return engine.Seal(s.Reveal(), func(text string) (engine.Secret, error) { return engine.NewSecret(text), nil })
}

// List implements engine.Store.
func (s *Store) List(context.Context) (engine.Listing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var l engine.Listing
	for _, r := range s.accounts {
		a := r.account
		a.RefreshToken = seal(r.refresh)
		l.Accounts = append(l.Accounts, a)
	}
	return l, nil
}

// Load implements engine.Store.
func (s *Store) Load(_ context.Context, key engine.Key) (engine.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.load(key)
}

func (s *Store) load(key engine.Key) (engine.Account, error) {
	r, ok := s.accounts[key]
	if !ok {
		return engine.Account{}, notFound(key)
	}
	a := r.account
	a.RefreshToken, a.AccessToken = seal(r.refresh), seal(r.access)
	return a, nil
}

func notFound(key engine.Key) error {
	return engine.Errorf(engine.KindNotFound, fmt.Sprintf("no account %s", key), nil)
}

// swap changes the account if old's refresh token still is the stored one.
func (s *Store) swap(old engine.Account, change func(*record)) (engine.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.accounts[old.Key]
	if !ok {
		return engine.Account{}, notFound(old.Key)
	}
	if r.refresh.Reveal() != old.RefreshToken.Stored() {
		return engine.Account{}, engine.Errorf(engine.KindConflict, "the stored refresh token has changed", nil)
	}
	change(&r)
	s.accounts[old.Key] = r
	return s.load(old.Key)
}

// Write implements engine.Store.
func (s *Store) Write(_ context.Context, old engine.Account, c engine.Change) (engine.Account, error) {
	return s.swap(old, func(r *record) {
		r.account.Record = seal(c.Record)
		if !c.Token.RefreshToken.Empty() {
			r.refresh = c.Token.RefreshToken
		}
		if !c.Token.AccessToken.Empty() {
			r.access = c.Token.AccessToken
			r.account.ExpiresAt, r.account.LastRefreshAt = c.Token.ExpiresAt, c.At
			if !c.Restored {
				r.account.StoreStatus, r.account.StoreError = "active", ""
			}
		}
		if c.Dead != "" {
			r.account.StoreStatus, r.account.StoreError = "error", engine.CodeText(c.Dead)
		}
	})
}

// Add implements engine.Store.
func (s *Store) Add(_ context.Context, n engine.NewAccount) (engine.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextID++
	a := engine.Account{
		Key:    engine.Key{Provider: n.Provider, ID: fmt.Sprintf("%s-%d", n.Provider, s.nextID)},
		Name:   n.Name,
		Client: n.Client, Active: !n.Inactive, StoreStatus: "active",
		ExpiresAt: n.ExpiresAt,
		Proxy:     n.Proxy, Scopes: n.Scopes, Organization: n.Organization, OAuth: n.OAuth,
	}
	s.accounts[a.Key] = record{a, n.RefreshToken, n.AccessToken}
	return s.load(a.Key)
}

// Edit implements engine.Store.
func (s *Store) Edit(_ context.Context, key engine.Key, edit engine.Edit) (engine.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.accounts[key]
	if !ok {
		return engine.Account{}, notFound(key)
	}
	if edit.Name != nil {
		r.account.Name = *edit.Name
	}
	if edit.Proxy != nil {
		r.account.Proxy = *edit.Proxy
	}
	if edit.OAuth != nil {
		r.account.OAuth = *edit.OAuth
	}
	if edit.Active != nil {
		r.account.Active = *edit.Active
	}
	s.accounts[key] = r
	return s.load(key)
}

// Remove implements engine.Store.
func (s *Store) Remove(_ context.Context, key engine.Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.accounts[key]; !ok {
		return notFound(key)
	}
	delete(s.accounts, key)
	return nil
}

// Change lets a test or the demo play another program that writes an account,
// its refresh token included.
func (s *Store) Change(key engine.Key, change func(a *engine.Account, refresh, access *engine.Secret)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.accounts[key]
	change(&r.account, &r.refresh, &r.access)
	s.accounts[key] = r
}

type lease struct {
	store *Store
	key   engine.Key
	until time.Time
}

// TryLock implements engine.Locker.
func (s *Store) TryLock(_ context.Context, key engine.Key) (engine.Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if held := s.leases[key]; held != nil && time.Now().Before(held.until) {
		return nil, engine.Errorf(engine.KindLocked, "another holds the lock", nil)
	}
	l := &lease{s, key, time.Now().Add(leaseTime)}
	s.leases[key] = l
	return l, nil
}

func (l *lease) Until() time.Time { return l.until }

func (l *lease) Release(context.Context) error {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	if l.store.leases[l.key] == l {
		delete(l.store.leases, l.key)
	}
	return nil
}
