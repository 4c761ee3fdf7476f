package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tokentray/engine"
)

// A relay's own .env, copied as it is, adds that relay; what is not about its
// Redis counts for nothing there.
func TestRelays(t *testing.T) {
	home := t.TempDir()
	load := func() (Settings, error) {
		return Load(Input{Getenv: func(name string) (string, bool) {
			return map[string]string{"TOKENTRAY_HOME": home, "REDIS_USERNAME": "not-theirs"}[name], name == "TOKENTRAY_HOME"
		}})
	}
	if err := os.MkdirAll(filepath.Join(home, "relays"), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(home, "relays", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("team.env", "# the relay's own\nPORT=3000\nJWT_SECRET=x\nREDIS_HOST=10.0.0.7\nREDIS_PASSWORD=p$1\nENCRYPTION_KEY=k\nTOKEN_REFRESH_WINDOW=nonsense\nCLAUDE_TOKEN_URL=https://elsewhere.example\n")
	write("ignored.txt", "REDIS_HOST=x")
	s, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Relays) != 1 || s.Redis != nil || len(s.TokenURLs) != 0 {
		t.Fatalf("%+v", s)
	}
	if r := s.Relays[0]; r.Name != "team" || r.Redis.Addrs[0] != "10.0.0.7:6379" || r.Redis.Username != "" ||
		r.Redis.Password.Reveal() != "p$1" || r.EncryptionKey.Reveal() != "k" {
		t.Errorf("%+v", r)
	}

	// What the window saves is read again, whatever is in it.
	values := map[string]string{"REDIS_HOST": "127.0.0.1", "REDIS_PASSWORD": `p "q" $x # \n y`, "ENCRYPTION_KEY": "密钥", "WEBHOOK_URL": "https://x.example"}
	if _, err := SaveRelay(s.Paths, "家", values); err != nil {
		t.Fatal(err)
	}
	if _, err := SaveRelay(s.Paths, "家", values); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a second of the name: %v", err)
	}
	if s, err = load(); err != nil || len(s.Relays) != 2 || s.Relays[1].Redis.Password.Reveal() != values["REDIS_PASSWORD"] || s.Relays[1].EncryptionKey.Reveal() != "密钥" {
		t.Errorf("%+v, %v", s.Relays, err)
	}
	if info, err := os.Stat(filepath.Join(home, "relays", "家.env")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if text, _ := os.ReadFile(filepath.Join(home, "relays", "家.env")); strings.Contains(string(text), "WEBHOOK") {
		t.Error("more than the relay's was saved")
	}
	if quoted, err := quote(`it's "one" \ $x`); err != nil {
		t.Errorf("%s: %v", quoted, err)
	}
	if err := RemoveRelay(s.Paths, "家"); err != nil {
		t.Error(err)
	}

	for text, want := range map[string]string{
		"PORT=3000":           "names no Redis",
		"REDIS_HOST=10.0.0.7": "ENCRYPTION_KEY is not set",
		"REDIS_HOST=10.0.0.7\nREDIS_PORT=x\nENCRYPTION_KEY=k": `REDIS_PORT from `,
		"no env file": "malformed",
	} {
		write("team.env", text)
		if _, err := load(); engine.KindOf(err) != engine.KindSettings || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "team.env") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
