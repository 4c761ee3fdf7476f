//go:build !windows

package logins

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// openFlags: a link is not followed and a pipe not waited for.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// rights says what is wrong with the file's owner and mode.
func rights(info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch mode := info.Mode(); {
	case ok && int(stat.Uid) != os.Geteuid():
		return notOurs
	case ok && stat.Nlink > 1:
		return twoNames
	case mode.Perm()&0o022 != 0:
		return othersToo
	case mode.Perm()&0o400 == 0:
		return notAllowed
	case mode.Perm()&0o200 == 0:
		return readOnly
	}
	return nil
}

// own gives the new file the mode, owner and group of the old one.
func own(temp *os.File, old fs.FileInfo) error {
	info, err := temp.Stat()
	if err != nil {
		return err
	}
	is, ok1 := info.Sys().(*syscall.Stat_t)
	want, ok2 := old.Sys().(*syscall.Stat_t)
	if ok1 && ok2 && (is.Uid != want.Uid || is.Gid != want.Gid) {
		if err := temp.Chown(int(want.Uid), int(want.Gid)); err != nil {
			return err
		}
	}
	return temp.Chmod(old.Mode())
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// removeFolder removes an empty folder, and nothing that is none.
func removeFolder(path string) error {
	if err := syscall.Rmdir(path); err != nil {
		return &fs.PathError{Op: "rmdir", Path: path, Err: err}
	}
	return nil
}
