package relay

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/store/relay/redistest"
)

// Broken accounts are told and harm no other; nothing is written for them.
func TestBrokenAccounts(t *testing.T) {
	server, dump := redistest.Start(t), redistest.Relay(t)
	dump.Load(t, server.Client)
	ctx := t.Context()
	c := server.Client
	c.SAdd(ctx, "claude:account:index", "gone", "text", "partial", "garbled", "when")
	c.Set(ctx, "claude:account:text", "not a hash", 0)
	c.HSet(ctx, "claude:account:partial", "name", "partial")
	c.HSet(ctx, "claude:account:garbled", "name", "garbled\x1b[31m", "isActive", "true", "refreshToken", "never encrypted")
	c.HSet(ctx, "claude:account:when", "name", "when", "isActive", "true", "expiresAt", "next week")
	listing, err := open(t, server, dump.EncryptionKey).List(ctx)
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]engine.Account{}
	for _, a := range listing.Accounts {
		byID[a.ID] = a
	}
	if _, listed := byID["gone"]; listed || len(byID) != len(dump.Plain)+4 {
		t.Errorf("%d accounts", len(byID))
	}
	if p := byID["text"].Problem; engine.KindOf(p) != engine.KindUnreadable || !strings.Contains(fmt.Sprint(p), "claude:account:text") {
		t.Errorf("wrong type: %v", p)
	}
	if a := byID["partial"]; a.Problem != nil || a.Active || !a.Static() {
		t.Errorf("partial: %+v", a)
	}
	if a := byID["garbled"]; a.Name != "garbled[31m" {
		t.Errorf("control characters are still in the name %q", a.Name)
	}
	if _, err := byID["garbled"].RefreshToken.Open(); engine.KindOf(err) != engine.KindUnreadable {
		t.Errorf("garbled: %v", err)
	}
	if engine.KindOf(byID["when"].Problem) != engine.KindUnreadable {
		t.Errorf("expiresAt: %v", byID["when"].Problem)
	}

	c.Del(ctx, "gemini_account:index")
	c.Set(ctx, "gemini_account:index", "not a set", 0)
	listing, err = open(t, server, dump.EncryptionKey).List(ctx)
	if err != nil || len(listing.Problems) != 1 || !strings.Contains(listing.Problems[0].Error(), "gemini_account:index") {
		t.Errorf("index of the wrong type: %v %v", err, listing.Problems)
	}
	if len(listing.Accounts) != len(dump.Plain)+4 {
		t.Errorf("%d accounts beside a broken index", len(listing.Accounts))
	}
}

// fill adds n claude accounts as a relay would have.
func fill(t testing.TB, server *redistest.Server, s *Store, n int) {
	t.Helper()
	ctx := context.Background()
	p := platforms[engine.Claude]
	hash := s.newHash(p, "", engine.NewAccount{Name: "account", RefreshToken: engine.NewSecret("sk-ant-ort01-" + strings.Repeat("r", 95)),
		AccessToken: engine.NewSecret("sk-ant-oat01-" + strings.Repeat("a", 95)), ExpiresAt: time.Now().Add(time.Hour)}, time.Now())
	pipe := server.Client.Pipeline()
	for i := range n {
		id := fmt.Sprintf("%08d-0000-4000-8000-000000000000", i)
		pipe.HSet(ctx, p.hashKey(id), hash)
		pipe.SAdd(ctx, p.index(), id)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		t.Fatal(err)
	}
}

// At most one client command per 100 accounts plus 12, from the connection on.
func TestCommandsPerScan(t *testing.T) {
	for _, n := range []int{0, 10, 100, 1000, 10000} { // at 10 every 15 minutes: 2 × 96 a day
		server := redistest.Start(t)
		fill(t, server, open(t, server, testKey), n)
		s := open(t, server, testKey)
		if _, err := s.List(t.Context()); err != nil { // an empty index is scanned once, on top
			t.Fatal(err)
		}
		again := open(t, server, testKey)
		scan := func(s *Store) {
			listing, err := s.List(t.Context())
			if err != nil || len(listing.Accounts) != n {
				t.Fatalf("%d accounts, %v", len(listing.Accounts), err)
			}
		}
		first, next := server.Commands(t, func() { scan(again) }), server.Commands(t, func() { scan(again) })
		t.Logf("%d accounts: %d commands for a first scan, %d for each next", n, first, next)
		if n == 10 && next != 2 {
			t.Errorf("a scan of 10 accounts costs %d commands, not 2 as the guide says", next)
		}
		if limit := n/100 + 12; first > limit || next > limit {
			t.Errorf("%d accounts: %d and %d commands, at most %d are allowed", n, first, next, limit)
		}
	}
}

