package logins

import (
	"io/fs"
	"os"
)

const openFlags = 0

// rights: Windows keeps a user's folder from others by its inherited rights.
func rights(info fs.FileInfo) error {
	if info.Mode().Perm()&0o200 == 0 {
		return readOnly
	}
	return nil
}

func own(*os.File, fs.FileInfo) error { return nil }

// syncFolder: a rename needs no more there.
func syncFolder(string) error { return nil }

// removeFolder removes an empty folder.
func removeFolder(path string) error { return os.Remove(path) }
