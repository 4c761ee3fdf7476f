package redistest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// Commands returns how many commands the server gets from clients while do
// runs; those that scripts run do not count.
func (s *Server) Commands(t testing.TB, do func()) (n int) {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprint(conn, "MONITOR\r\n")
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, 1<<20)
	lines.Scan() // +OK
	do()
	s.Client.Echo(context.Background(), "the-end")
	for lines.Scan() {
		switch line := lines.Text(); {
		case strings.Contains(line, "the-end"):
			return n
		case !strings.Contains(line, " lua] "):
			n++
		}
	}
	t.Fatal("MONITOR ended")
	return 0
}
