package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
)

// bench is one user's machine.
type bench struct {
	t     *testing.T
	home  string // TOKENTRAY_HOME
	dir   string // the working directory
	env   map[string]string
	flags map[string]string
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, home: t.TempDir(), dir: t.TempDir(), flags: map[string]string{}}
	b.env = map[string]string{"TOKENTRAY_HOME": b.home}
	return b
}

func (b *bench) write(folder, name, text string) string {
	b.t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}

func (b *bench) input() Input {
	return Input{Flags: b.flags, Dir: b.dir, Getenv: func(name string) (string, bool) {
		text, ok := b.env[name]
		return text, ok
	}}
}

func (b *bench) load() Settings {
	b.t.Helper()
	s, err := Load(b.input())
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// refused returns the error's text.
func (b *bench) refused() string {
	b.t.Helper()
	s, err := Load(b.input())
	if err == nil {
		b.t.Fatalf("loaded: %+v", s)
	}
	if engine.KindOf(err) != engine.KindSettings {
		b.t.Errorf("kind %d of %v", engine.KindOf(err), err)
	}
	return err.Error()
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in: %s", part, text)
		}
	}
}

func TestDefaults(t *testing.T) {
	s := newBench(t).load()
	if s.Proactive || s.Interval != 15*time.Minute || s.Window != 5*time.Minute || s.Redis != nil ||
		len(s.TokenURLs)+len(s.Google)+len(s.Warnings) != 0 || !s.EncryptionKey.Empty() || !s.WebhookURL.Empty() {
		t.Errorf("%+v", s)
	}
	for _, spec := range Specs() {
		want := spec.Default
		if spec.Secret {
			want = "not set"
		}
		if source := s.Sources[spec.Name]; source.String() != "default" || s.Value(spec.Name) != want {
			t.Errorf("%s is %q from %s", spec.Name, s.Value(spec.Name), source)
		}
	}
}

// Every source is shadowed by the one above it, which then need not be valid.
func TestPrecedence(t *testing.T) {
	const name = "TOKEN_REFRESH_INTERVAL"
	b := newBench(t)
	steps := []struct {
		kind, shown string
		set         func(text string)
	}{
		{fromSaved, "settings.json", func(text string) { b.write(b.home, "settings.json", fmt.Sprintf(`{%q: %q}`, name, text)) }},
		{fromLocal, filepath.Join(b.dir, ".env"), func(text string) { b.write(b.dir, ".env", name+"="+text) }},
		{fromEnvFile, filepath.Join(b.home, ".env"), func(text string) { b.write(b.home, ".env", name+"="+text) }},
		{fromEnvironment, "environment", func(text string) { b.env[name] = text }},
		{fromFlag, "--token-refresh-interval", func(text string) { b.flags[name] = text }},
	}
	weaker := ""
	for _, step := range steps {
		step.set("20.5")
		s := b.load()
		if source := s.Sources[name]; s.Interval != 20*time.Minute+30*time.Second || source.Kind != step.kind || source.String() != step.shown {
			t.Errorf("%s: %v from %+v", step.kind, s.Interval, source)
		}
		if weaker != "" && step.kind != fromFlag {
			step.set("")
			contains(t, b.refused(), " from "+weaker+" ")
		}
		step.set("soon")
		want := name + " from " + step.shown + ` is "soon": it must be minutes from 0.05 to 1440`
		if got := b.refused(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		weaker = step.shown
	}
}

func TestValues(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "ca.pem")
	for name, texts := range map[string]struct{ good, bad []string }{
		"ENABLE_PROACTIVE_TOKEN_REFRESH": {
			[]string{"true", "false", "True", "TRUE"}, []string{"1", "yes", "on", "t", " true", "0"}},
		"TOKEN_REFRESH_INTERVAL": {
			[]string{"0.05", "1440", "15", ".5", "007.5"},
			[]string{"0.049", "1440.01", "0", "-1", "+1", "NaN", "Inf", "0x10", "1e1", "1_0", "1,5", "15m", "5.", ".", " 1", strings.Repeat("9", 400)}},
		"TOKEN_REFRESH_WINDOW":  {[]string{"0.05"}, []string{"0.04", "nan"}},
		"REDIS_HOST":            {[]string{"redis", "10.0.0.1", "::1", "a.b-c_d"}, []string{"h:1", "a b", "redis://h", "/run/redis.sock", "[::1]", "a,b", "u:p@h"}},
		"REDIS_PORT":            {[]string{"1", "65535"}, []string{"0", "65536", "-1", "six", "6379 "}},
		"REDIS_DB":              {[]string{"0", "15"}, []string{"-1", "one", "1.5", "4294967296"}},
		"REDIS_ENABLE_TLS":      {[]string{"true"}, []string{"yes"}},
		"REDIS_USERNAME":        {[]string{"default"}, []string{"a b", "a\tb"}},
		"REDIS_TLS_CA_FILE":     {nil, []string{ca, filepath.Dir(ca), "load_test.go"}},
		"REDIS_SENTINEL_MASTER": {nil, []string{"my master"}},
		"REDIS_SENTINEL_ADDRS":  {nil, []string{"s1", "s1:0", "s1:1,", ":1", "redis://s1:1"}},
		"REDIS_CLUSTER_ADDRS":   {[]string{"n1:1", "n1:1, [::1]:2"}, []string{"n1:1,n2", "n1:1;n2:2", "n1:70000"}},
		"REDIS_URL": {
			[]string{"redis://h", "rediss://u:p%40@h:1/2", "redis://[::1]:6379/", "REDIS://h"},
			[]string{"h:6379", "http://h", "redis://", "redis://:p@:1", "redis://h:0", "redis://h:70000", "redis://h/one", "redis://h/-1",
				"redis://h?db=1", "redis://h#1", "redis:h", "redis://:p%ZZ@h"}},
		"CLAUDE_TOKEN_URL": {
			[]string{"https://h/token", "https://h:8443/t?a=b", "http://localhost:1/t", "http://127.9.9.9/t", "http://[::1]:80/"},
			[]string{"http://h/t", "http://localhost.h/t", "http://127.0.0.1.h/t", "http://127.1/t", "http://0.0.0.0/", "ftp://localhost/",
				"h/token", "https:///t", "https://:443/t", "https:h", "https://u@h/t", "https://u:p@h/t", "https://h/t#f", "https://h/t#", "https://h:99999/"}},
		"GEMINI_TOKEN_URL":            {[]string{"https://h"}, []string{"http://h"}},
		"OPENAI_TOKEN_URL":            {[]string{"https://h"}, []string{"http://h"}},
		"DROID_TOKEN_URL":             {[]string{"https://h"}, []string{"http://h"}},
		"CLAUDE_AUTHORIZE_URL":        {[]string{"https://h/a?b=c", "http://127.0.0.1:1/a"}, []string{"http://h", "https://u@h", "https://h/#f", "javascript:x"}},
		"GEMINI_AUTHORIZE_URL":        {[]string{"https://h"}, []string{"http://h"}},
		"OPENAI_AUTHORIZE_URL":        {[]string{"https://h"}, []string{"http://h"}},
		"GEMINI_OAUTH_CLIENT_ID":      {[]string{"a.b"}, []string{"a b"}},
		"ANTIGRAVITY_OAUTH_CLIENT_ID": {[]string{"a.b"}, []string{"a\nb"}},
		"WEBHOOK_URL":                 {[]string{"https://h/x", "http://h:8080/x#y"}, []string{"slack://h", "h", "https://", "https://h:x"}},
	} {
		b := newBench(t)
		b.env["ENCRYPTION_KEY"] = "key"
		for _, b.env[name] = range texts.good {
			b.load()
		}
		for _, text := range texts.bad {
			b.env[name] = text
			got := b.refused()
			contains(t, got, name+" from environment ", ": it must be "+specOf(name).Allowed)
			if specOf(name).quotable(text) {
				contains(t, got, fmt.Sprintf(" is %q: ", engine.Clean(text)))
			} else {
				contains(t, got, " cannot be used: ")
			}
		}
	}
}

