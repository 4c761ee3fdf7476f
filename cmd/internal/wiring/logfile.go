package wiring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"
)

const (
	logLimit = 5 << 20 // bytes; then it is rotated
	logsKept = 3       // old ones: tokentray.log.1 and so on
)

// logFile is the log that several processes write: each line is appended to
// whatever file has the name now, and one of them rotates it.
type logFile struct {
	path string

	mu   sync.Mutex
	file *os.File
}

func openLogFile(path string) (*logFile, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	l := &logFile{path: path}
	return l, l.reopen()
}

// reopen opens the file that has the name now. Its owner's alone, whatever it
// was before.
func (l *logFile) reopen() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if l.file != nil {
		l.file.Close()
	}
	l.file = f
	return f.Chmod(0o600)
}

// Write appends a line.
func (l *logFile) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.renew(); err != nil {
		return 0, err
	}
	return l.file.Write(line)
}

// renew follows another process's rotation, and rotates what is too large.
func (l *logFile) renew() error {
	ours, err := l.file.Stat()
	if err != nil {
		return l.reopen()
	}
	named, err := os.Stat(l.path)
	if err != nil || !os.SameFile(ours, named) {
		return l.reopen()
	}
	if named.Size() < logLimit {
		return nil
	}
	lock := flock.New(l.path+".lock", flock.SetPermissions(0o600))
	if err := lock.Lock(); err != nil {
		return err
	}
	defer lock.Close()
	if now, err := os.Stat(l.path); err == nil && os.SameFile(ours, now) { // nobody was faster
		for i := logsKept; i > 0; i-- {
			old := l.path
			if i > 1 {
				old = fmt.Sprintf("%s.%d", l.path, i-1)
			}
			if err := os.Rename(old, fmt.Sprintf("%s.%d", l.path, i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return l.reopen()
}

// Close closes it.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}
