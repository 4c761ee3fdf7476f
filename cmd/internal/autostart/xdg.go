package autostart

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tokentray/cmd/internal/ownfile"
)

// XDG is an entry of the Desktop Application Autostart Specification.
type XDG struct {
	Folder  string // as ~/.config/autostart
	Program string // absolute, without control characters
}

var _ Entry = XDG{}

// file is the entry. The name has no translations: a list of what begins with
// the login shows it.
func (x XDG) file() ownfile.File {
	return ownfile.File{Path: filepath.Join(x.Folder, id+".desktop"), Text: `[Desktop Entry]
Type=Application
Name=Tokentray
Comment=Keeps the OAuth tokens of AI accounts fresh
Exec=` + quote(x.Program) + `
Icon=` + id + `
StartupNotify=false
X-GNOME-Autostart-enabled=true
` + ownfile.Mark + `=true
`}
}

// Enabled is Entry's. What desktops write into an entry to switch it off
// counts; what a person added beside does not.
func (x XDG) Enabled() (bool, error) {
	text, err := os.ReadFile(x.file().Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	keys := mainGroup(string(text))
	return keys[ownfile.Mark] != "" && keys["Exec"] == quote(x.Program) &&
		keys["Hidden"] != "true" && keys["X-GNOME-Autostart-enabled"] != "false", nil
}

// Set is Entry's.
func (x XDG) Set(on bool) error {
	if !on {
		_, err := x.file().Remove()
		return err
	}
	if is, err := x.Enabled(); is || err != nil {
		return err
	}
	_, err := x.file().Write()
	return err
}

// mainGroup is the keys of the group [Desktop Entry].
func mainGroup(text string) map[string]string {
	keys, within := map[string]string{}, false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			within = line == "[Desktop Entry]"
		}
		if key, value, ok := strings.Cut(line, "="); ok && within && !strings.HasPrefix(line, "#") {
			keys[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return keys
}

// quote writes a path as the Desktop Entry Specification wants it in Exec: an
// argument in double quotes, with a percent sign doubled, and all of it once
// more escaped as a value of the type string.
func quote(program string) string {
	argument := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", `$`, `\$`, `%`, `%%`).Replace(program)
	return strings.ReplaceAll(`"`+argument+`"`, `\`, `\\`)
}
