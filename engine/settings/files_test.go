package settings

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseEnv(t *testing.T) {
	t.Setenv("HOME_OF_TEST", "expanded")
	for text, want := range map[string]string{
		"A=b":                        "b",
		"export A = b # a remark":    "b",
		"\uFEFFA=b\r\n":              "b",
		"A='b c'":                    "b c",
		`A="b\nc"`:                   "b\nc",
		"A=b#c":                      "b#c",
		"A=a$HOME_OF_TEST":           "a$HOME_OF_TEST",
		"B=x\nA=a${B}$B":             "a${B}$B",
		`A="a$B"`:                    "a$B",
		`A="a\$B"`:                   "a$B",
		"A='a$B'":                    "a$B",
		"A=$(rm -r x)":               "$(rm -r x)",
		"# nothing\n\nA=1\nA=2\nB=3": "2",
	} {
		if values, ok := parseEnv([]byte(text)); !ok || values["A"] != want {
			t.Errorf("%q: %q, %v; want %q", text, values["A"], ok, want)
		}
	}
	for _, text := range []string{"hidden words", `A="hidden`, "A=\xff", "A=\x00", "A-B=hidden", "=hidden", "A=1\nhidden\nB=2", "\xff\xfeA\x00=\x00"} {
		if values, ok := parseEnv([]byte(text)); ok {
			t.Errorf("%q: %v", text, values)
		}
	}
}

func TestEnvFile(t *testing.T) {
	t.Run("a named one must exist", func(t *testing.T) {
		b := newBench(t)
		in := b.input()
		in.EnvFile = filepath.Join(b.dir, "other.env")
		_, err := Load(in)
		if err == nil {
			t.Fatal("loaded")
		}
		contains(t, err.Error(), in.EnvFile)
		b.write(b.home, ".env", "TOKEN_REFRESH_INTERVAL=1\nTOKEN_REFRESH_WINDOW=2")
		b.write(b.dir, "other.env", "TOKEN_REFRESH_INTERVAL=3")
		s, err := Load(in)
		if err != nil || s.Interval != 3*time.Minute || s.Window != 5*time.Minute || s.Sources["TOKEN_REFRESH_INTERVAL"].String() != in.EnvFile {
			t.Errorf("%v, %+v", err, s)
		}
	})
	t.Run("malformed", func(t *testing.T) {
		b := newBench(t)
		path := b.write(b.home, ".env", "ENCRYPTION_KEY=\"hidden\nREDIS_PASSWORD hidden\n")
		got := b.refused()
		contains(t, got, path, "malformed")
		if strings.Contains(got, "hidden") {
			t.Error(got)
		}
	})
	t.Run("at most 1 MiB", func(t *testing.T) {
		b := newBench(t)
		b.write(b.home, ".env", strings.Repeat("#", maxFile))
		b.load()
		path := b.write(b.home, ".env", strings.Repeat("#", maxFile+1))
		contains(t, b.refused(), path, "1 MiB")
	})
	t.Run("a folder", func(t *testing.T) {
		b := newBench(t)
		path := filepath.Join(b.home, ".env")
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		contains(t, b.refused(), path)
	})
}

// A .env in the working directory may be a stranger's.
func TestLocalEnvFile(t *testing.T) {
	t.Run("sets three names only", func(t *testing.T) {
		b := newBench(t)
		var text strings.Builder
		var warned []string
		for _, spec := range Specs() {
			text.WriteString(spec.Name + "=hidden\n")
			if !spec.local {
				warned = append(warned, spec.Name)
			}
		}
		path := b.write(b.dir, ".env", text.String()+"TOKENTRAY_HOME=/x\nOTHER=1\n"+
			"ENABLE_PROACTIVE_TOKEN_REFRESH=true\nTOKEN_REFRESH_INTERVAL=2\nTOKEN_REFRESH_WINDOW=1\n")
		s := b.load()
		if !s.Proactive || s.Interval != 2*time.Minute || s.Window != time.Minute || s.Redis != nil || s.Paths.Config != b.home {
			t.Errorf("%+v", s)
		}
		if len(s.Warnings) != len(warned) {
			t.Fatal(s.Warnings)
		}
		for i, name := range warned {
			contains(t, s.Warnings[i], name, path)
			if strings.Contains(s.Warnings[i], "hidden") || s.Sources[name].Kind != fromDefault {
				t.Error(s.Warnings[i], s.Sources[name])
			}
		}
	})
	t.Run("is a warning where it cannot be used", func(t *testing.T) {
		for name, place := range map[string]func(path string) error{
			"malformed": func(path string) error { return os.WriteFile(path, []byte("hidden words"), 0o600) },
			"too large": func(path string) error { return os.WriteFile(path, make([]byte, maxFile+1), 0o600) },
			"a folder":  func(path string) error { return os.Mkdir(path, 0o700) },
			"a loop":    func(path string) error { return os.Symlink(path, path) },
		} {
			b := newBench(t)
			path := filepath.Join(b.dir, ".env")
			if err := place(path); err != nil {
				t.Skip(err)
			}
			s := b.load()
			if len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], path) || strings.Contains(s.Warnings[0], "hidden") {
				t.Errorf("%s: %q", name, s.Warnings)
			}
		}
	})
	t.Run("is the env file where it is that file", func(t *testing.T) {
		b := newBench(t)
		b.dir = b.home
		path := b.write(b.home, ".env", "REDIS_HOST=h\nENCRYPTION_KEY=k")
		s := b.load()
		if s.Redis == nil || len(s.Warnings) != 0 || s.Sources["REDIS_HOST"] != (Source{fromEnvFile, path}) {
			t.Errorf("%+v", s)
		}
	})
}

