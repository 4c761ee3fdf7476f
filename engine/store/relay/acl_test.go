package relay

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/store/relay/redistest"
)

// asUser is the store as the user of docs/REDIS.md has it.
func asUser(cfg Config) Config {
	cfg.Username, cfg.Password, cfg.EncryptionKey = redistest.User, engine.NewSecret(redistest.Password), engine.NewSecret(testKey)
	return cfg
}

// With the rights of docs/REDIS.md all can be done. Without any one of them it
// is told which is missing, and nothing else is found wrong.
func TestLeastRights(t *testing.T) {
	server, rights := redistest.Start(t), redistest.ReadRights(t)
	cfg := asUser(Config{Addrs: []string{server.Addr}, DB: 1})
	all := slices.Concat(rights.All, rights.Select, rights.Webhooks)
	redistest.Grant(t, server.Client, all)
	if err := everything(t, cfg); err != nil {
		t.Fatal(err)
	}
	for i, right := range all {
		if right == "on" || right[0] == '>' {
			continue
		}
		server.Client.FlushAll(t.Context())
		server.Client.ScriptFlush(t.Context())
		redistest.Grant(t, server.Client, slices.Delete(slices.Clone(all), i, i+1))
		want := "does not let this user use a key: give it all keys that docs/REDIS.md names"
		if command, ok := strings.CutPrefix(right, "+"); ok {
			want = "does not let this user run " + strings.ToUpper(command) + ": give it +" + command
		}
		err := everything(t, cfg)
		if err == nil {
			t.Errorf("%s is not needed", right)
			continue
		}
		for line := range strings.Lines(err.Error()) {
			if !strings.Contains(line, want) || strings.Contains(line, redistest.Password) {
				t.Errorf("without %s: %s", right, line)
			}
		}
	}
}

// testKeys are derived once: that is slow.
var testKeys = sync.OnceValue(func() keyring { return newKeyring(engine.NewSecret(testKey)) })

// everything does all that a store is asked for, and returns what went wrong.
func everything(t *testing.T, cfg Config) error {
	t.Helper()
	ctx := t.Context()
	s := Open(cfg)
	defer s.Close()
	s.keys = testKeys()
	var errs []error
	failed := func(err error) bool {
		if err != nil {
			errs = append(errs, err)
		}
		return err != nil
	}
	list := func() {
		listing, err := s.List(ctx)
		failed(err)
		errs = append(errs, listing.Problems...)
		for _, a := range listing.Accounts {
			failed(a.Problem)
			if !a.Record.Empty() {
				_, err := a.Record.Open()
				failed(err)
			}
		}
	}
	list() // finds no index, and scans
	for _, provider := range slices.Sorted(maps.Keys(platforms)) {
		a, err := s.Add(ctx, engine.NewAccount{Provider: provider, Name: "account", RefreshToken: engine.NewSecret("refresh")})
		if failed(err) {
			continue
		}
		lease, err := s.TryLock(ctx, a.Key)
		if !failed(err) {
			s.unanswered.Store(lockKey(a.Key), valueOf(lease)) // as if its reply had been lost
			_, err = s.TryLock(ctx, a.Key)
			failed(err)
		}
		for _, change := range []engine.Change{{}, {Token: token("access"), At: time.Now()}, {Dead: "invalid_grant"}} {
			change.Record = engine.NewSecret("{}")
			if next, err := s.Write(ctx, a, change); !failed(err) {
				a = next
			}
		}
		list()
		if lease != nil {
			failed(lease.Release(ctx))
		}
		name := "renamed"
		_, err = s.Edit(ctx, a.Key, engine.Edit{Name: &name})
		failed(err)
		failed(s.Remove(ctx, a.Key))
	}
	_, err := s.scanIndex(ctx, platforms[engine.Claude]) // as an index is read that is large
	failed(s.fault(err))
	_, err = s.Time(ctx)
	failed(err)
	_, err = s.AlertChannels(ctx)
	failed(err)
	return errors.Join(errs...)
}

func valueOf(l engine.Lease) string { return l.(*lease).value }
