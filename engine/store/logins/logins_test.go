package logins

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/store/storetest"
)

// home is a user's folder with a store over the logins in it.
type home struct {
	path  string
	store *Store
}

func newHome(t *testing.T) home {
	t.Helper()
	h := home{path: t.TempDir()}
	h.store = h.open(t)
	return h
}

// open opens the store as another process does.
func (h home) open(t *testing.T) *Store {
	t.Helper()
	s, err := Open(Config{Places: find("linux", h.path, func(string) string { return "" }), LockDir: filepath.Join(h.path, "locks")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func (h home) file(tool string) string {
	f, _ := formatOf(tool)
	return filepath.Join(h.path, f.folder, f.file)
}

func (h home) key(tool string) engine.Key {
	f, _ := formatOf(tool)
	return engine.Key{Provider: f.provider, ID: h.file(tool)}
}

// put writes a tool's file, in place as the tools do.
func (h home) put(t *testing.T, tool, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(h.file(tool)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.file(tool), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (h home) text(t *testing.T, tool string) string {
	t.Helper()
	text, err := os.ReadFile(h.file(tool))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (h home) load(t *testing.T, tool string) engine.Account {
	t.Helper()
	a, err := h.store.Load(t.Context(), h.key(tool))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func jwt(name string, exp time.Time) string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"none"}`)) + "." + part(fmt.Appendf(nil, `{"sub":%q,"exp":%d}`, name, exp.Unix())) + ".sig"
}

// texts are the tools' files, with what the tools and others keep in them
// beside the tokens. %[1]s is the refresh token, %[2]s the access token,
// %[3]d the expiry, %[4]s what else a refresh changes.
var texts = map[string]string{
	claudeCode: `{ "mcpOAuth" : {"a|1":{"accessToken":"of another","expiresAt":0}},
  "claudeAiOauth":{"accessToken":"%[2]s","refreshToken":"%[1]s","expiresAt":%[3]d,"refreshTokenExpiresAt":1800000000000,
	"scopes":[%[4]s],"subscriptionType":"max","rateLimitTier":"\u0064efault\/x"},"n":1e400,"big":123456789012345678901234567890,"n":-0.0 }
`,
	geminiCLI: `{
  "access_token": "%[2]s",
  "scope": "%[4]s",
  "token_type": "Bearer",
  "id_token": "an.id.token",
  "expiry_date": %[3]d,
  "refresh_token": "%[1]s",
  "x": [ {}, null ]
}`,
	codex: "{\r\n\t\"OPENAI_API_KEY\": null, \"auth_mode\":\"chatgpt\",\r\n\t\"tokens\": {\"id_token\": \"an.id.token\", \"access_token\": \"%[2]s\"," +
		" \"refresh_token\": \"%[1]s\", \"account_id\": \"1\"},\r\n\t\"last_refresh\": \"%[4]s\"}\r\n",
}

func textOf(tool, refresh, access string, expires time.Time, more string) string {
	return fmt.Sprintf(texts[tool], refresh, access, expires.UnixMilli(), more)
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Subject {
		h := newHome(t)
		return storetest.Subject{
			Store: h.store, Locker: h.open(t), OtherLocker: h.open(t),
			Remove: func(t *testing.T, key engine.Key) {
				if err := os.Remove(key.ID); err != nil {
					t.Fatal(err)
				}
			},
			Providers: []string{engine.Claude, engine.Gemini, engine.OpenAI},
			Refuses: map[string]string{
				"AddEverything": "a tool's login is made by the tool", "Edit": "a tool's login is the tool's to name",
				"EditAndWrite": "a tool's login is the tool's to name", "Remove": "a tool's login is the tool's to end",
			},
			Add: func(t *testing.T, n engine.NewAccount) engine.Account {
				tool := map[string]string{engine.Claude: claudeCode, engine.Gemini: geminiCLI, engine.OpenAI: codex}[n.Provider]
				h.put(t, tool, textOf(tool, n.RefreshToken.Reveal(), n.AccessToken.Reveal(), n.ExpiresAt, ""))
				return h.load(t, tool)
			},
			NoRecord: true, NoNames: true, NoStatus: true, NoExpiry: []string{engine.OpenAI},
		}
	})
}

var (
	before = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	after  = time.Date(2026, 11, 25, 17, 0, 0, 123e6, time.UTC)
	done   = time.Date(2026, 11, 25, 9, 1, 2, 345e6, time.UTC)
)

// A login says what its file says.
func TestLogin(t *testing.T) {
	for tool, want := range map[string]struct {
		more, access, scopes, client string
		refreshed, ends              time.Time
	}{
		claudeCode: {more: `"user:profile", "user:inference"`, access: "a", scopes: "user:profile user:inference", ends: time.UnixMilli(1800000000000)},
		geminiCLI:  {more: "openid  email", access: "a", scopes: "openid email", client: engine.GeminiCLI},
		codex:      {more: "2026-11-25T10:00:00.123456789+02:00", access: jwt("a", before), refreshed: time.Date(2026, 11, 25, 8, 0, 0, 123456789, time.UTC)},
	} {
		h := newHome(t)
		h.put(t, tool, textOf(tool, "r", want.access, before, want.more))
		a := h.load(t, tool)
		if a.Key != h.key(tool) || a.Name != tool || a.Client != want.client || !a.Active || !a.Observed || a.Problem != nil || a.Scopes != want.scopes ||
			!a.ExpiresAt.Equal(before) || !a.LastRefreshAt.Equal(want.refreshed) || !a.LoginExpiresAt.Equal(want.ends) ||
			a.RefreshToken.Stored() != "r" || a.AccessToken.Stored() != want.access {
			t.Errorf("%+v", a)
		}
	}
}

// A write changes the tokens and their times; every other byte stays, and so
// do the file's mode and owner.
func TestOtherBytesStay(t *testing.T) {
	for tool, test := range map[string]struct{ was, now, access, id string }{
		claudeCode: {`"user:profile"`, `"user:profile","user:inference"`, `new/<&>"\`, ""},
		geminiCLI:  {"openid", "user:profile user:inference", "new", "new.id.token"},
		codex:      {"2026-11-01T00:00:00Z", "2026-11-25T09:01:02.345Z", jwt("new", after.Truncate(time.Second)), "new.id.token"},
	} {
		for _, mode := range []os.FileMode{0o600, 0o640, 0o644} {
			h := newHome(t)
			h.put(t, tool, textOf(tool, "old", "old", before, test.was))
			if err := os.Chmod(h.file(tool), mode); err != nil {
				t.Fatal(err)
			}
			token := engine.Token{RefreshToken: engine.NewSecret("new-r"), AccessToken: engine.NewSecret(test.access), ExpiresAt: after,
				IDToken: engine.NewSecret(test.id), Scope: "user:profile  user:inference", Type: "Bearer"}
			a, err := h.store.Write(t.Context(), h.load(t, tool), engine.Change{Token: token, At: done, Record: engine.NewSecret("record")})
			if err != nil {
				t.Fatal(err)
			}
			want := textOf(tool, "new-r", strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(test.access), after, test.now)
			if test.id != "" {
				want = strings.ReplaceAll(want, "an.id.token", test.id)
			}
			if got := h.text(t, tool); got != want {
				t.Errorf("%s: got\n%s\nwant\n%s", tool, got, want)
			}
			if a.AccessToken.Stored() != test.access || a.RefreshToken.Stored() != "new-r" || !a.ExpiresAt.Truncate(time.Second).Equal(after.Truncate(time.Second)) {
				t.Errorf("%s: returned %+v", tool, a)
			}
			if info, err := os.Stat(h.file(tool)); err != nil || info.Mode() != mode {
				t.Errorf("%s: mode %v, %v", tool, info.Mode(), err)
			}
			h.onlyTheFile(t, tool)
		}
	}
}

// onlyTheFile: a write leaves nothing else in the folder.
func (h home) onlyTheFile(t *testing.T, tool string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(h.file(tool)))
	if err != nil || len(entries) != 1 {
		t.Errorf("%s: in the folder: %v, %v", tool, entries, err)
	}
}

// What is put back leaves the scopes alone; a field that is not there comes in
// where it must; what is not in the answer stays.
func TestFields(t *testing.T) {
	full := engine.Token{RefreshToken: engine.NewSecret("R"), AccessToken: engine.NewSecret("A"), IDToken: engine.NewSecret("I"), ExpiresAt: after, Scope: "s"}
	exp := after.UnixMilli()
	for name, test := range map[string]struct {
		tool, was, now string
		change         engine.Change
	}{
		"restored": {claudeCode, `{"claudeAiOauth":{"refreshToken":"r","accessToken":"a","scopes":["x"]}}`,
			fmt.Sprintf(`{"claudeAiOauth":{"expiresAt":%d,"refreshToken":"R","accessToken":"A","scopes":["x"]}}`, exp), engine.Change{Token: full, Restored: true}},
		"nothing there": {geminiCLI, `{ "refresh_token":"r"}`,
			fmt.Sprintf(`{"access_token":"A","id_token":"I","expiry_date":%d,"scope":"s", "refresh_token":"R"}`, exp), engine.Change{Token: full}},
		"null": {claudeCode, `{"claudeAiOauth":{"refreshToken":"r","accessToken":null,"expiresAt":null,"scopes":null}}`,
			fmt.Sprintf(`{"claudeAiOauth":{"refreshToken":"R","accessToken":"A","expiresAt":%d,"scopes":["s"]}}`, exp), engine.Change{Token: full}},
		"codex": {codex, `{"tokens":{"refresh_token":"r"}}`,
			`{"last_refresh":"2026-11-25T09:01:02.345Z","tokens":{"access_token":"A","id_token":"I","refresh_token":"R"}}`, engine.Change{Token: full, At: done}},
		"escaped names": {codex, `{"tokens":{"refresh\u005ftoken":"r","access_token":"\u0061"}}`, `{"tokens":{"refresh\u005ftoken":"R","access_token":"\u0061"}}`,
			engine.Change{Token: engine.Token{RefreshToken: engine.NewSecret("R")}}},
		"no rotation": {codex, `{"tokens":{"refresh_token":"\u0072","access_token":"a"}}`, `{"tokens":{"refresh_token":"\u0072","access_token":"A"}}`,
			engine.Change{Token: engine.Token{AccessToken: engine.NewSecret("A")}}},
		"no expiry": {geminiCLI, `{"refresh_token":"r","expiry_date":5}`, `{"access_token":"A","refresh_token":"r","expiry_date":0}`,
			engine.Change{Token: engine.Token{AccessToken: engine.NewSecret("A")}}},
		"dead": {geminiCLI, `{"refresh_token":"r"}`, `{"refresh_token":"r"}`, engine.Change{Dead: "invalid_grant"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			h.put(t, test.tool, test.was)
			if _, err := h.store.Write(t.Context(), h.load(t, test.tool), test.change); err != nil {
				t.Fatal(err)
			}
			if got := h.text(t, test.tool); got != test.now {
				t.Errorf("got  %s\nwant %s", got, test.now)
			}
		})
	}
}

// What has no tokens is no account.
func TestNoLogin(t *testing.T) {
	for text, tool := range map[string]string{
		`{"OPENAI_API_KEY":"sk-1"}`: codex, `{"OPENAI_API_KEY":"sk-1","tokens":null}`: codex, `{"tokens":{"account_id":"1"}}`: codex,
		`{"mcpOAuth":{}}`: claudeCode, `{"claudeAiOauth":null}`: claudeCode, `{"claudeAiOauth":{}}`: claudeCode, `{}`: geminiCLI, `{"refresh_token":""}`: geminiCLI,
	} {
		h := newHome(t)
		h.put(t, tool, text)
		listing, err := h.store.List(t.Context())
		if err != nil || len(listing.Accounts) > 0 || len(listing.Problems) > 0 {
			t.Errorf("%s: %+v, %v", text, listing, err)
		}
		if _, err := h.store.Load(t.Context(), h.key(tool)); engine.KindOf(err) != engine.KindNotFound {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAddIsRefused(t *testing.T) {
	h := newHome(t)
	if _, err := h.store.Add(t.Context(), engine.NewAccount{Provider: engine.Claude, Name: "a", RefreshToken: engine.NewSecret("r")}); engine.KindOf(err) != engine.KindSettings {
		t.Error(err)
	}
}

// A program that changed something else in the file meanwhile is not undone.
func TestChangedMeanwhile(t *testing.T) {
	h := newHome(t)
	h.put(t, codex, textOf(codex, "r", "a", before, ""))
	at, _ := h.store.spot(h.key(codex))
	times := 0
	at.vault = meddled{at.vault, func() {
		if times++; times == 1 {
			h.put(t, codex, `{"tokens":{"refresh_token":"r"},"new":1}`)
		}
	}}
	h.store.spots = []spot{at}
	change := engine.Change{Token: engine.Token{RefreshToken: engine.NewSecret("R")}}
	if _, err := h.store.Write(t.Context(), h.load(t, codex), change); err != nil {
		t.Fatal(err)
	}
	if got := h.text(t, codex); got != `{"tokens":{"refresh_token":"R"},"new":1}` {
		t.Errorf("now %s", got)
	}
	h.put(t, codex, `{"tokens":{"refresh_token":"R"}}`)
	times = 0
	_, err := h.store.Write(t.Context(), engine.Account{Key: h.key(codex), RefreshToken: seal("R")}, engine.Change{Token: engine.Token{RefreshToken: engine.NewSecret("S")}})
	if engine.KindOf(err) != engine.KindConflict { // the meddler signed in with r
		t.Error(err)
	}
	if got := h.text(t, codex); got != `{"tokens":{"refresh_token":"r"},"new":1}` {
		t.Errorf("now %s", got)
	}
}

// meddled lets another program in between the look and the swap.
type meddled struct {
	vault
	meddle func()
}

func (m meddled) swap(ctx context.Context, was, text []byte) error {
	m.meddle()
	return m.vault.swap(ctx, was, text)
}

// A text that is half written for a moment is waited for.
func TestHalfWritten(t *testing.T) {
	h := newHome(t)
	h.put(t, geminiCLI, `{"refresh_to`)
	at, _ := h.store.spot(h.key(geminiCLI))
	reads := 0
	at.vault = slowly{at.vault, func() {
		if reads++; reads == 3 {
			h.put(t, geminiCLI, `{"refresh_token":"r"}`)
		}
	}}
	h.store.spots = []spot{at}
	if a := h.load(t, geminiCLI); a.Problem != nil || a.RefreshToken.Stored() != "r" {
		t.Error(a.Problem)
	}
}

type slowly struct {
	vault
	before func()
}

func (s slowly) read(ctx context.Context) ([]byte, error) {
	s.before()
	return s.vault.read(ctx)
}

// What a write left when it was cut off is no login, and the next removes it.
func TestLeftovers(t *testing.T) {
	h := newHome(t)
	h.put(t, claudeCode, textOf(claudeCode, "r", "a", before, ""))
	folder := filepath.Dir(h.file(claudeCode))
	old, fresh := filepath.Join(folder, ".credentials.json.tokentray-1"), filepath.Join(folder, ".credentials.json.tokentray-2")
	for _, path := range []string{old, fresh} {
		os.WriteFile(path, []byte("cut o"), 0o600)
	}
	os.Chtimes(old, before.AddDate(-1, 0, 0), before.AddDate(-1, 0, 0))
	if listing, err := h.store.List(t.Context()); err != nil || len(listing.Accounts) != 1 {
		t.Fatal(listing, err)
	}
	if _, err := h.store.Write(t.Context(), h.load(t, claudeCode), engine.Change{Token: engine.Token{RefreshToken: engine.NewSecret("R")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("the old one: %v", err)
	}
	if _, err := os.Stat(fresh); err != nil { // perhaps another's that is under way
		t.Error(err)
	}
}
