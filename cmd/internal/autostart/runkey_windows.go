package autostart

import (
	"errors"
	"path/filepath"

	"golang.org/x/sys/windows/registry"

	"tokentray/engine"
)

const (
	runPath = `Software\Microsoft\Windows\CurrentVersion\Run`
	runName = "Tokentray"
)

// runKey is a value of the user's Run key.
type runKey struct{ program string }

var _ Entry = runKey{}

func here(program string) (Entry, error) { return runKey{program}, nil }

// Enabled is Entry's.
func (r runKey) Enabled() (bool, error) {
	command, err := r.command()
	return command == commandLine(r.program), err
}

// Set is Entry's.
func (r runKey) Set(on bool) error {
	command, err := r.command()
	if err != nil {
		return err
	}
	if command != "" && !starts(command, filepath.Base(r.program)) {
		return engine.Errorf(engine.KindInternal, `the value Tokentray of HKEY_CURRENT_USER\`+runPath+" starts another program and stays as it is: remove it first", nil)
	}
	if !on && command == "" {
		return nil
	}
	key, _, err := registry.CreateKey(registry.CURRENT_USER, runPath, registry.SET_VALUE)
	if err != nil {
		return err
	}
	defer key.Close()
	if on {
		return key.SetStringValue(runName, commandLine(r.program))
	}
	return key.DeleteValue(runName)
}

// command is what the value starts; "" where there is none.
func (r runKey) command() (string, error) {
	key, err := registry.OpenKey(registry.CURRENT_USER, runPath, registry.QUERY_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer key.Close()
	command, _, err := key.GetStringValue(runName)
	if errors.Is(err, registry.ErrNotExist) {
		return "", nil
	}
	return command, err
}