func TestEndpointsAndClients(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"CLAUDE", "GEMINI", "OPENAI", "DROID"} {
		b.env[name+"_TOKEN_URL"] = "https://" + name
		if name != "DROID" { // nobody signs in to it here
			b.env[name+"_AUTHORIZE_URL"] = "https://page." + name
		}
	}
	b.env["GEMINI_OAUTH_CLIENT_ID"], b.env["GEMINI_OAUTH_CLIENT_SECRET"] = "g-id", "g-secret"
	b.env["ANTIGRAVITY_OAUTH_CLIENT_SECRET"] = "a-secret"
	s := b.load()
	for _, provider := range []string{engine.Claude, engine.Gemini, engine.OpenAI, engine.Droid} {
		if got := s.TokenURLs[provider]; got != "https://"+strings.ToUpper(provider) {
			t.Errorf("%s: %s", provider, got)
		}
		if got := s.AuthorizeURLs[provider]; provider != engine.Droid && got != "https://page."+strings.ToUpper(provider) {
			t.Errorf("%s: page %s", provider, got)
		}
	}
	if got := newBench(t).load(); len(got.TokenURLs)+len(got.AuthorizeURLs) > 0 {
		t.Errorf("without settings: %v, %v", got.TokenURLs, got.AuthorizeURLs)
	}
	if s.Google[engine.GeminiCLI] != (GoogleClient{"g-id", engine.NewSecret("g-secret")}) ||
		s.Google[engine.Antigravity] != (GoogleClient{"", engine.NewSecret("a-secret")}) {
		t.Errorf("%s, %s", s.Google[engine.GeminiCLI].ID, s.Google[engine.Antigravity].ID)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	b := newBench(t)
	b.env["REDIS_URL"] = "redis://user:hidden@redis.example:6380/2"
	b.env["WEBHOOK_URL"] = "https://hooks.example/hidden"
	for _, spec := range Specs() {
		if spec.Secret {
			b.env[spec.Name] = "hidden"
		}
	}
	b.env["NOTIFY_URLS"] = "ntfy://ntfy.sh/hidden"
	b.env["TOKENTRAY_LISTEN_TOKEN"] = "hidden-hidden-hidden"
	s := b.load()
	for _, spec := range Specs() {
		if value := s.Value(spec.Name); strings.Contains(value, "hidden") || spec.Secret && value != "set" {
			t.Errorf("%s shows %q", spec.Name, value)
		}
	}
	if s.Value("REDIS_URL") != "redis://redis.example:6380" || s.Value("WEBHOOK_URL") != "https://hooks.example" {
		t.Errorf("%s, %s", s.Value("REDIS_URL"), s.Value("WEBHOOK_URL"))
	}
	if text := fmt.Sprintf("%+v %#v %+v", s, s, *s.Redis); strings.Contains(text, "hidden") {
		t.Error(text)
	}
}

func TestFlags(t *testing.T) {
	for name, want := range map[string]string{
		"REDIS_PASSWORD": "REDIS_PASSWORD has no flag",
		"COLOUR":         "COLOUR has no flag",
		"REDIS_HOST":     `REDIS_HOST from --redis-host is "": it must be a host name or address, without the port`,
	} {
		b := newBench(t)
		b.flags[name] = ""
		if got := b.refused(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