// A refresh costs 5 commands: lock, read, the intent, save, unlock.
func TestCommandsPerRefresh(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server, testKey)
	added, err := s.Add(t.Context(), engine.NewAccount{Provider: engine.Claude, Name: "a", RefreshToken: engine.NewSecret("r")})
	if err != nil {
		t.Fatal(err)
	}
	refresh := func() {
		t.Helper()
		lease, err := s.TryLock(t.Context(), added.Key)
		if err != nil {
			t.Fatal(err)
		}
		a, err := s.Load(t.Context(), added.Key)
		if err == nil {
			a, err = s.Write(t.Context(), a, engine.Change{Record: engine.NewSecret("{}")})
		}
		if err == nil {
			_, err = s.Write(t.Context(), a, engine.Change{Token: token("x"), At: time.Now(), Record: engine.NewSecret("{}")})
		}
		if err == nil {
			err = lease.Release(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	refresh() // sends each script in full, once
	if n := server.Commands(t, refresh); n != 5 {
		t.Errorf("%d commands, not 5 as the guide says", n)
	}
}

func token(access string) engine.Token {
	return engine.Token{AccessToken: engine.NewSecret(access), ExpiresAt: time.Now().Add(time.Hour)}
}

// Without an index the keys are scanned; nothing found is remembered as the
// relay does it.
func TestScanFallback(t *testing.T) {
	server, dump := redistest.Start(t), redistest.Relay(t)
	dump.Load(t, server.Client)
	ctx := t.Context()
	server.Client.Del(ctx, "claude:account:index")
	s := open(t, server, dump.EncryptionKey)
	list := func() int {
		t.Helper()
		listing, err := s.List(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return len(listing.Accounts)
	}
	if n := list(); n != len(dump.Plain) {
		t.Errorf("%d accounts without an index, want %d", n, len(dump.Plain))
	}
	if marked := server.Client.Get(ctx, "droid:account:index:empty").Val(); marked != "1" {
		t.Errorf("droid's marker is %q", marked)
	}
	if ttl := server.Client.TTL(ctx, "droid:account:index:empty").Val(); ttl <= 0 || ttl > time.Hour {
		t.Errorf("droid's marker lives %v", ttl)
	}
	if server.Client.Exists(ctx, "claude:account:index:empty").Val() != 0 {
		t.Error("claude is marked empty")
	}
	server.Client.Set(ctx, "claude:account:index:empty", "1", time.Hour) // another program says so
	if n := list(); n != 3 {
		t.Errorf("%d accounts where claude is known to be empty, want 3", n)
	}
	if _, err := s.Add(ctx, engine.NewAccount{Provider: engine.Droid, Name: "first", RefreshToken: engine.NewSecret("r")}); err != nil {
		t.Fatal(err)
	}
	if n := list(); n != 4 {
		t.Errorf("%d accounts after one was added to a platform known as empty, want 4", n)
	}
}

// BenchmarkReadScript is the server's time for one chunk, as it counts it.
func BenchmarkReadScript(b *testing.B) {
	server := redistest.Start(b)
	s := open(b, server, testKey)
	fill(b, server, s, chunk)
	server.Client.ConfigResetStat(b.Context())
	for b.Loop() {
		if _, err := s.List(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	info := server.Client.Info(b.Context(), "commandstats").Val()
	for line := range strings.Lines(info) {
		if _, stats, ok := strings.Cut(line, "cmdstat_evalsha:"); ok {
			_, per, _ := strings.Cut(stats, "usec_per_call=")
			per, _, _ = strings.Cut(per, ",")
			us, _ := strconv.ParseFloat(per, 64)
			b.ReportMetric(us, "server-µs/chunk")
		}
	}
}
