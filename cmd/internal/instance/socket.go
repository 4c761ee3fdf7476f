package instance

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
)

// socketName is the socket in the data folder. Where the folder's path is too
// long for one, or its file system has none, it is a file that says where the
// socket is.
const socketName = "tokentray.sock"

// maxPath is how long a socket's path may be: macOS's 104 bytes with the
// closing zero.
const maxPath = 103

// listen makes the folder's socket, in place of one that a dead process left.
// Only the holder of the lock may.
func listen(dir string) (net.Listener, error) {
	path := filepath.Join(dir, socketName)
	if elsewhere := pointedTo(path); elsewhere != path {
		os.Remove(elsewhere)
		os.Remove(filepath.Dir(elsewhere))
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if len(path) <= maxPath {
		if l, err := bind(path); err == nil {
			return l, nil
		}
	}
	runtime := os.Getenv("XDG_RUNTIME_DIR")
	if !filepath.IsAbs(runtime) {
		runtime = ""
	}
	folder, err := os.MkdirTemp(cmp.Or(runtime, os.TempDir()), "tokentray-") // 0700, and nobody's before
	if err != nil {
		return nil, err
	}
	l, err := bind(filepath.Join(folder, "sock"))
	if err == nil {
		err = os.WriteFile(path, []byte(l.Addr().String()), 0o600)
	}
	if err != nil {
		if l != nil {
			l.Close()
		}
		os.Remove(folder)
		return nil, err
	}
	return elsewhere{l, path, folder}, nil
}

func bind(path string) (net.Listener, error) {
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// elsewhere is a listener outside the data folder. Its end leaves nothing.
type elsewhere struct {
	net.Listener
	pointer, folder string
}

func (e elsewhere) Close() error {
	err := e.Listener.Close()
	os.Remove(e.pointer)
	os.Remove(e.folder)
	return err
}

// pointedTo is where the socket of path is: path, or what the file there says.
func pointedTo(path string) string {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return path
	}
	f, err := os.Open(path)
	if err != nil {
		return path
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPath))
	if text = bytes.TrimSpace(text); err != nil || !filepath.IsAbs(string(text)) || filepath.Base(string(text)) != "sock" {
		return path
	}
	return string(text)
}

// ownOnly accepts this user's connections. A stranger's is closed at once.
type ownOnly struct {
	net.Listener
	peer func(net.Conn) (uid int, err error)
}

func (l ownOnly) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if uid, err := l.peer(conn); err == nil && uid == os.Getuid() {
			return conn, nil
		}
		conn.Close()
	}
}
