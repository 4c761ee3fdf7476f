package relay

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net"
	"os/exec"
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

// A Cluster of one node has all its rules: no command may touch two slots.
func TestConformanceOnACluster(t *testing.T) {
	server := redistest.Start(t, "--cluster-enabled", "yes")
	if err := server.Client.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if info, _ := server.Client.ClusterInfo(t.Context()).Result(); strings.Contains(info, "cluster_state:ok") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the cluster does not come up")
		}
	}
	open := func(t *testing.T) *Store {
		s := Open(Config{Addrs: []string{server.Addr}, Cluster: true, EncryptionKey: engine.NewSecret(testKey)})
		t.Cleanup(func() { s.Close() })
		return s
	}
	storetest.Run(t, func(t *testing.T) storetest.Subject {
		if err := server.Client.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		return storetest.Subject{
			Store: open(t), Locker: open(t), OtherLocker: open(t),
			Remove: func(t *testing.T, key engine.Key) {
				if err := server.Client.Del(t.Context(), platforms[key.Provider].hashKey(key.ID)).Err(); err != nil {
					t.Fatal(err)
				}
			},
			Providers: slices.Sorted(maps.Keys(platforms)),
		}
	})
	// Found without an index, or with a broken one.
	server.Client.FlushAll(t.Context())
	redistest.Relay(t).Load(t, server)
	server.Client.Set(t.Context(), "claude:account:odd", "not a hash", 0)
	for _, broken := range []bool{false, true} {
		server.Client.Del(t.Context(), "claude:account:index")
		if broken {
			server.Client.Set(t.Context(), "claude:account:index", "not a set", 0)
		}
		listing, err := open(t).List(t.Context())
		if err != nil || len(listing.Accounts) != 9 || (len(listing.Problems) > 0) != broken {
			t.Errorf("%d accounts, %v, %v", len(listing.Accounts), err, listing.Problems)
		}
	}
}

// Every token that the relay encrypted is read, and what is written here
// decrypts with Node's crypto as the relay does it.
func TestCipherAgainstTheRelay(t *testing.T) {
	dump := redistest.Relay(t)
	keys := newKeyring(engine.NewSecret(dump.EncryptionKey))
	for _, plain := range dump.Plain {
		p := platforms[plain.Platform]
		hash := dump.Hash(t, p.hashKey(plain.ID))
		for field, want := range map[string]string{"accessToken": plain.AccessToken, "refreshToken": plain.RefreshToken} {
			got, err := engine.Seal(hash[field], keys.opener(p)).Open()
			if err != nil || got.Reveal() != want {
				t.Errorf("%s %s: %q, %v; want %q", plain.Name, field, got.Reveal(), err, want)
			}
		}
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node here to decrypt with")
	}
	for _, name := range slices.Sorted(maps.Keys(platforms)) {
		p := platforms[name]
		for _, want := range []string{"x", "sixteen letters!", "sk-ant-ort01-" + strings.Repeat("a", 300)} {
			out, err := exec.Command(node, "-e", nodeDecrypt, dump.EncryptionKey, p.salt, keys.encrypt(p, want)).CombinedOutput()
			if err != nil || string(out) != want {
				t.Errorf("%s: node reads %q, %v; want %q", name, out, err, want)
			}
		}
	}
}

const nodeDecrypt = `
const crypto = require('crypto');
const [key, salt, text] = process.argv.slice(1);
const [iv, data] = text.split(':');
const d = crypto.createDecipheriv('aes-256-cbc', crypto.scryptSync(key, salt, 32), Buffer.from(iv, 'hex'));
process.stdout.write(d.update(data, 'hex', 'utf8') + d.final('utf8'));`