func TestSaved(t *testing.T) {
	b := newBench(t)
	b.write(b.home, "settings.json", ` {"TOKEN_REFRESH_INTERVAL" : 0.5 , "ENABLE_PROACTIVE_TOKEN_REFRESH": true, "REDIS_PORT": "1",
		"REDIS_DB": null, "ENCRYPTION_KEY": "\u0068idden", "REDIS_HOST": "h", "A_LATER_NAME": {"x": [1e999]}} `)
	s := b.load()
	if s.Interval != 30*time.Second || !s.Proactive || s.Redis.Addrs[0] != "h:1" || s.Redis.DB != 0 || s.EncryptionKey.Reveal() != "hidden" {
		t.Errorf("%+v", s)
	}
	if got := slices.Sorted(maps.Keys(s.Sources)); len(got) != len(Specs()) {
		t.Errorf("sources of %v", got)
	}
	for text, want := range map[string]string{
		`"hidden"`:                         "not a JSON object",
		`["hidden"]`:                       "not a JSON object",
		`null`:                             "not a JSON object",
		``:                                 "not a JSON object",
		`{"ENCRYPTION_KEY": "hidden"`:      "not a JSON object",
		`{} hidden`:                        "not a JSON object",
		`{"ENCRYPTION_KEY": ["hidden"]}`:   "ENCRYPTION_KEY",
		`{"TOKEN_REFRESH_WINDOW": {}}`:     "TOKEN_REFRESH_WINDOW",
		`{"TOKEN_REFRESH_WINDOW": false}`:  `TOKEN_REFRESH_WINDOW from settings.json is "false"`,
		`{"TOKEN_REFRESH_WINDOW": 1e2}`:    `TOKEN_REFRESH_WINDOW from settings.json is "1e2"`,
		`{"REDIS_URL": "http://:hidden@"}`: "REDIS_URL from settings.json cannot be used",
	} {
		b.write(b.home, "settings.json", text)
		got := b.refused()
		contains(t, got, "settings.json", want)
		if strings.Contains(got, "hidden") {
			t.Error(got)
		}
	}
}

// Whatever stands before them in a file, the secrets in it never show in an
// error, a warning or a value.
func FuzzEnvFile(f *testing.F) {
	for _, seed := range []string{
		"", "TOKEN_REFRESH_INTERVAL=soon\n", "REDIS_HOST=h\n", "REDIS_HOST=a b\r\n", "# remark", "words words", "A=\"", "A='", "A:", "export ", "=",
		"REDIS_PORT=$REDIS_PASSWORD\n", "A=${B", "A=\\", "A=\"\\\"", "\xff\xfe", "\x00", "\uFEFFA=1\n",
		"REDIS_ENABLE_TLS=maybe\nREDIS_DB=\n", "CLAUDE_TOKEN_URL=https://u:p@h\n", "REDIS_CLUSTER_ADDRS=a:1,b\n",
	} {
		f.Add(seed, "/")
		f.Add(seed, ":x/")
	}
	const marker = "m4rk3r-of-a-secret"
	f.Fuzz(func(t *testing.T, before, tail string) {
		text := before
		for _, spec := range Specs() {
			if spec.Secret {
				text += "\n" + spec.Name + "=" + marker
			}
		}
		text += "\nWEBHOOK_URL=https://h/" + marker + "\nREDIS_URL=redis://:" + marker + "@h" + strings.ReplaceAll(tail, "\n", "")

		b := newBench(t)
		check := func() {
			s, err := Load(b.input())
			shown := s.Warnings
			if err != nil {
				shown = append(shown, err.Error())
			}
			for _, spec := range Specs() {
				shown = append(shown, s.Value(spec.Name))
			}
			if all := strings.Join(shown, "\n"); strings.Contains(all, marker) {
				t.Error(all)
			}
		}
		b.write(b.dir, ".env", text)
		check()
		b.write(b.home, ".env", text)
		check()
	})
}
