package redistest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const childVariable = "TOKENTRAY_TEST_REDIS"

// A server ends with its test's process even where that is killed and cleans
// nothing up.
func TestEndsWithItsTest(t *testing.T) {
	if os.Getenv(childVariable) != "" {
		fmt.Println("server", Start(t).PID())
		syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
	}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), childVariable+"=1", "TMPDIR="+t.TempDir()) // what it leaves there goes with ours
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	server := 0
	for lines := bufio.NewScanner(out); server == 0 && lines.Scan(); {
		if pid, ok := strings.CutPrefix(lines.Text(), "server "); ok {
			server, _ = strconv.Atoi(pid)
		}
	}
	io.Copy(io.Discard, out)
	if child.Wait(); server == 0 {
		t.Fatalf("it started none: %v", child.ProcessState)
	}
	Until(t, "the server ends", func(context.Context) bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", server))
		return err != nil || strings.Contains(string(stat), ") Z ") // ended; its new parent has yet to hear of it
	})
}
