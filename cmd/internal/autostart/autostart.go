// Package autostart begins the desktop app with its person's login, by the
// platform's own custom: an XDG autostart entry, a launchd agent, or the Run
// key of Windows. Whether the window shows then is the app's setting
// APP_START_HIDDEN, not the entry's.
package autostart

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"tokentray/engine"
)

// Entry is the app's place among what begins with a login.
type Entry interface {
	// Enabled reports whether the entry is there, is ours, is not switched off
	// and starts this very executable. One that starts an older place of it
	// counts as off; Set(true) repairs it.
	Enabled() (bool, error)
	// Set makes the entry or removes it. Another's under the same name is an
	// error that says where it is, and stays.
	Set(on bool) error
}

// id is the app's, as in FyneApp.toml.
const id = "dev.tokentray.Tokentray"

// Here returns the entry of this executable on this platform.
func Here() (Entry, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("where this program lies cannot be told: %w", err)
	}
	if strings.ContainsFunc(program, unicode.IsControl) {
		return nil, engine.Errorf(engine.KindSettings, "this program's path has a control character in it: move it elsewhere", nil)
	}
	return here(program)
}

// folder is the one that a variable names, where that is absolute, else usual
// below the home folder.
func folder(variable string, usual ...string) (string, error) {
	if set := os.Getenv(variable); variable != "" && filepath.IsAbs(set) {
		return set, nil
	}
	home, err := os.UserHomeDir()
	if err != nil || !filepath.IsAbs(home) {
		return "", errors.New("the home folder is not known")
	}
	return filepath.Join(append([]string{home}, usual...)...), nil
}
