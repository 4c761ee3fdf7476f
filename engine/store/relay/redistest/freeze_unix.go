//go:build unix

package redistest

import "syscall"

// Freeze stops the server in its tracks: what is sent to it waits.
func (s *Server) Freeze() { s.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw lets it go on.
func (s *Server) Thaw() { s.cmd.Process.Signal(syscall.SIGCONT) }
