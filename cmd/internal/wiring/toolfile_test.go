package wiring

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/provider/strict"
	"tokentray/engine/store/logins/loginstest"
)

// toolFile is the file of a tool that is signed in, in a home folder of its own.
type toolFile struct {
	home, path string
	key        engine.Key
	before     string // its first text
}

// fileMode is none that a program would choose by itself.
const fileMode = 0o640

// claudeFile is Claude Code's. Its text is as the tool writes it, so that what
// the tool does not know stays as it is, too.
func claudeFile(t *testing.T, login strict.Login, expires time.Time) toolFile {
	t.Helper()
	return newToolFile(t, engine.Claude, ".claude/.credentials.json", claudeText(login, expires))
}

func claudeText(login strict.Login, expires time.Time) string {
	return fmt.Sprintf(`{"claudeAiOauth":{"accessToken":%q,"expiresAt":%d,"rateLimitTier":"a\\b é","refreshToken":%q,"scopes":["user:profile"],`+
		`"subscriptionType":"max"},"mcpOAuth":{"a server":{"at":1.5,"list":[1,{"x":null}],"token":"another's"}},"organizationUuid":"of the tool"}`,
		login.Access, expires.UnixMilli(), login.Refresh)
}

// codexFile is Codex CLI's, with blanks that only a person would put there.
func codexFile(t *testing.T, login strict.Login) toolFile {
	t.Helper()
	return newToolFile(t, engine.OpenAI, ".codex/auth.json", fmt.Sprintf("{\n  \"OPENAI_API_KEY\" : null,\n  \"tokens\": {\"id_token\":  \"id\", \"account_id\": \"é\",\n"+
		"\t\"access_token\": %q, \"refresh_token\": %q, \"unknown\": 1.50},\n  \"last_refresh\": \"2026-01-02T03:04:05Z\"  }\n\n", login.Access, login.Refresh))
}

func newToolFile(t *testing.T, provider, name, text string) toolFile {
	t.Helper()
	home := t.TempDir()
	f := toolFile{home: home, path: filepath.Join(home, filepath.FromSlash(name)), before: text}
	f.key = engine.Key{Store: Logins, Provider: provider, ID: f.path}
	if err := os.Mkdir(filepath.Dir(f.path), 0o700); err != nil {
		t.Fatal(err)
	}
	f.write(t, text)
	if err := os.Chmod(f.path, fileMode); err != nil {
		t.Fatal(err)
	}
	return f
}

// write writes the file in place, as the tools do.
func (f toolFile) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(f.path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (f toolFile) text(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// keep has the login kept fresh by the keepers of that home.
func (f toolFile) keep(t *testing.T, k keeper) {
	t.Helper()
	app := k.open(t)
	defer app.Close()
	if err := app.Choose(t.Context(), func(c *engine.Choice) { c.Keep = true }, f.key); err != nil {
		t.Fatal(err)
	}
}

// known are the fields that keepers write.
var known = regexp.MustCompile(`"(accessToken|refreshToken|expiresAt|access_token|refresh_token|id_token|last_refresh)"(\s*:\s*)("[^"]*"|\d+)`)

// check judges the file as whole does, and nothing lies beside it.
func (f toolFile) check(t *testing.T, login strict.Login) {
	t.Helper()
	f.whole(t, login)
	if left := f.beside(t); len(left) > 0 {
		t.Errorf("left beside it: %v", left)
	}
}

// whole judges the file: the login's newest token is in it, all that is not a
// login's is as it was, byte for byte, and its mode too.
func (f toolFile) whole(t *testing.T, login strict.Login) {
	t.Helper()
	text := f.text(t)
	if !bytes.Contains([]byte(text), []byte(`"`+login.Refresh+`"`)) || !bytes.Contains([]byte(text), []byte(`"`+login.Access+`"`)) {
		t.Errorf("the newest tokens are not in the file: %s", text)
	}
	if now, before := known.ReplaceAllString(text, "$1$2_"), known.ReplaceAllString(f.before, "$1$2_"); now != before {
		t.Errorf("the file is now\n%s\nand was\n%s", now, before)
	}
	if info, err := os.Stat(f.path); err != nil || info.Mode() != fileMode {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
}

// beside is what lies beside the file, and beside its folder: locks, and what is
// half written.
func (f toolFile) beside(t *testing.T) (paths []string) {
	t.Helper()
	folder := filepath.Dir(f.path)
	for _, in := range []string{folder, f.home} {
		entries, err := os.ReadDir(in)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if path := filepath.Join(in, e.Name()); path != folder && path != f.path {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// claudeCode is a running Claude Code of a test, a process of its own.
type claudeCode struct {
	Folder, TokenURL string
	Skew             time.Duration
}

// tool is the one that works with the file.
func (f toolFile) tool(tokenURL string, skew time.Duration) claudeCode {
	return claudeCode{filepath.Dir(f.path), tokenURL, skew}
}

func (c claudeCode) code() loginstest.ClaudeCode {
	return loginstest.ClaudeCode{Folder: c.Folder, Refresh: c.refresh, Skew: c.Skew}
}

// work uses the login all the time, until it is stopped.
func (c claudeCode) work() int {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	code := c.code()
	for ctx.Err() == nil {
		if _, err := code.Use(context.Background()); err != nil {
			fmt.Println("Claude Code:", err)
			return 1
		}
		time.Sleep(rand.N(60 * time.Millisecond))
	}
	return 0
}

func (c claudeCode) refresh(ctx context.Context, token string) (access, refresh string, expiresIn time.Duration, err error) {
	body, err := json.Marshal(map[string]string{"grant_type": "refresh_token", "refresh_token": token, "client_id": "9d1c250a-e61b-44d9-88ed-5944d1962f5e"})
	if err != nil {
		return "", "", 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.TokenURL, bytes.NewReader(body))
	if err != nil {
		return "", "", 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", "", 0, err
	}
	defer resp.Body.Close()
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		In      int    `json:"expires_in"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
		return "", "", 0, fmt.Errorf("the provider answered %s, %v", resp.Status, err)
	}
	return answer.Access, answer.Refresh, time.Duration(answer.In) * time.Second, nil
}
