//go:build linux || darwin

package instance

import (
	"errors"
	"net"
	"syscall"
)

// control asks about a connection's descriptor.
func control(conn net.Conn, ask func(fd int) (int, error)) (uid int, err error) {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return -1, errors.New("not a socket")
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	if lost := raw.Control(func(fd uintptr) { uid, err = ask(int(fd)) }); lost != nil {
		return -1, lost
	}
	return uid, err
}
