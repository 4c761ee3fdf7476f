package logins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// file is the vault that is a file at that path.
type file string

const (
	isLink     = fault("is a symbolic link, which would be replaced: put the file itself there")
	twoNames   = fault("has a second name (a hard link), which would keep the old tokens: remove that one")
	noFile     = fault("is not a regular file: remove it and sign in with the tool again")
	tooLong    = fault("is larger than 1 MiB, which no login is: remove it and sign in with the tool again")
	notOurs    = fault("belongs to another user: change its owner (chown)")
	othersToo  = fault("can be written by others: take that right away (chmod go-w)")
	readOnly   = fault("is read-only: give its owner the right to write (chmod u+rw)")
	notAllowed = fault("may not be read: give its owner the right to read it and its folder (chmod u+rwX)")
)

// look opens the file if it is as it should be.
func (f file) look() (*os.File, fs.FileInfo, error) {
	before, err := os.Lstat(string(f))
	if err == nil {
		err = sound(before)
	}
	if err != nil {
		return nil, nil, told(err)
	}
	opened, err := os.OpenFile(string(f), os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, nil, told(err)
	}
	info, err := opened.Stat()
	if err == nil {
		err = sound(info)
	}
	if err == nil && !os.SameFile(before, info) {
		err = errChanged
	}
	if err != nil {
		opened.Close()
		return nil, nil, told(err)
	}
	return opened, info, nil
}

func sound(info fs.FileInfo) error {
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return isLink
	case !info.Mode().IsRegular():
		return noFile
	case info.Size() > maxText:
		return tooLong
	}
	return rights(info)
}

// told is what is said of an error of the file system.
func told(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errGone
	case errors.Is(err, fs.ErrPermission):
		return notAllowed
	}
	return err
}

func (f file) read(context.Context) ([]byte, error) {
	opened, _, err := f.look()
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	text, err := io.ReadAll(io.LimitReader(opened, maxText+1))
	if err == nil && len(text) > maxText {
		err = tooLong
	}
	return text, err
}

func (f file) swap(ctx context.Context, was, text []byte) (err error) {
	f.sweep()
	temp, err := f.temp(text)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(temp)
		}
	}()
	if err := still(ctx, f, was); err != nil {
		return err
	}
	if err := os.Rename(temp, string(f)); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(string(f)))
}

func (f file) try(ctx context.Context, was []byte) error {
	temp, err := f.temp(was)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	return still(ctx, f, was)
}

// temp writes text to a new file beside f, with its mode and owner, and
// returns its path.
func (f file) temp(text []byte) (path string, err error) {
	opened, info, err := f.look()
	if err != nil {
		return "", err
	}
	opened.Close()
	temp, err := os.CreateTemp(filepath.Dir(string(f)), f.tempPrefix()+"*")
	if err != nil {
		return "", err
	}
	if err = own(temp, info); err == nil {
		_, err = temp.Write(text)
	}
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		os.Remove(temp.Name())
		return "", fmt.Errorf("a new file beside it: %w", err)
	}
	return temp.Name(), nil
}

// tempPrefix begins the name of every file that a write puts beside f.
func (f file) tempPrefix() string {
	return "." + strings.TrimPrefix(filepath.Base(string(f)), ".") + ".tokentray-"
}

// sweep removes what a write that was cut off left beside f. None that is
// under way takes this long.
func (f file) sweep() {
	folder := filepath.Dir(string(f))
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if info, err := e.Info(); strings.HasPrefix(e.Name(), f.tempPrefix()) && err == nil && info.Mode().IsRegular() &&
			time.Since(info.ModTime()) > 10*time.Minute {
			os.Remove(filepath.Join(folder, e.Name()))
		}
	}
}
