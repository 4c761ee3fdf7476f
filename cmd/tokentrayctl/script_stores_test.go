package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tokentray/engine"
	"tokentray/engine/provider/strict"
	"tokentray/engine/store/relay"
	"tokentray/engine/store/relay/redistest"
)

// tool LEFT: Claude Code signs in under HOME; its access token lives as long.
func (w *world) tool(ts *testscript.TestScript, args []string) error {
	left, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	login := w.provider.SignIn(engine.Claude, "")
	w.logins["claude-code"] = login
	file := filepath.Join(ts.Getenv("HOME"), ".claude", ".credentials.json")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	text := fmt.Sprintf(`{"mcpOAuth":{"of another":"planted-mcp"},"claudeAiOauth":{"accessToken":%q,"refreshToken":%q,"expiresAt":%d,"scopes":["user:inference"],"subscriptionType":"max"} }`,
		login.Access, login.Refresh, time.Now().Add(left).UnixMilli())
	return os.WriteFile(file, []byte(text), 0o600)
}

// written NAME: the tool's file has NAME's newest tokens, and all else as it
// was.
func (w *world) written(ts *testscript.TestScript, args []string) error {
	text := ts.ReadFile(filepath.Join(ts.Getenv("HOME"), ".claude", ".credentials.json"))
	var file struct {
		Login struct {
			AccessToken, RefreshToken string
			ExpiresAt                 int64
		} `json:"claudeAiOauth"`
	}
	if err := json.Unmarshal([]byte(text), &file); err != nil {
		return err
	}
	login := w.provider.Look(w.logins[args[0]])
	want := fmt.Sprintf(`{"mcpOAuth":{"of another":"planted-mcp"},"claudeAiOauth":{"accessToken":%q,"refreshToken":%q,"expiresAt":%d,"scopes":["user:inference"],"subscriptionType":"max"} }`,
		login.Access, login.Refresh, file.Login.ExpiresAt)
	if text != want {
		return fmt.Errorf("the tool's file is not %s's newest with all else as it was", args[0])
	}
	return nil
}

// team up: one more relay, with an account of its own, team-1, that expires in
// a minute. team down: its Redis is gone.
func (w *world) teams(ts *testscript.TestScript, args []string) error {
	if args[0] == "down" {
		w.team.Kill()
		return nil
	}
	w.team = redistest.Start(ts.Value(testingKey).(*testing.T))
	store := relay.Open(relay.Config{Addrs: []string{w.team.Addr}, EncryptionKey: engine.NewSecret("planted-key-of-the-team-relay-xx")})
	defer store.Close()
	login := w.provider.SignIn(engine.Claude, "")
	w.logins["team-1"] = login
	if _, err := store.Add(context.Background(), engine.NewAccount{Provider: engine.Claude, Name: "team-1", RefreshToken: engine.NewSecret(login.Refresh),
		AccessToken: engine.NewSecret(login.Access), ExpiresAt: time.Now().Add(time.Minute)}); err != nil {
		return err
	}
	folder := filepath.Join(ts.Getenv("TOKENTRAY_HOME"), "relays")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "team.env"), []byte("REDIS_HOST="+w.team.Host+"\nREDIS_PORT="+w.team.Port+
		"\nENCRYPTION_KEY=planted-key-of-the-team-relay-xx\nPORT=3000\n"), 0o600)
}

// proxy: one that leads to the provider, and lets in who has the password
// planted-password. PROXY is where it listens.
func (w *world) proxy(ts *testscript.TestScript, _ []string) error {
	address, close, err := strictProxy("user", "planted-password")
	if err != nil {
		return err
	}
	ts.Defer(close)
	ts.Setenv("PROXY", address)
	return nil
}

// signIns are the provider's pages, for the settings.
func signIns(ts *testscript.TestScript, p *strict.Server) {
	for provider, page := range p.AuthorizeURLs() {
		ts.Setenv(map[string]string{engine.Claude: "CLAUDE", engine.Gemini: "GEMINI", engine.OpenAI: "OPENAI"}[provider]+"_AUTHORIZE_URL", page)
	}
}

// acl: Redis has the user that docs/REDIS.md describes, and the settings are
// that user's.
func (w *world) acl(ts *testscript.TestScript, _ []string) error {
	t := ts.Value(testingKey).(*testing.T)
	redistest.Grant(t, w.server.Client, redistest.ReadRights(t).All)
	ts.Setenv("REDIS_USERNAME", redistest.User)
	ts.Setenv("REDIS_PASSWORD", redistest.Password)
	return nil
}
