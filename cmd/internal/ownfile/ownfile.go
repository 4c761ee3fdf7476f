// Package ownfile keeps small text files in folders where others keep theirs
// too, such as those of the programs that begin with a login. Ours are known
// by a mark; another's is never written over, nor removed.
package ownfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tokentray/engine"
)

// Mark is in every text of ours, where the file's form ignores it.
const Mark = "X-Tokentray"

// State is how a file stands to its text.
type State int

const (
	Absent  State = iota
	Foreign       // another's: it has no mark
	Stale         // ours, with another text
	Current
)

// File is a file of ours as it should be. Text holds Mark.
type File struct{ Path, Text string }

// State looks at the file.
func (f File) State() (State, error) {
	text, err := os.ReadFile(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Absent, nil
	case err != nil:
		return Absent, fmt.Errorf("it cannot be told what is there: %w", err)
	case !bytes.Contains(text, []byte(Mark)):
		return Foreign, nil
	case string(text) != f.Text:
		return Stale, nil
	}
	return Current, nil
}

// Write makes the file what it should be, in one step, and its folder. It
// reports whether that was needed. Another's file is an error and stays.
func (f File) Write() (wrote bool, err error) {
	state, err := f.State()
	switch {
	case err != nil:
		return false, err
	case state == Foreign:
		return false, f.foreign()
	case state == Current:
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
		return false, err
	}
	temp, err := os.CreateTemp(filepath.Dir(f.Path), ".tokentray-*")
	if err != nil {
		return false, err
	}
	defer os.Remove(temp.Name())
	_, err = temp.WriteString(f.Text)
	if err = errors.Join(err, temp.Chmod(0o644), temp.Sync(), temp.Close()); err != nil {
		return false, err
	}
	return true, os.Rename(temp.Name(), f.Path)
}

// Remove deletes the file and reports whether it was there. Another's is an
// error and stays.
func (f File) Remove() (removed bool, err error) {
	state, err := f.State()
	switch {
	case err != nil || state == Absent:
		return false, err
	case state == Foreign:
		return false, f.foreign()
	}
	return true, os.Remove(f.Path)
}

func (f File) foreign() error {
	return engine.Errorf(engine.KindInternal, engine.Clean(f.Path)+" was not made by Tokentray and stays as it is: move it away first", nil)
}
