//go:build !windows

package logins

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tokentray/engine"
)

// What is not exactly as it should be is listed with what is wrong and the
// cure, harms no other, and is never written or touched.
func TestToldNeverTouched(t *testing.T) {
	good := textOf(claudeCode, "secret-r", "secret-a", before, "")
	text := func(text string) func(*testing.T, home) {
		return func(t *testing.T, h home) { h.put(t, claudeCode, text) }
	}
	mode := func(mode os.FileMode) func(*testing.T, home) {
		return func(t *testing.T, h home) {
			h.put(t, claudeCode, good)
			if err := os.Chmod(h.file(claudeCode), mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, test := range map[string]struct {
		put  func(*testing.T, home)
		want string
	}{
		"empty":          {text(""), "not whole JSON"},
		"half written":   {text(good[:len(good)/2]), "not whole JSON"},
		"two texts":      {text(good + good), "not whole JSON"},
		"a mark first":   {text("\ufeff" + good), "not whole JSON"},
		"binary":         {text("\x00\xff\x1b[2J"), "not whole JSON"},
		"deep":           {text(strings.Repeat("[", 100000)), "not whole JSON"},
		"a list":         {text("[]"), "shape of a login"},
		"a text":         {text(`"secret"`), "shape of a login"},
		"no object":      {text(`{"claudeAiOauth":"secret"}`), "shape of a login"},
		"a number":       {text(`{"claudeAiOauth":{"refreshToken":1}}`), "shape of a login"},
		"a line break":   {text(`{"claudeAiOauth":{"refreshToken":"a\nb"}}`), "shape of a login"},
		"expiry a text":  {text(`{"claudeAiOauth":{"refreshToken":"r","expiresAt":"soon"}}`), "shape of a login"},
		"scopes a text":  {text(`{"claudeAiOauth":{"refreshToken":"r","scopes":"a b"}}`), "shape of a login"},
		"token twice":    {text(`{"claudeAiOauth":{"refreshToken":"a","refresh\u0054oken":"b"}}`), `"refreshToken" twice`},
		"login twice":    {text(`{"claudeAiOauth":{"refreshToken":"a"},"claudeAiOauth":{}}`), `"claudeAiOauth" twice`},
		"too long":       {text(good + strings.Repeat(" ", maxText)), "larger than 1 MiB"},
		"others write":   {mode(0o666), "chmod go-w"},
		"group writes":   {mode(0o620), "chmod go-w"},
		"read-only":      {mode(0o400), "chmod u+rw"},
		"not to be read": {mode(0), "chmod u+rwX"},
		"a folder": {func(t *testing.T, h home) {
			if err := os.MkdirAll(h.file(claudeCode), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "not a regular file"},
		"a pipe": {func(t *testing.T, h home) {
			h.put(t, claudeCode, "")
			os.Remove(h.file(claudeCode))
			if err := syscall.Mkfifo(h.file(claudeCode), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "not a regular file"},
		"a link": {func(t *testing.T, h home) {
			h.put(t, claudeCode, good)
			if err := os.Rename(h.file(claudeCode), filepath.Join(h.path, "elsewhere")); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join(h.path, "elsewhere"), h.file(claudeCode)); err != nil {
				t.Fatal(err)
			}
		}, "symbolic link"},
		"a second name": {func(t *testing.T, h home) {
			h.put(t, claudeCode, good)
			if err := os.Link(h.file(claudeCode), filepath.Join(h.path, "elsewhere")); err != nil {
				t.Fatal(err)
			}
		}, "hard link"},
		"another user's": {func(t *testing.T, h home) {
			h.put(t, claudeCode, good)
			if os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			if err := os.Chown(h.file(claudeCode), 12345, -1); err != nil {
				t.Fatal(err)
			}
		}, "chown"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			h.put(t, geminiCLI, `{"refresh_token":"r"}`)
			test.put(t, h)
			was := h.state(t)
			listing, err := h.store.List(t.Context())
			if err != nil || len(listing.Accounts) != 2 || len(listing.Problems) > 0 {
				t.Fatal(listing, err)
			}
			a, other := listing.Accounts[0], listing.Accounts[1]
			if other.Problem != nil || a.Key != h.key(claudeCode) || a.Name != claudeCode || !a.Observed || !a.RefreshToken.Empty() {
				t.Errorf("%+v, the other %+v", a, other)
			}
			loaded, err := h.store.Load(t.Context(), a.Key)
			if err != nil {
				t.Fatal(err)
			}
			_, written := h.store.Write(t.Context(), engine.Account{Key: a.Key, RefreshToken: seal("secret-r")},
				engine.Change{Token: engine.Token{RefreshToken: engine.NewSecret("R")}})
			_, checked := h.store.Write(t.Context(), engine.Account{Key: a.Key, RefreshToken: seal("secret-r")}, engine.Change{Record: engine.NewSecret("intent")})
			for _, err := range []error{a.Problem, loaded.Problem, written, checked} {
				if engine.KindOf(err) != engine.KindUnreadable {
					t.Fatal(err)
				}
				if said := err.Error(); !strings.Contains(said, test.want) || !strings.Contains(said, h.file(claudeCode)) || strings.Contains(said, "secret") {
					t.Errorf("said: %s", said)
				}
			}
			if now := h.state(t); now != was {
				t.Errorf("touched: %v, before %v", now, was)
			}
			h.onlyTheFile(t, claudeCode)
		})
	}
}

// state is a file's text, mode and time of change.
type state struct {
	text string
	mode os.FileMode
	at   time.Time
}

func (h home) state(t *testing.T) state {
	t.Helper()
	info, err := os.Lstat(h.file(claudeCode))
	if err != nil {
		t.Fatal(err)
	}
	s := state{mode: info.Mode(), at: info.ModTime()}
	if s.mode.IsRegular() || s.mode&os.ModeSymlink != 0 {
		text, _ := os.ReadFile(h.file(claudeCode))
		s.text = string(text)
	}
	return s
}

// What is healed is an account again.
func TestHealed(t *testing.T) {
	h := newHome(t)
	h.put(t, claudeCode, `{"claudeAi`)
	if a := h.load(t, claudeCode); a.Problem == nil {
		t.Fatal("half a text is a login")
	}
	h.put(t, claudeCode, textOf(claudeCode, "r", "a", before, ""))
	if a := h.load(t, claudeCode); a.Problem != nil || a.RefreshToken.Stored() != "r" {
		t.Error(a.Problem)
	}
}

// The check before an exchange: a folder that takes no new file is told.
func TestFolderTakesNoFile(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	h := newHome(t)
	h.put(t, codex, `{"tokens":{"refresh_token":"r"}}`)
	old := h.load(t, codex)
	folder := filepath.Dir(h.file(codex))
	if err := os.Chmod(folder, 0o500); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(folder, 0o700)
	_, err := h.store.Write(t.Context(), old, engine.Change{Record: engine.NewSecret("intent")})
	if engine.KindOf(err) != engine.KindTransient || !strings.Contains(err.Error(), h.file(codex)) {
		t.Error(err)
	}
}

// A group of its own stays.
func TestGroupStays(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can choose any group")
	}
	h := newHome(t)
	h.put(t, codex, `{"tokens":{"refresh_token":"r"}}`)
	if err := os.Chown(h.file(codex), 0, 54321); err != nil {
		t.Fatal(err)
	}
	if _, err := h.store.Write(t.Context(), h.load(t, codex), engine.Change{Token: engine.Token{RefreshToken: engine.NewSecret("R")}}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(h.file(codex))
	if err != nil || info.Sys().(*syscall.Stat_t).Gid != 54321 {
		t.Errorf("%+v, %v", info, err)
	}
}
