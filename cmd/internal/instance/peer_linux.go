package instance

import (
	"net"

	"golang.org/x/sys/unix"
)

// peerUID is the user at the other end, as the kernel has it.
func peerUID(conn net.Conn) (int, error) {
	return control(conn, func(fd int) (int, error) {
		cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err != nil {
			return -1, err
		}
		return int(cred.Uid), nil
	})
}
