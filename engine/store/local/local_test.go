package local

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/store/storetest"
)

// fakeRing is a keyring in memory; broken, it takes nothing and gives nothing.
type fakeRing struct {
	mu     sync.Mutex
	keys   map[string]string
	broken bool
}

func (r *fakeRing) get(name string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if text, ok := r.keys[name]; ok && !r.broken {
		return text, nil
	}
	return "", errors.New("no such key")
}

func (r *fakeRing) set(name, secret string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken {
		return errors.New("locked")
	}
	r.keys[name] = secret
	return nil
}

func open(t *testing.T, path string, ring ring) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s.ring = ring
	t.Cleanup(func() { s.Close() })
	return s
}

func add(t *testing.T, s *Store, name string) engine.Account {
	t.Helper()
	a, err := s.Add(t.Context(), engine.NewAccount{Provider: engine.Claude, Name: name, RefreshToken: engine.NewSecret("refresh-" + name),
		AccessToken: engine.NewSecret("access-" + name), ExpiresAt: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Subject {
		path := filepath.Join(t.TempDir(), "odd ?&# folder", "tokentray.db")
		return storetest.Subject{
			Store: open(t, path, nil), Locker: open(t, path, nil), OtherLocker: open(t, path, nil),
			Remove: func(t *testing.T, key engine.Key) {
				if _, err := open(t, path, nil).db.Exec(`DELETE FROM accounts WHERE id = ?`, key.ID); err != nil {
					t.Fatal(err)
				}
			},
			Providers: []string{engine.Claude, engine.Gemini, engine.OpenAI, engine.Droid, engine.Generic},
		}
	})
}

// Nothing of a token is on the disk, and the files are their owner's alone.
func TestOnTheDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, filepath.Join(dir, "tokentray.db"), nil)
	add(t, s, "hunter2")
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %v", path, info.Mode())
		}
		if entry.IsDir() {
			return nil
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte("refresh-hunter2")) || bytes.Contains(text, []byte("access-hunter2")) {
			t.Errorf("%s holds a token", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The key lies where it was put, for every process; where it is not to be had,
// that is told, and no second key is made.
func TestKey(t *testing.T) {
	lost := func(t *testing.T, s *Store, where string) {
		t.Helper()
		_, err := s.List(t.Context())
		if engine.KindOf(err) != engine.KindStore || !strings.Contains(err.Error(), where) {
			t.Errorf("List: %v", err)
		}
		_, err = s.Add(t.Context(), engine.NewAccount{Provider: engine.Claude, Name: "another", RefreshToken: engine.NewSecret("r")})
		if engine.KindOf(err) != engine.KindStore || !strings.Contains(err.Error(), where) {
			t.Errorf("Add: %v", err)
		}
	}
	t.Run("keyring", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "tokentray.db")
		ring := &fakeRing{keys: map[string]string{}}
		add(t, open(t, path, ring), "a")
		if _, err := os.Stat(path + ".key"); err == nil {
			t.Error("the key is in a file too")
		}
		again := open(t, path, ring)
		if listing, err := again.List(t.Context()); err != nil || len(listing.Accounts) != 1 {
			t.Errorf("again: %v", err)
		}
		if place, _ := again.KeyPlace(t.Context()); place != "keyring" {
			t.Errorf("place %q", place)
		}
		lost(t, open(t, path, nil), "the system's keyring")
		ring.broken = true
		lost(t, open(t, path, ring), "the system's keyring")
	})
	t.Run("file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "tokentray.db")
		add(t, open(t, path, &fakeRing{broken: true}), "a") // a keyring that takes nothing
		if listing, err := open(t, path, nil).List(t.Context()); err != nil || len(listing.Accounts) != 1 {
			t.Errorf("again: %v", err)
		}
		key, err := os.ReadFile(path + ".key")
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"cut": "abc", "not hex": strings.Repeat("x", 64), "another": strings.Repeat("0", 64)} {
			os.WriteFile(path+".key", []byte(text), 0o600)
			t.Run(name, func(t *testing.T) { lost(t, open(t, path, nil), path+".key") })
		}
		os.Remove(path + ".key")
		lost(t, open(t, path, nil), path+".key")
		os.WriteFile(path+".key", key, 0o600)
		if _, err := open(t, path, nil).List(t.Context()); err != nil {
			t.Errorf("brought back: %v", err)
		}
	})
	t.Run("a key without data is not written over", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "tokentray.db")
		os.WriteFile(path+".key", []byte("somebody's"), 0o600)
		_, err := open(t, path, nil).Add(t.Context(), engine.NewAccount{Provider: engine.Claude, Name: "a", RefreshToken: engine.NewSecret("r")})
		if err == nil || !strings.Contains(err.Error(), path+".key") {
			t.Errorf("%v", err)
		}
		if text, _ := os.ReadFile(path + ".key"); string(text) != "somebody's" {
			t.Error("it was")
		}
	})
}

// Many begin at once: one schema, one key, all see all.
func TestBeginTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokentray.db")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			s, err := Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			s.ring = nil
			if _, err := s.Add(t.Context(), engine.NewAccount{Provider: engine.Claude, Name: strings.Repeat("x", i+1), RefreshToken: engine.NewSecret("r")}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	listing, err := open(t, path, nil).List(t.Context())
	if err != nil || len(listing.Accounts) != 8 {
		t.Fatal(len(listing.Accounts), err)
	}
	for _, a := range listing.Accounts {
		if _, err := a.RefreshToken.Open(); err != nil {
			t.Error(err)
		}
	}
}

