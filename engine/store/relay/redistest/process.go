package redistest

import (
	"os/exec"
	"runtime"
	"testing"
)

// process is a server's program. It ends with the process of the test, however
// that ends.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

func begin(t testing.TB, binary string, args ...string) *process {
	t.Helper()
	p := &process{exec.Command(binary, args...), make(chan struct{})}
	tie(p.cmd)
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // tie's signal comes at the end of this thread, not of the process
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.cmd.Wait()
			close(p.exited)
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	return p
}

// PID is the server's process.
func (p *process) PID() int { return p.cmd.Process.Pid }

// Kill ends the server as a crash would.
func (p *process) Kill() {
	p.cmd.Process.Kill()
	<-p.exited
}
