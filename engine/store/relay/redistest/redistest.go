// Package redistest starts a real redis-server for a test, on a free port of
// the loopback interface, and fills it with what a relay wrote.
package redistest

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Server is a running redis-server; the test's end stops it.
type Server struct {
	Addr, Host, Port string
	// Client is a plain client for playing the relay.
	Client *redis.Client
	cmd    *exec.Cmd
	exited chan struct{}

	binary, dir string
	args        []string
}

// Start starts a server with extra arguments.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	binary, err := find(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for range 5 { // the free port may be taken before the server has it
		s := try(t, binary, dir, args)
		if s != nil {
			return s
		}
	}
	t.Fatal("redis-server does not start")
	return nil
}

// find returns the server's path. Debian's redis-tools has it too, under
// another name, without the package that runs a service.
func find(dir string) (string, error) {
	if path, err := exec.LookPath("redis-server"); err == nil {
		return path, nil
	}
	tool, err := exec.LookPath("redis-check-rdb")
	if err != nil {
		return "", errors.New("no redis-server here: `make test` installs it (Debian: redis-tools)")
	}
	path := filepath.Join(dir, "redis-server")
	return path, os.Symlink(tool, path)
}

func try(t testing.TB, binary, dir string, args []string) *Server {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().(*net.TCPAddr)
	listener.Close()
	s := &Server{Addr: addr.String(), Host: "127.0.0.1", Port: strconv.Itoa(addr.Port), binary: binary, dir: dir, args: args}
	s.Client = redis.NewClient(&redis.Options{Addr: s.Addr, DialerRetries: 1, MaxRetries: -1})
	t.Cleanup(func() {
		s.Client.Close()
		s.Kill()
	})
	if !s.run(t) {
		return nil
	}
	return s
}

// run starts the process and reports whether it came up.
func (s *Server) run(t testing.TB) bool {
	s.exited = make(chan struct{})
	s.cmd = exec.Command(s.binary, append([]string{"--port", s.Port, "--bind", "127.0.0.1", "--dir", s.dir,
		"--save", "", "--appendonly", "no", "--daemonize", "no"}, s.args...)...)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.cmd.Wait(); close(s.exited) }()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		err := s.Client.Ping(context.Background()).Err()
		if err == nil || redis.HasErrorPrefix(err, "NOAUTH") {
			return true
		}
		select {
		case <-s.exited:
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
	s.Kill()
	return false
}

// Binary is the program's path.
func (s *Server) Binary() string { return s.binary }

// PID is the server's process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Kill ends the server as a crash would.
func (s *Server) Kill() {
	if s.cmd != nil {
		s.cmd.Process.Kill()
		<-s.exited
	}
}

// Snapshot saves what the server holds: it begins with that after a Restart.
func (s *Server) Snapshot(t testing.TB) {
	t.Helper()
	if err := s.Client.Save(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
}

// Restart starts a server that has ended again, at the same address.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	<-s.exited
	if !s.run(t) {
		t.Fatal("redis-server does not start again")
	}
}

// relay-dump.json was written by claude-relay-service 1.1.314.
//
//go:embed relay-dump.json
var dump []byte

// Dump is what a relay wrote, with the plain tokens behind its fields.
type Dump struct {
	EncryptionKey string `json:"encryptionKey"`
	CreatedAtMs   int64  `json:"createdAtMs"`
	Keys          map[string]json.RawMessage
	Plain         []Plain
}

// Plain is one account of the dump, decrypted.
type Plain struct {
	Platform, ID, Name        string
	AccessToken, RefreshToken string
	IsActive                  bool
}

// Relay returns the dump.
func Relay(t testing.TB) Dump {
	t.Helper()
	var d Dump
	if err := json.Unmarshal(dump, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// Hash returns one of the dump's account hashes.
func (d Dump) Hash(t testing.TB, key string) map[string]string {
	t.Helper()
	var hash map[string]string
	if err := json.Unmarshal(d.Keys[key], &hash); err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return hash
}

// Load writes every key of the dump into the server.
func (d Dump) Load(t testing.TB, s *Server) {
	t.Helper()
	ctx := context.Background()
	for key, raw := range d.Keys {
		var err error
		var hash map[string]string
		var set []string
		var text string
		switch {
		case json.Unmarshal(raw, &hash) == nil:
			err = s.Client.HSet(ctx, key, hash).Err()
		case json.Unmarshal(raw, &set) == nil:
			err = s.Client.SAdd(ctx, key, set).Err()
		case json.Unmarshal(raw, &text) == nil:
			err = s.Client.Set(ctx, key, text, 0).Err()
		default:
			t.Fatalf("%s: neither hash, set nor text", key)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