func TestCipherRefuses(t *testing.T) {
	right, wrong := newKeyring(engine.NewSecret(testKey)), newKeyring(engine.NewSecret("another key"))
	claude, gemini := platforms[engine.Claude], platforms[engine.Gemini]
	sealed := right.encrypt(claude, "refresh-token")
	for name, text := range map[string]string{
		"plain text": "refresh-token", "no iv": ":" + strings.Repeat("00", 16), "short iv": "00:" + strings.Repeat("00", 16),
		"odd length": sealed[:len(sealed)-2], "not hex": "zz" + sealed[2:], "no data": strings.Repeat("00", 16) + ":",
		"huge": strings.Repeat("a", maxSealed+1),
	} {
		if _, err := right.opener(claude)(text); engine.KindOf(err) != engine.KindUnreadable {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := right.opener(gemini)("plain-token"); err != nil || got.Reveal() != "plain-token" {
		t.Errorf("an old import's plain text: %v", err)
	}
	// One wrong key in some 256 pads well: it must be told all the same.
	for i := range 2000 {
		if _, err := wrong.opener(claude)(right.encrypt(claude, "refresh-token-"+strconv.Itoa(i))); err == nil {
			t.Fatal("a wrong key gave a token")
		}
	}
	memo := engine.Memo{Dead: engine.Verdict{Code: "invalid_grant", At: time.Now()}}
	if got := wrong.openMemo(claude, right.sealMemo(claude, memo)); got != (engine.Memo{}) {
		t.Errorf("a wrong key opened a memo: %+v", got)
	}
}

func TestDump(t *testing.T) {
	server, dump := redistest.Start(t), redistest.Relay(t)
	dump.Load(t, server)
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
	dump.Load(t, server)
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
		if _, err := s.Save(t.Context(), old, engine.Token{AccessToken: engine.NewSecret("a"), RefreshToken: engine.NewSecret("r"),
			IDToken: engine.NewSecret("i"), ExpiresAt: expiry}, time.Now()); err != nil {
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
	dump.Load(t, server)
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
		refresh, _ := old.RefreshToken.Open()
		if _, err := s.MarkDead(t.Context(), old, engine.Verdict{Token: refresh.Fingerprint(), Code: "invalid_grant", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		hash := server.Client.HGetAll(t.Context(), key).Val()
		if hash["status"] != status || (hash["errorMessage"] == "Invalid refresh token") != (status == "error") {
			t.Errorf("%s: status %q, errorMessage %q", key, hash["status"], hash["errorMessage"])
		}
		if again, _ := s.Load(t.Context(), old.Key); again.Memo.Dead.Token != refresh.Fingerprint() {
			t.Errorf("%s: not remembered for the other keepers", key)
		}
	}
}

// Broken accounts are told and harm no other; nothing is written for them.
func TestBrokenAccounts(t *testing.T) {
	server, dump := redistest.Start(t), redistest.Relay(t)
	dump.Load(t, server)
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

// commands returns how many commands the server gets from clients while do
// runs; those that scripts run do not count.
func commands(t testing.TB, server *redistest.Server, do func()) (n int) {
	t.Helper()
	conn, err := net.Dial("tcp", server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprint(conn, "MONITOR\r\n")
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, 1<<20)
	lines.Scan() // +OK
	do()
	server.Client.Echo(context.Background(), "the-end")
	for lines.Scan() {
		switch line := lines.Text(); {
		case strings.Contains(line, "the-end"):
			return n
		case !strings.Contains(line, " lua] "):
			n++
		}
	}
	t.Fatal("MONITOR ended")
	return 0
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
		first, next := commands(t, server, func() { scan(again) }), commands(t, server, func() { scan(again) })
		t.Logf("%d accounts: %d commands for a first scan, %d for each next", n, first, next)
		if n == 10 && next != 2 {
			t.Errorf("a scan of 10 accounts costs %d commands, not 2 as the guide says", next)
		}
		if limit := n/100 + 12; first > limit || next > limit {
			t.Errorf("%d accounts: %d and %d commands, at most %d are allowed", n, first, next, limit)
		}
	}
}

// A refresh costs 4 commands: lock, read, save, unlock.
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
			_, err = s.Save(t.Context(), a, token("x"), time.Now())
		}
		if err == nil {
			err = lease.Release(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	refresh() // sends each script in full, once
	if n := commands(t, server, refresh); n != 4 {
		t.Errorf("%d commands, not 4 as the guide says", n)
	}
}

func token(access string) engine.Token {
	return engine.Token{AccessToken: engine.NewSecret(access), ExpiresAt: time.Now().Add(time.Hour)}
}

// Without an index the keys are scanned; nothing found is remembered as the
// relay does it.
func TestScanFallback(t *testing.T) {
	server, dump := redistest.Start(t), redistest.Relay(t)
	dump.Load(t, server)
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

// An abandoned lock is the next one's when it has ended, and never broken.
func TestAbandonedLock(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server, testKey)
	key := engine.Key{Provider: engine.Claude, ID: "x"}
	server.Client.SetNX(t.Context(), "token_refresh_lock:claude:x", "a-relay", 300*time.Millisecond)
	if _, err := s.TryLock(t.Context(), key); engine.KindOf(err) != engine.KindLocked {
		t.Fatalf("a relay's lock: %v", err)
	}
	var lease engine.Lease
	for deadline := time.Now().Add(10 * time.Second); lease == nil && time.Now().Before(deadline); {
		lease, _ = s.TryLock(t.Context(), key)
	}
	if lease == nil {
		t.Fatal("the lock was not to be had after its end")
	}
	if ttl := server.Client.TTL(t.Context(), "token_refresh_lock:claude:x").Val(); ttl < 50*time.Second || ttl > time.Minute {
		t.Errorf("our lock lives %v", ttl)
	}
	server.Client.Set(t.Context(), "token_refresh_lock:claude:x", "a-relay", time.Minute) // ours ended, a relay has it
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
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
