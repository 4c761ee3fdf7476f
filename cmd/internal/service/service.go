// Package service keeps `tokentrayctl run` going without a desktop, by what
// the platform has for it: a systemd user unit, a launchd agent, or a task of
// the Windows scheduler. It begins with the login, or with the machine where
// the platform can, and again after a failure.
//
// Each definition holds Tokentray's mark and what it was made from. Without
// the mark it is another's: it is neither written over nor removed.
package service

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"tokentray/cmd/internal/ownfile"
	"tokentray/engine"
)

// stopTime is how long an end may take before the platform kills: an exchange
// has 30 s, its save 10 s, and the answers that wait for it a few more.
const stopTime = 60 * time.Second

// Service is what is to be kept going. It holds no secret: whoever may read
// the definition sees all of it.
type Service struct {
	Program string   // tokentrayctl's absolute path
	Args    []string // flags of run
	// Env is the variables, as NAME=value, that decide where its files lie.
	Env []string
	// Asked says that it ends by Asked, where the platform has no signals.
	Asked bool `json:",omitempty"`
}

// check refuses what no definition can say.
func (s Service) check() error {
	for _, text := range append(append([]string{s.Program}, s.Args...), s.Env...) {
		if strings.ContainsFunc(text, unicode.IsControl) {
			return engine.Errorf(engine.KindSettings, fmt.Sprintf("a service cannot be given %q: it has a control character", engine.CleanLine(text)), nil)
		}
	}
	if !filepath.IsAbs(s.Program) {
		return engine.Errorf(engine.KindSettings, "a service needs the program's absolute path", nil)
	}
	return nil
}

// mark is ownfile's mark with all of s behind it, in letters that every form
// of a definition leaves as they are.
func (s Service) mark() string {
	text, _ := json.Marshal(s) // strings alone
	return ownfile.Mark + " " + base64.RawStdEncoding.EncodeToString(text)
}

// marked reads what a definition was made from.
func marked(definition string) (s Service, ok bool) {
	_, text, found := strings.Cut(definition, ownfile.Mark+" ")
	end := strings.IndexFunc(text, func(r rune) bool { return r > unicode.MaxASCII || !strings.ContainsRune(base64Letters, r) })
	if end >= 0 {
		text = text[:end]
	}
	decoded, err := base64.RawStdEncoding.DecodeString(text)
	return s, found && err == nil && json.Unmarshal(decoded, &s) == nil
}

const base64Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// Manager is one platform's way. What Install and Uninstall did, and what is
// to do yet, is told to people a line each. Errors say what to do.
type Manager interface {
	// Install makes the definition what it should be and starts it. Where
	// nothing has to change, nothing is restarted. Without a session of the
	// user to run it in, nothing is written.
	Install(ctx context.Context, s Service) (said []string, err error)
	// Uninstall ends it, a refresh in flight finished first, and removes the
	// definition. The accounts stay.
	Uninstall(ctx context.Context) (said []string, err error)
	// Status looks. program is the tokentrayctl that is to be kept going.
	Status(ctx context.Context, program string) (Status, error)
}

// Status is how the service fares.
type Status struct {
	State ownfile.State
	Place string // where the definition is
	// Service is what is installed; the zero one where that is not known.
	Service Service
	Running bool
	Detail  string   // the platform's own words
	Lines   []string // the platform's last lines of one that does not run
}

// Host is where a service is kept.
type Host struct {
	OS     string // as runtime.GOOS
	Home   string // the user's own folder
	Config string // the user's configuration folder; Linux
	UID    int    // macOS
	User   string // with its domain; Windows
	Run    Runner
	End    Ender // Windows
}

// Ender asks what runs of the service for its end, a refresh in flight finished
// first, and waits for it. ran says whether anything did.
type Ender func(ctx context.Context) (ran bool, err error)

// On returns the host's Manager.
func On(h Host) (Manager, error) {
	switch h.OS {
	case "linux":
		return systemd{folder: filepath.Join(h.Config, "systemd", "user"), run: h.Run}, nil
	case "darwin":
		return launchd{folder: filepath.Join(h.Home, "Library", "LaunchAgents"), domain: fmt.Sprintf("gui/%d", h.UID), run: h.Run, every: time.Second / 2}, nil
	case "windows":
		return scheduler{user: h.User, run: h.Run, end: h.End, every: time.Second / 2}, nil
	}
	return nil, engine.Errorf(engine.KindSettings, "there is no service for "+h.OS+": let its own service manager keep tokentrayctl run going", nil)
}

// sessionless is the error of an install without a session to run in.
func sessionless(what string, s Service, cause error) error {
	return engine.Errorf(engine.KindInternal, fmt.Sprintf(
		"%s, so nothing was written: let cron start it (crontab -e, and the line: @reboot %s), or use the Docker image", what, shellLine(s)), cause)
}

// shellLine is s as a line for cron, which ends a command at a percent sign.
func shellLine(s Service) string {
	var words []string
	for _, word := range append(append(append([]string{}, s.Env...), s.Program, "run"), s.Args...) {
		if name, value, ok := strings.Cut(word, "="); ok && strings.ContainsFunc(value, special) {
			word = name + "=" + "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
		} else if strings.ContainsFunc(word, special) {
			word = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		words = append(words, strings.ReplaceAll(word, "%", `\%`))
	}
	return strings.Join(words, " ")
}

func special(r rune) bool {
	return r > unicode.MaxASCII || !strings.ContainsRune(base64Letters+"-_.=,:@", r)
}