func TestNamesAreUnique(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "tokentray.db"), nil)
	work, other := add(t, s, "work"), add(t, s, "other")
	_, err := s.Add(t.Context(), engine.NewAccount{Provider: engine.Gemini, Name: "work", RefreshToken: engine.NewSecret("r")})
	if engine.KindOf(err) != engine.KindSettings || !strings.Contains(err.Error(), `"work"`) {
		t.Error(err)
	}
	off := false
	_, err = s.Edit(t.Context(), other.Key, engine.Edit{Name: &work.Name, Active: &off})
	if engine.KindOf(err) != engine.KindSettings || !strings.Contains(err.Error(), `"work"`) {
		t.Error(err)
	}
	if a, err := s.Load(t.Context(), other.Key); err != nil || a.Name != "other" || !a.Active {
		t.Errorf("half of an edit that was refused is there: %q, active %v, %v", a.Name, a.Active, err)
	}
	if _, err := s.Edit(t.Context(), work.Key, engine.Edit{Name: &work.Name}); err != nil {
		t.Errorf("its own name: %v", err)
	}
}

// A value moved to another account or column does not open.
func TestDamaged(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "tokentray.db"), nil)
	a, b := add(t, s, "a"), add(t, s, "b")
	if _, err := s.db.Exec(`UPDATE accounts SET refresh_token = (SELECT refresh_token FROM accounts WHERE id = ?) WHERE id = ?`, a.ID, b.ID); err != nil {
		t.Fatal(err)
	}
	moved, err := s.Load(t.Context(), b.Key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := moved.RefreshToken.Open(); engine.KindOf(err) != engine.KindUnreadable {
		t.Error(err)
	}
}

func TestUnusableFiles(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	os.WriteFile(garbage, bytes.Repeat([]byte("not a database "), 1000), 0o600)
	newer := filepath.Join(dir, "newer.db")
	s := open(t, newer, nil)
	if _, err := s.db.Exec(`PRAGMA user_version = 99`); err != nil {
		t.Fatal(err)
	}
	s.Close()
	file := filepath.Join(dir, "file")
	os.WriteFile(file, nil, 0o600)
	for path, want := range map[string]string{garbage: "not a database", newer: "newer Tokentray", filepath.Join(file, "x.db"): "not a directory"} {
		_, err := Open(path)
		if engine.KindOf(err) != engine.KindStore || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if text, _ := os.ReadFile(garbage); len(text) != 15000 {
		t.Error("what was there was written over")
	}
}

func TestHistory(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "tokentray.db"), nil)
	key := engine.Key{Store: "relay", Provider: engine.Claude, ID: "a"}
	event := func(age time.Duration, outcome string, err error) engine.Event {
		return engine.Event{Kind: engine.EventRefreshed, Time: time.Now().Add(-age),
			Result: engine.Result{Key: key, Name: "work", Outcome: outcome, Err: err, Took: 340 * time.Millisecond}}
	}
	for _, ev := range []engine.Event{event(100*24*time.Hour, "refreshed", nil), event(time.Hour, "failed", errors.New("no\x1b[31m")),
		event(0, "refreshed", nil)} {
		if err := s.Record(ev); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.History(context.Background(), key, 10)
	if err != nil || len(got) != 2 { // what is older than 90 days is dropped
		t.Fatal(len(got), err)
	}
	if e := got[1]; e.Outcome != "failed" || e.Error != "no[31m" || e.Took != 340*time.Millisecond || e.Name != "work" {
		t.Errorf("%v %s %s", e.At, e.Outcome, e.Error)
	}
	if day, err := s.HistorySince(context.Background(), time.Now().Add(-30*time.Minute), 10); err != nil || len(day) != 1 || day[0].Key != key || day[0].Outcome != "refreshed" {
		t.Errorf("%+v, %v", day, err)
	}
	if two, err := s.HistorySince(context.Background(), time.Now().Add(-2*time.Hour), 10); err != nil || len(two) != 2 || two[0].Outcome != "failed" {
		t.Errorf("%+v, %v", two, err)
	}
	if other, _ := s.History(context.Background(), engine.Key{Store: "embedded", Provider: key.Provider, ID: key.ID}, 10); len(other) != 0 {
		t.Error("another store's account has the same history")
	}
}

// An alert is told by one process, and again when it took another's place.
func TestFirstTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokentray.db")
	a, b := open(t, path, nil), open(t, path, nil)
	for i, test := range []struct {
		s     *Store
		store string
		alert string
		first bool
	}{{a, "redis", "expired 1", true}, {a, "redis", "expired 1", false}, {b, "redis", "expired 1", false}, {b, "other", "expired 1", true},
		{b, "redis", "ends 14", true}, {a, "redis", "expired 1", false}, // of another word
		{b, "redis", "expired 2", true}, {a, "redis", "expired 2", false}, {a, "redis", "expired 1", true},
		{a, "redis", "well", true}, {b, "redis", "well", false}, {b, "redis", "expired 1", true}, {b, "redis", "well", true}} {
		over := []string{"expired", "well"}
		if strings.HasPrefix(test.alert, "ends") {
			over = []string{"ends"}
		}
		first, err := test.s.FirstTold(t.Context(), engine.Key{Store: test.store, Provider: engine.Claude, ID: "a"}, test.alert, over...)
		if err != nil || first != test.first {
			t.Errorf("%d: %v, %v", i, first, err)
		}
	}
	told, err := a.Told(t.Context(), "expired 1")
	if err != nil || len(told) != 1 || told[0].Store != "other" {
		t.Errorf("told of %v, %v", told, err)
	}
}
