package relay

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/store/relay/redistest"
	"tokentray/engine/store/storetest"
)

const testKey = "a-key-for-the-test-of-32-letters"

func open(t testing.TB, server *redistest.Server, key string) *Store {
	t.Helper()
	s := Open(Config{Addrs: []string{server.Addr}, EncryptionKey: engine.NewSecret(key)})
	if key == testKey {
		s.keys = testKeys()
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestConformance(t *testing.T) {
	server := redistest.Start(t)
	storetest.Run(t, func(t *testing.T) storetest.Subject {
		if err := server.Client.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		s := open(t, server, testKey)
		return storetest.Subject{
			Store: s, Locker: s, OtherLocker: open(t, server, testKey),
			Remove: func(t *testing.T, key engine.Key) {
				if err := server.Client.Del(t.Context(), platforms[key.Provider].hashKey(key.ID)).Err(); err != nil {
					t.Fatal(err)
				}
			},
			Providers: slices.Sorted(maps.Keys(platforms)),
		}
	})
}

func TestDump(t *testing.T) {
	server, dump := redistest.Start(t), redistest.Relay(t)
	dump.Load(t, server.Client)
	listing, err := open(t, server, dump.EncryptionKey).List(t.Context())
	if err != nil || len(listing.Problems) > 0 {
		t.Fatal(err, listing.Problems)
	}
	byID := map[string]engine.Account{}
	for _, a := range listing.Accounts {
		byID[a.ID] = a
	}
	if len(byID) != len(dump.Plain) {
		t.Fatalf("%d accounts, want %d", len(byID), len(dump.Plain))
	}
	for _, want := range dump.Plain {
		a := byID[want.ID]
		if a.Problem != nil || a.Name != want.Name || a.Provider != want.Platform || a.Active != want.IsActive || a.Static() != (want.RefreshToken == "") {
			t.Errorf("%s: %+v", want.Name, a)
		}
	}
	if a := byID["8811babc-8ca0-428a-a6ef-102bee7bec61"]; a.Client != engine.Antigravity {
		t.Errorf("antigravity's client: %q", a.Client)
	}
}

// A new account has every field that the relay gives one.
func TestAddWritesWhatTheRelayWrites(t *testing.T) {
	server, dump := redistest.Start(t), redistest.Relay(t)
	s := open(t, server, dump.EncryptionKey)
	for _, test := range []struct{ like, provider, access string }{
		{"claude:account:d576a9f9-4ae7-4795-b80e-7ca1cb39bb1c", engine.Claude, "access"},
		{"claude:account:3dab9730-92d9-41bc-bd92-f21759800589", engine.Claude, ""},
		{"gemini_account:57c466d5-8d65-4234-8031-c9f416983abc", engine.Gemini, "access"},
		{"openai:account:3ca3cdcb-cc70-4f6a-acf0-89e9f0f37cc4", engine.OpenAI, "access"},
	} {
		p := platforms[test.provider]
		server.Client.Set(t.Context(), p.emptyMarker(), "1", time.Hour)
		a, err := s.Add(t.Context(), engine.NewAccount{Provider: test.provider, Name: "new", AccessToken: engine.NewSecret(test.access),
			RefreshToken: engine.NewSecret("refresh"), ExpiresAt: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		got := server.Client.HGetAll(t.Context(), p.hashKey(a.ID)).Val()
		want := dump.Hash(t, test.like)
		if a, b := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)); !slices.Equal(a, b) {
			t.Errorf("%s has the fields\n%v\nwant\n%v", test.provider, a, b)
		}
		for name, value := range want { // what the relay leaves empty stays empty, what it encrypts is encrypted
			switch encrypted := strings.Count(value, ":") == 1 && len(value) > 60; {
			case name == "proxy" || name == "email" || name == "scopes" || name == "idToken" || name == "accountId" || name == "expiresAt":
			case encrypted != (strings.Count(got[name], ":") == 1 && len(got[name]) > 60):
				t.Errorf("%s: %s is %q", test.provider, name, got[name])
			case !encrypted && value != got[name] && !slices.Contains([]string{"id", "name", "createdAt", "updatedAt", "lastRefresh"}, name):
				t.Errorf("%s: %s is %q, the relay writes %q", test.provider, name, got[name], value)
			}
		}
		if !server.Client.SIsMember(t.Context(), p.index(), a.ID).Val() || server.Client.Exists(t.Context(), p.emptyMarker()).Val() != 0 {
			t.Errorf("%s: not in the index, or still marked empty", test.provider)
		}
		if p.shared != "" && !server.Client.SIsMember(t.Context(), p.shared, a.ID).Val() {
			t.Errorf("%s: not in %s", test.provider, p.shared)
		}
	}
}

// A save changes the token fields and nothing else, in the relay's forms.
func TestSaveChangesOnlyTheTokenFields(t *testing.T) {
	server, dump := redistest.Start(t), redistest.Relay(t)
	dump.Load(t, server.Client)
	s := open(t, server, dump.EncryptionKey)
	expiry := time.Date(2027, 1, 2, 3, 4, 5, 678e6, time.UTC)
	for _, test := range []struct {
		provider, id, expiresAt string
		changed                 []string
	}{
		{engine.Claude, "d576a9f9-4ae7-4795-b80e-7ca1cb39bb1c", strconv.FormatInt(expiry.UnixMilli(), 10),
			[]string{"accessToken", "expiresAt", "lastRefreshAt", "refreshToken"}},
		{engine.Gemini, "57c466d5-8d65-4234-8031-c9f416983abc", "2027-01-02T03:04:05.678Z",
			[]string{"accessToken", "expiresAt", "geminiOauth", "lastRefreshAt", "refreshToken", "updatedAt"}},
		{engine.OpenAI, "3ca3cdcb-cc70-4f6a-acf0-89e9f0f37cc4", "2027-01-02T03:04:05.678Z",
			[]string{"accessToken", "expiresAt", "idToken", "refreshToken", "updatedAt"}},
	} {
		p := platforms[test.provider]
		before := server.Client.HGetAll(t.Context(), p.hashKey(test.id)).Val()
		old, err := s.Load(t.Context(), engine.Key{Provider: test.provider, ID: test.id})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write(t.Context(), old, engine.Change{At: time.Now(), Token: engine.Token{AccessToken: engine.NewSecret("a"),
			RefreshToken: engine.NewSecret("r"), IDToken: engine.NewSecret("i"), ExpiresAt: expiry}}); err != nil {
			t.Fatal(err)
		}
		after := server.Client.HGetAll(t.Context(), p.hashKey(test.id)).Val()
		var changed []string
		for name, value := range after {
			if before[name] != value {
				changed = append(changed, name)
			}
		}
		if slices.Sort(changed); !slices.Equal(changed, test.changed) {
			t.Errorf("%s: changed %v, want %v", test.provider, changed, test.changed)
		}
		if after["expiresAt"] != test.expiresAt {
			t.Errorf("%s: expiresAt %q, want %q", test.provider, after["expiresAt"], test.expiresAt)
		}
		if test.provider == engine.Gemini {
			text, err := s.keys.decrypt(p, after["geminiOauth"])
			if want := `{"access_token":"a","refresh_token":"r","scope":"https://www.googleapis.com/auth/cloud-platform","token_type":"Bearer","expiry_date":1798859045678}`; err != nil || text != want {
				t.Errorf("geminiOauth: %s, %v", text, err)
			}
		}
	}
}

func TestMarkDead(t *testing.T) {
	server, dump := redistest.Start(t), redistest.Relay(t)
	dump.Load(t, server.Client)
	s := open(t, server, dump.EncryptionKey)
	protected := "gemini_account:8811babc-8ca0-428a-a6ef-102bee7bec61"
	server.Client.HSet(t.Context(), protected, "disableAutoProtection", "true")
	for key, status := range map[string]string{
		"claude:account:d576a9f9-4ae7-4795-b80e-7ca1cb39bb1c": "error",
		"gemini_account:57c466d5-8d65-4234-8031-c9f416983abc": "error",
		protected: "active",
		"openai:account:3ca3cdcb-cc70-4f6a-acf0-89e9f0f37cc4": "active",
	} {
		provider, id := engine.Claude, key[strings.LastIndexByte(key, ':')+1:]
		for name, p := range platforms {
			if strings.HasPrefix(key, p.prefix) {
				provider = name
			}
		}
		old, err := s.Load(t.Context(), engine.Key{Provider: provider, ID: id})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write(t.Context(), old, engine.Change{Dead: "invalid_grant", Record: engine.NewSecret("dead")}); err != nil {
			t.Fatal(err)
		}
		hash := server.Client.HGetAll(t.Context(), key).Val()
		if hash["status"] != status || (hash["errorMessage"] == "Invalid refresh token") != (status == "error") {
			t.Errorf("%s: status %q, errorMessage %q", key, hash["status"], hash["errorMessage"])
		}
		if again, _ := s.Load(t.Context(), old.Key); again.Record.Stored() == "" {
			t.Errorf("%s: not remembered for the other keepers", key)
		}
		if ttl := server.Client.TTL(t.Context(), "tokentray:{"+key+"}").Val(); ttl < 179*24*time.Hour {
			t.Errorf("%s: what is remembered goes after %v", key, ttl)
		}
	}
}

// An abandoned lock is the next one's when it has ended, and never broken.
func TestAbandonedLock(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server, testKey)
	key := engine.Key{Provider: engine.Claude, ID: "x"}
	held := func() time.Duration {
		t.Helper()
		_, err := s.TryLock(t.Context(), key)
		cause, ok := errors.AsType[*engine.Error](err)
		if !ok || cause.Kind != engine.KindLocked {
			t.Fatalf("a relay's lock: %v", err)
		}
		return cause.Held
	}
	server.Client.Set(t.Context(), "token_refresh_lock:claude:x", "somebody", 0)
	if left := held(); left != 0 {
		t.Errorf("a lock that never ends is held for %v", left)
	}
	server.Client.Set(t.Context(), "token_refresh_lock:claude:x", "a-relay", time.Second)
	left := held()
	if left <= 0 || left > time.Second {
		t.Errorf("a lock of a second is held for %v", left)
	}
	time.Sleep(left + time.Millisecond)
	lease, err := s.TryLock(t.Context(), key)
	if err != nil {
		t.Fatalf("the lock was not to be had at its end: %v", err)
	}
	if ttl := server.Client.TTL(t.Context(), "token_refresh_lock:claude:x").Val(); ttl < 50*time.Second || ttl > time.Minute {
		t.Errorf("our lock lives %v", ttl)
	}
	server.Client.Set(t.Context(), "token_refresh_lock:claude:x", "a-relay", time.Minute) // ours ended, a relay has it
	if err := lease.Release(t.Context()); engine.KindOf(err) != engine.KindLocked || !strings.Contains(err.Error(), "had ended before the refresh did") {
		t.Errorf("a lease that was lost: %v", err)
	}
	if server.Client.Get(t.Context(), "token_refresh_lock:claude:x").Val() != "a-relay" {
		t.Error("a foreign lock was released")
	}
}

func TestFaults(t *testing.T) {
	server := redistest.Start(t, "--requirepass", "hunter2")
	for name, cfg := range map[string]Config{
		"no password":    {Addrs: []string{server.Addr}},
		"wrong password": {Addrs: []string{server.Addr}, Password: engine.NewSecret("wrong-password")},
		"no server":      {Addrs: []string{"127.0.0.1:1"}},
		"no database":    {Addrs: []string{server.Addr}, Password: engine.NewSecret("hunter2"), DB: 9999},
	} {
		s := Open(cfg)
		_, err := s.List(t.Context())
		if engine.KindOf(err) != engine.KindStore || !strings.Contains(err.Error(), "REDIS_") || strings.Contains(err.Error(), "wrong-password") {
			t.Errorf("%s: %v", name, err)
		}
		s.Close()
	}
	s := Open(Config{Addrs: []string{server.Addr}, Password: engine.NewSecret("hunter2")})
	defer s.Close()
	if _, err := s.List(t.Context()); err != nil {
		t.Error(err)
	}
}

// A try for the lock whose reply did not come may have taken it: the next try
// finds that it is ours.
func TestLockWithALostReply(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server, testKey)
	key := engine.Key{Provider: engine.Claude, ID: "x"}
	if lease, err := s.TryLock(t.Context(), key); err != nil || lease.Release(t.Context()) != nil { // connected, the scripts known
		t.Fatal(err)
	}
	server.Freeze()
	defer server.Thaw()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := s.TryLock(ctx, key); engine.KindOf(err) != engine.KindStore {
		t.Fatalf("a frozen server: %v", err)
	}
	server.Thaw()
	for deadline := time.Now().Add(10 * time.Second); server.Client.Exists(t.Context(), lockKey(key)).Val() == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the server never carried the command out")
		}
	}
	lease, err := s.TryLock(t.Context(), key)
	if err != nil {
		t.Fatalf("our own lock: %v", err)
	}
	if left := time.Until(lease.Until()); left > time.Minute || left < 50*time.Second {
		t.Errorf("it is ours for %v", left)
	}
	if _, err := s.TryLock(t.Context(), key); engine.KindOf(err) != engine.KindLocked {
		t.Errorf("taken twice: %v", err)
	}
}

// A server that takes no writes can be read all the same.
func TestReadingWithoutWriting(t *testing.T) {
	server, dump := redistest.Start(t), redistest.Relay(t)
	dump.Load(t, server.Client)
	server.Client.ConfigSet(t.Context(), "maxmemory", "1")
	s := open(t, server, dump.EncryptionKey)
	listing, err := s.List(t.Context())
	if err != nil || len(listing.Accounts) != len(dump.Plain) {
		t.Errorf("%d accounts, %v", len(listing.Accounts), err)
	}
	if _, err := s.TryLock(t.Context(), engine.Key{Provider: engine.Claude, ID: "x"}); engine.KindOf(err) != engine.KindStore {
		t.Errorf("the lock: %v", err)
	}
}
