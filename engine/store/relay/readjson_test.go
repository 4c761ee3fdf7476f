package relay

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/store/relay/redistest"
)

const dumpFile = "redistest/relay-dump.json"

func dumpText(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(dumpFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// asExport is the dump in the form of the relay's export scripts; with decrypt
// as the newer one of them writes it.
func asExport(t testing.TB, decrypt bool) string {
	t.Helper()
	dump := redistest.Relay(t)
	keys := newKeyring(engine.NewSecret(dump.EncryptionKey))
	data := map[string][]map[string]any{"admins": {{"name": "root"}}}
	for list, provider := range lists {
		p := platforms[provider]
		for _, key := range slices.Sorted(maps.Keys(dump.Keys)) {
			if !strings.HasPrefix(key, p.prefix) || key == p.index() {
				continue
			}
			fields := map[string]any{}
			for name, value := range dump.Hash(t, key) {
				fields[name] = value
				if plain, err := keys.decrypt(p, value); decrypt && strings.Contains(value, ":") && err == nil {
					fields[name] = plain
					if strings.HasSuffix(name, "Oauth") {
						fields[name] = json.RawMessage(plain)
					}
				}
			}
			data[list] = append(data[list], fields)
		}
	}
	return asJSON(t, map[string]any{"metadata": map[string]any{"version": "2.0", "decrypted": decrypt}, "data": data})
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What a relay wrote is read in each of its forms, with and without the key in
// the file.
func TestReadJSON(t *testing.T) {
	dump := redistest.Relay(t)
	key := engine.NewSecret(dump.EncryptionKey)
	for name, test := range map[string]struct {
		file string
		key  engine.Secret
	}{
		"a dump with its key":      {dumpText(t), engine.Secret{}},
		"a dump and the key":       {dumpText(t), key},
		"the keys alone":           {asJSON(t, dump.Keys), key},
		"an export":                {asExport(t, false), key},
		"a decrypted export":       {asExport(t, true), engine.Secret{}},
		"a decrypted one, and key": {"\ufeff" + asExport(t, true), key},
	} {
		t.Run(name, func(t *testing.T) {
			accounts, err := ReadJSON(strings.NewReader(test.file), test.key)
			if err != nil || len(accounts) != len(dump.Plain) {
				t.Fatalf("%d accounts, want %d, %v", len(accounts), len(dump.Plain), err)
			}
			byName := map[string]engine.NewAccount{}
			for _, n := range accounts {
				byName[n.Name] = n
			}
			for _, want := range dump.Plain {
				n := byName[want.Name]
				if n.Provider != want.Platform || n.AccessToken.Reveal() != want.AccessToken || n.RefreshToken.Reveal() != want.RefreshToken ||
					n.Inactive == want.IsActive {
					t.Errorf("%s: read as %+v with %q and %q", want.Name, n, n.AccessToken.Reveal(), n.RefreshToken.Reveal())
				}
			}
			team, gravity, codex := byName["团队账户 🚀"], byName["antigravity 账户"], byName["codex"]
			if want := `{"type":"socks5","host":"127.0.0.1","port":1080,"username":"u","password":"p"}`; team.Proxy.Reveal() != want {
				t.Errorf("proxy %q", team.Proxy.Reveal())
			}
			if team.Scopes != "user:inference" || !team.ExpiresAt.Equal(time.UnixMilli(1795441785375)) {
				t.Errorf("scopes %q, expiry %v", team.Scopes, team.ExpiresAt)
			}
			if gravity.Client != engine.Antigravity || !strings.HasSuffix(gravity.Scopes, "experimentsandconfigs") || !gravity.ExpiresAt.Equal(time.UnixMilli(1795419585375)) {
				t.Errorf("antigravity: %+v", gravity)
			}
			if byName["gemini-main"].Client != engine.GeminiCLI || !byName["legacy refresh-token only"].ExpiresAt.IsZero() {
				t.Errorf("%+v", byName)
			}
			if id := codex.IDToken.Reveal(); strings.Count(id, ".") != 2 {
				t.Errorf("codex's ID token is %q", id)
			}
		})
	}
}

// What is read can be added, and is then the same account.
func TestReadJSONThenAdd(t *testing.T) {
	server, dump := redistest.Start(t), redistest.Relay(t)
	accounts, err := ReadJSON(strings.NewReader(dumpText(t)), engine.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, server, testKey) // another relay's key
	for _, n := range accounts {
		if _, err := s.Add(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	again := map[string]json.RawMessage{}
	for _, key := range server.Client.Keys(t.Context(), "*account:[0-9a-f]*").Val() {
		if hash, err := server.Client.HGetAll(t.Context(), key).Result(); err == nil {
			again[key] = json.RawMessage(asJSON(t, hash))
		}
	}
	got, err := ReadJSON(strings.NewReader(asJSON(t, again)), engine.NewSecret(testKey))
	if err != nil || len(got) != len(dump.Plain) {
		t.Fatalf("%d accounts, %v", len(got), err)
	}
	for _, n := range accounts {
		if !slices.Contains(got, n) {
			t.Errorf("%s is not the same account afterwards", n.Name)
		}
	}
}

// A login that is kept whole gives the tokens where the fields have none, and
// is stale where they have.
func TestReadJSONLogins(t *testing.T) {
	keys := newKeyring(engine.NewSecret(testKey))
	claude := `{"accessToken":"a","refreshToken":"r","expiresAt":1795416765375,"scopes":["user:inference","user:profile"]}`
	gemini := `{"access_token":"a","refresh_token":"r","expiry_date":1795416765375,"scope":"one two"}`
	hash := func(fields map[string]any) string {
		fields["name"], fields["isActive"] = "n", "true"
		return asJSON(t, fields)
	}
	for name, test := range map[string]struct {
		file, scopes, access string
	}{
		"claude, an object":   {`{"claude:account:1":` + hash(map[string]any{"claudeAiOauth": json.RawMessage(claude)}) + `}`, "user:inference user:profile", "a"},
		"claude, text":        {`{"claude:account:1":` + hash(map[string]any{"claudeAiOauth": claude}) + `}`, "user:inference user:profile", "a"},
		"claude, encrypted":   {`{"claude:account:1":` + hash(map[string]any{"claudeAiOauth": keys.encrypt(platforms[engine.Claude], claude)}) + `}`, "user:inference user:profile", "a"},
		"gemini, an object":   {`{"data":{"geminiAccounts":[` + hash(map[string]any{"geminiOauth": json.RawMessage(gemini)}) + `]}}`, "one two", "a"},
		"gemini, encrypted":   {`{"gemini_account:1":` + hash(map[string]any{"geminiOauth": keys.encrypt(platforms[engine.Gemini], gemini)}) + `}`, "one two", "a"},
		"claude, a stale one": {`{"claude:account:1":` + hash(map[string]any{"claudeAiOauth": claude, "accessToken": "newer", "refreshToken": "r", "expiresAt": 1795416765375, "scopes": "s"}) + `}`, "s", "newer"},
	} {
		t.Run(name, func(t *testing.T) {
			accounts, err := ReadJSON(strings.NewReader(test.file), engine.NewSecret(testKey))
			if err != nil || len(accounts) != 1 {
				t.Fatal(len(accounts), err)
			}
			n := accounts[0]
			if n.AccessToken.Reveal() != test.access || n.RefreshToken.Reveal() != "r" || n.Scopes != test.scopes || !n.ExpiresAt.Equal(time.UnixMilli(1795416765375)) {
				t.Errorf("%+v, access token %q", n, n.AccessToken.Reveal())
			}
		})
	}
}

// An account that cannot be used is told by name and harms no other.
func TestReadJSONLeavesOut(t *testing.T) {
	dump := redistest.Relay(t)
	sealed := newKeyring(engine.NewSecret("hunter2, another relay's key")).encrypt(platforms[engine.Claude], "a-token")
	for name, test := range map[string]struct{ fields, want string }{
		"another key":         {`"refreshToken":"` + sealed + `"`, "Claude account odd one is left out: its tokens cannot be decrypted"},
		"cut short":           {`"refreshToken":"` + sealed[:40] + `"`, "cannot be decrypted"},
		"redacted":            {`"accessToken":"[REDACTED]"`, "--sanitize"},
		"a redacted login":    {`"claudeAiOauth":"[REDACTED]"`, "not JSON"},
		"no token":            {`"accessToken":""`, "no token"},
		"garbage":             {`"accessToken":"hunter2\u001b[31m"`, "cannot be decrypted"},
		"an API key":          {`"authenticationMethod":"api_key","accessToken":"hunter2"`, "an API key"},
		"garbage in a login":  {`"claudeAiOauth":{"accessToken":"hunter2 "}`, "cannot be decrypted"},
		"a login not in JSON": {`"claudeAiOauth":"hunter2"`, "not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			keys := maps.Clone(dump.Keys)
			keys["claude:account:odd"] = json.RawMessage(`{"name":"odd\u202e one",` + test.fields + `}`)
			accounts, err := ReadJSON(strings.NewReader(asJSON(t, keys)), engine.NewSecret(dump.EncryptionKey))
			if len(accounts) != len(dump.Plain) {
				t.Errorf("%d accounts, want %d", len(accounts), len(dump.Plain))
			}
			if engine.KindOf(err) != engine.KindUnreadable || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "odd one") {
				t.Errorf("error %v", err)
			}
			if said := err.Error(); strings.Contains(said, "hunter2") || strings.Contains(said, sealed[:40]) || engine.CleanLine(said) != said {
				t.Errorf("the error quotes: %q", said)
			}
		})
	}
}

type brokenDisk struct{}

func (brokenDisk) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestReadJSONRefuses(t *testing.T) {
	dump := redistest.Relay(t)
	for name, test := range map[string]struct{ file, key, want string }{
		"the wrong key":          {dumpText(t), "hunter2", "no account of the file can be decrypted: give the ENCRYPTION_KEY"},
		"no key":                 {asJSON(t, dump.Keys), "", "are encrypted: give the ENCRYPTION_KEY"},
		"nothing":                {"", "", "no accounts of a relay"},
		"no JSON":                {"hunter2", "", "no accounts of a relay"},
		"a list":                 {`["hunter2"]`, "", "no accounts of a relay"},
		"JSON and more":          {`{} hunter2`, "", "no accounts of a relay"},
		"other keys":             {`{"apikey:1":{"name":"hunter2"},"claude:account:index":["1"]}`, "", "no accounts of a relay"},
		"an export of API keys":  {`{"metadata":{},"data":{"apiKeys":[{"name":"hunter2"}]}}`, "", "no accounts of a relay"},
		"accounts of other type": {`{"data":{"claudeAccounts":{"hunter2":1}}}`, "", "claudeAccounts in the file is no list"},
		"keys of another type":   {`{"keys":["hunter2"]}`, "", "no accounts of a relay"},
		"too much":               {strings.Repeat(" ", maxFile+1), "", "larger than 64 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			accounts, err := ReadJSON(strings.NewReader(test.file), engine.NewSecret(test.key))
			if accounts != nil || engine.KindOf(err) != engine.KindSettings || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%d accounts, %v", len(accounts), err)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error quotes: %v", err)
			}
		})
	}
	if _, err := ReadJSON(brokenDisk{}, engine.Secret{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a broken disk: %v", err)
	}
}

// Whatever the file holds: accounts that can be used, and for the others one
// clean line each.
func FuzzReadJSON(f *testing.F) {
	f.Add(dumpText(f))
	f.Add(asExport(f, false))
	f.Add(asExport(f, true))
	for _, fields := range []string{``, `"name":7,"isActive":true,"accessToken":["a","b"]`, `"accessToken":"a","expiresAt":-1,"proxy":{"type":"http"}`,
		`"accessToken":"[REDACTED]"`, `"refreshToken":":"`, `"refreshToken":"ab:cd"`, `"name":"\u202e\u001b","accessToken":"\u2028"`,
		`"claudeAiOauth":{"accessToken":"a","scopes":["x",null]}`, `"claudeAiOauth":[[]]`, `"claudeAiOauth":null,"accessToken":null`, `"expiresAt":1e3,"refreshToken":"r"`} {
		f.Add(`{"claude:account:1":{` + fields + `}}`)
		f.Add(`{"metadata":{},"data":{"claudeAccounts":[{` + fields + `}],"droidAccounts":[null]}}`)
		f.Add(`{"encryptionKey":"k","keys":{"droid:account:":{` + fields + `}}}`)
	}
	one := newKeyring(engine.NewSecret(redistest.Relay(f).EncryptionKey)) // one scrypt for all
	f.Fuzz(func(t *testing.T, file string) {
		accounts, err := readJSON(strings.NewReader(file), engine.NewSecret("k"), func(engine.Secret) keyring { return one })
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				if line = strings.TrimSuffix(line, "\n"); engine.CleanLine(line) != line || len(line) > 1000 {
					t.Errorf("it says %q", line)
				}
			}
			if kind := engine.KindOf(err); kind != engine.KindUnreadable && (kind != engine.KindSettings || accounts != nil) {
				t.Errorf("%d accounts beside %v", len(accounts), err)
			}
		}
		for i, n := range accounts {
			where := "account " + strconv.Itoa(i)
			if n.Name == "" || engine.Clean(n.Name) != n.Name || engine.CleanLine(n.Scopes) != n.Scopes || n.Provider == "" {
				t.Errorf("%s is %+v", where, n)
			}
			if n.AccessToken.Empty() && n.RefreshToken.Empty() {
				t.Errorf("%s has no token", where)
			}
			for _, token := range []engine.Secret{n.AccessToken, n.RefreshToken, n.IDToken} {
				if strings.ContainsFunc(token.Reveal(), func(r rune) bool { return r < '!' || r > '~' }) {
					t.Errorf("%s has the token %q", where, token.Reveal())
				}
			}
			if year := n.ExpiresAt.Year(); !n.ExpiresAt.IsZero() && (year < 1970 || year > 9999) {
				t.Errorf("%s expires at %v", where, n.ExpiresAt)
			}
		}
	})
}
