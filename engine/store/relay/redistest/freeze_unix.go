//go:build unix

package redistest

import "syscall"

// Freeze stops the server in its tracks: what is sent to it waits.
func (p *process) Freeze() { p.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw lets it go on.
func (p *process) Thaw() { p.cmd.Process.Signal(syscall.SIGCONT) }
