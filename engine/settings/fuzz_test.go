package settings

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"tokentray/engine"
)

// endless is a file that does not end.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = '#'
	}
	return len(b), nil
}

// A relay's env file holds keys, and may be any file that somebody picked. Its
// values are what stands in it; that it is none is told without quoting it; and
// what is shown of its settings is clean. That no secret is: FuzzEnvFile.
func FuzzParseEnv(f *testing.F) {
	for _, text := range []string{
		"", "\n", "A=b", "A=", "=hidden", "A", "export A = b # a remark", "export", "export =x", "\ufeffA=b\r\n", "\ufeff\ufeffA=b", "A: b", "A B=c", "A\x85=b",
		"A='b c'", `A="b\nc\\\"d"`, "A='hidden", `A="hidden`, `A="`, `A='`, `A=""`, `A="\"`, "A=\"b\"c", "A='b\nc'", "A=b#c", "A=b #c", "#", "# A=b", strings.Repeat("#\n", 5000),
		"A=$HOME", "REDIS_HOST=a\u202eb\nENCRYPTION_KEY=k", "REDIS_CLUSTER_ADDRS=a\u202eb:1\nENCRYPTION_KEY=k", "REDIS_URL=redis://a\u009bb:1\nENCRYPTION_KEY=k", "REDIS_URL=redis://a%1bb:1\nENCRYPTION_KEY=k", "CLAUDE_TOKEN_URL=\u202eb", "REDIS_HOST=a\u061cb\nENCRYPTION_KEY=k", "A=${HOME}$(rm)", "A=aaaa\nB=$A$A\nC=$B$B\nD=$C$C", `A="\$B"`, "A=1\nA=2", "A-B=hidden", "A=1\nhidden words\nB=2", "A=\x00", "A=\xff", "\xff\xfeA\x00",
		"A=\x1b[2J\u202e\u2028", "A=\u009b31m\rB=c", "\u202eA=b", "\x1bA=hidden", "a=" + strings.Repeat("x", 5000), strings.Repeat("A", 5000) + "=x", strings.Repeat("A=b\n", 2000),
		"REDIS_HOST=127.0.0.1\nREDIS_PORT=6379\nENCRYPTION_KEY=hunter2hunter2hunter2hunter2hunt\nREDIS_PASSWORD='hunter2'",
		"REDIS_HOST=127.0.0.1\nREDIS_PASSWORD=hunter2", "REDIS_HOST=redis://u:hunter2@h:1", "REDIS_PORT=hunter2@h", "REDIS_PORT=\x1b[2J\u202e", "REDIS_PORT=99999999999999999999",
		"REDIS_URL=redis://:hunter2@h:6379/0\nENCRYPTION_KEY=k", "REDIS_URL=redis://:hunter2@h:0", "REDIS_URL=hunter2", "REDIS_DB=1e9", "REDIS_DB=-1", "REDIS_ENABLE_TLS=maybe",
		"TOKEN_REFRESH_INTERVAL=NaN", "TOKEN_REFRESH_INTERVAL=1e308", "TOKEN_REFRESH_WINDOW=-5", "ENABLE_PROACTIVE_TOKEN_REFRESH='true\u2028'", "WEBHOOK_URL=ftp://hunter2",
		"CLAUDE_TOKEN_URL=http://example.com/token", "CLAUDE_TOKEN_URL='https://u:hunter2@h'", "GEMINI_OAUTH_CLIENT_ID='a b'", "REDIS_SENTINEL_MASTER=m", "REDIS_CLUSTER_ADDRS=a:1,b",
	} {
		f.Add([]byte(text), false)
	}
	f.Add([]byte("A=b\n"), true)
	f.Add([]byte("A='"), true)
	f.Setenv("HOME", "expanded")
	home := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte, larger bool) {
		var file io.Reader = bytes.NewReader(text)
		if larger {
			file = io.MultiReader(file, endless{})
		}
		values, err := ParseEnv(file)
		if err != nil {
			if engine.KindOf(err) != engine.KindSettings || values != nil || err.Error() != "this is not an env file of lines NAME=value" {
				t.Errorf("%q: %v, %v", text, values, err)
			}
			return
		}
		if larger || len(text) > maxFile {
			t.Fatalf("more than %d bytes were read", maxFile)
		}
		length := 0
		for name, value := range values {
			length += len(name) + len(value)
			if name == "" || !utf8.ValidString(name+value) || strings.Contains(name+value, "\x00") || strings.Contains(name, "\n") {
				t.Errorf("%q gives %q=%q", text, name, value)
			}
			if strings.Contains(value, "expanded") && !bytes.Contains(text, []byte("expanded")) {
				t.Errorf("%q=%q comes from the environment", name, value)
			}
		}
		if length > len(text) {
			t.Errorf("%d bytes became %d", len(text), length)
		}

		delete(values, "REDIS_TLS_CA_FILE") // names a file of this machine
		for name := range values {
			if strings.HasPrefix(name, "XDG_") {
				delete(values, name)
			}
		}
		values["TOKENTRAY_HOME"] = home
		s, err := Load(Input{Getenv: func(name string) (string, bool) { value, ok := values[name]; return value, ok }})
		if err != nil {
			if said := err.Error(); engine.KindOf(err) != engine.KindSettings || engine.CleanLine(said) != said {
				t.Errorf("%q: %q", text, said)
			}
			return
		}
		if s.Redis != nil {
			for _, address := range s.Redis.Addrs { // they name the store
				if engine.CleanLine(address) != address {
					t.Errorf("the address %q is shown", address)
				}
			}
		}
	})
}
