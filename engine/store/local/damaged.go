package local

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Damaged reports whether err says that the file is no sound database.
func Damaged(err error) bool {
	fault, ok := errors.AsType[*sqlite.Error](err)
	return ok && (fault.Code()&0xff == sqlite3.SQLITE_CORRUPT || fault.Code()&0xff == sqlite3.SQLITE_NOTADB)
}

// Moved reports whether another file, or none, has taken the file's place, as
// after SetAside by another process.
func (s *Store) Moved() bool {
	info, err := os.Stat(s.path)
	return err != nil || !os.SameFile(info, s.info)
}

// SetAside moves a damaged file out of the way, with its key where that is a
// file, and returns its new name. Nothing is deleted. A file that turns out to
// be sound stays, and the name is "".
func SetAside(path string) (kept string, err error) {
	s := &Store{path: path}
	err = s.alone(func() error {
		if sound(path) {
			return nil // another process was faster
		}
		kept = path + ".damaged-" + time.Now().Format("20060102-150405")
		for _, suffix := range []string{"-wal", "-shm", ".key", ""} {
			if err := os.Rename(path+suffix, kept+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("the damaged file %s could not be moved out of the way: %w", path, err)
	}
	return kept, nil
}

func sound(path string) bool {
	db, err := sql.Open("sqlite", source(path))
	if err != nil {
		return false
	}
	defer db.Close()
	answer := ""
	return db.QueryRow("PRAGMA quick_check(1)").Scan(&answer) == nil && answer == "ok"
}
