package autostart

import (
	"path/filepath"

	"tokentray/engine"
)

const (
	runPath = `Software\Microsoft\Windows\CurrentVersion\Run`
	// approvedPath has what the Task Manager and the settings switched off: of a
	// value's 12 bytes the first is then odd, and the last eight are when. What
	// it lacks is on.
	approvedPath = `Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run`
)

// runKey is the value Tokentray of the user's Run key.
type runKey struct {
	program string
	keys    registry
}

var _ Entry = runKey{}

// registry is the values Tokentray below HKEY_CURRENT_USER.
type registry interface {
	text(path string) (string, error)   // "" where there is none
	binary(path string) ([]byte, error) // nil where there is none
	setText(path, text string) error
	remove(path string) error // one that is not there too
}

// Enabled is Entry's.
func (r runKey) Enabled() (bool, error) {
	command, err := r.keys.text(runPath)
	if err != nil || command != commandLine(r.program) {
		return false, err
	}
	approved, err := r.keys.binary(approvedPath)
	return len(approved) == 0 || approved[0]&1 == 0, err
}

// Set is Entry's.
func (r runKey) Set(on bool) error {
	command, err := r.keys.text(runPath)
	if err != nil {
		return err
	}
	if command != "" && !starts(command, filepath.Base(r.program)) {
		return engine.Errorf(engine.KindInternal, `the value Tokentray of HKEY_CURRENT_USER\`+runPath+" starts another program and stays as it is: remove it first", nil)
	}
	if !on && command == "" {
		return nil
	}
	if err := r.keys.remove(approvedPath); err != nil { // what was switched off there is decided here now
		return err
	}
	if on {
		return r.keys.setText(runPath, commandLine(r.program))
	}
	return r.keys.remove(runPath)
}
