package provider

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
)

// Here stands what acme.go of docs/PROVIDERS.md has, its init within the test.
func acme(Config) dialect {
	return dialect{
		url:    "https://acme.example/oauth/token",
		fields: fixedFields(map[string]string{"client_id": "tokentray"}),
		authorization: authorization{
			url:      "https://acme.example/oauth/authorize",
			scope:    "models offline_access",
			redirect: "http://127.0.0.1/callback",
		},
		lifetime: fixedLifetime(time.Hour),
	}
}

// One more built-in provider is its own file alone: it is refreshed, signed in
// to, listed and shown then. So docs/PROVIDERS.md says.
func TestOneMoreProvider(t *testing.T) {
	known := slices.Clone(builtIn)
	defer func() { builtIn = known }()
	register("acme", acme)
	engine.SetLooks("acme", engine.Looks{Title: "ACME", Letter: "A", Colour: 0xc02040, Life: time.Hour})

	var sent url.Values
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		sent = r.PostForm
		io.WriteString(w, `{"access_token":"a","refresh_token":"r2"}`)
	}))
	defer server.Close()
	cfg := Config{URLs: map[string]string{"acme": server.URL}}
	token, err := New(cfg)["acme"].Exchange(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	if want := (url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {"tokentray"}}); sent.Encode() != want.Encode() {
		t.Errorf("sent %s, want %s", sent.Encode(), want.Encode())
	}
	if token.RefreshToken.Reveal() != "r2" || time.Until(token.ExpiresAt).Round(time.Minute) != time.Hour {
		t.Errorf("%+v", token)
	}
	s, err := StartSignIn(cfg, "acme", "", engine.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !strings.HasPrefix(s.URL, "https://acme.example/oauth/authorize?") {
		t.Error(s.URL)
	}
	if !slices.Contains(All(), Known{"acme", "https://acme.example/oauth/token", true}) || !strings.Contains(Names(), "acme") {
		t.Errorf("it is not among %v", All())
	}
	if title := engine.ProviderTitle("acme"); title != "ACME" {
		t.Error(title)
	}
}

// The file of docs/PROVIDERS.md can be put here as it is.
func TestOneMoreFile(t *testing.T) {
	doc, err := os.ReadFile("../../docs/PROVIDERS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(doc), "```go\n")
	text, _, _ = strings.Cut(text, "```")
	here, err := filepath.Abs("acme.go")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, overlay := filepath.Join(dir, "acme.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {here: file}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{file: text, overlay: string(replace)} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("go", "build", "-overlay", overlay, ".").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
