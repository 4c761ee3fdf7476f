// Package instance lets one desktop app run for a user: a second start shows
// the first's window instead.
package instance

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// ErrRunning says that another instance runs, and was asked to show itself.
var ErrRunning = errors.New("tokentray is running already: its window is shown")

const show = "show\n"

// Instance is this process's claim to be the one.
type Instance struct {
	lock     *flock.Flock
	listener net.Listener
}

// Claim makes this process the instance of the folder, or asks the one that is
// to show its window and returns ErrRunning. shown is called for every later
// start.
func Claim(dir string, shown func()) (*Instance, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dir, "tokentray.lock"), flock.SetPermissions(0o600))
	taken, err := lock.TryLock()
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(dir, "tokentray.sock")
	if !taken {
		lock.Close()
		return nil, ask(socket)
	}
	os.Remove(socket) // a dead instance's
	listener, err := net.Listen("unix", socket)
	if err == nil {
		err = os.Chmod(socket, 0o600)
	}
	if err != nil {
		lock.Close()
		return nil, err
	}
	i := &Instance{lock, listener}
	go i.serve(shown)
	return i, nil
}

func ask(socket string) error {
	conn, err := net.DialTimeout("unix", socket, 2*time.Second)
	if err != nil {
		return fmt.Errorf("tokentray is running already, and does not answer: %w", err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := conn.Write([]byte(show)); err != nil {
		return err
	}
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
		return fmt.Errorf("tokentray is running already, and does not answer: %w", err)
	}
	return ErrRunning
}

func (i *Instance) serve(shown func()) {
	for {
		conn, err := i.listener.Accept()
		if err != nil {
			return // Release closed it
		}
		conn.SetDeadline(time.Now().Add(2 * time.Second))
		if line, err := bufio.NewReader(conn).ReadString('\n'); err == nil && line == show {
			shown()
			conn.Write([]byte("shown\n"))
		}
		conn.Close()
	}
}

// Release gives the claim back.
func (i *Instance) Release() {
	i.listener.Close() // removes the socket
	i.lock.Close()
}
