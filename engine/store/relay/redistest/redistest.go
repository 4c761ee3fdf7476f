// Package redistest starts real redis-servers for a test, on free ports of the
// loopback interface, alone, with TLS, under sentinels or as a Cluster, and
// fills them with what a relay wrote.
package redistest

import (
	"context"
	"crypto/tls"
	_ "embed"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	*process

	binary, dir string
	args        []string
	tls         *tls.Config // nil: it speaks none
}

// Start starts a server with extra arguments.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return start(t, &Server{args: args})
}

func start(t testing.TB, s *Server) *Server {
	t.Helper()
	var err error
	if s.binary, err = find(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	s.dir, s.Host = t.TempDir(), "127.0.0.1"
	for range 20 { // a free port may be taken before the server has it, or be too high for a Cluster's second one
		s.Port = freePort(t)
		s.Addr = net.JoinHostPort(s.Host, s.Port)
		s.Client = redis.NewClient(&redis.Options{Addr: s.Addr, TLSConfig: s.tls, DialerRetries: 1, MaxRetries: -1})
		if s.run(t) {
			t.Cleanup(func() {
				s.Client.Close()
				s.Kill()
			})
			return s
		}
		s.Client.Close()
	}
	t.Fatal("redis-server does not start")
	return nil
}

func freePort(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
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

// run starts the process and reports whether it came up.
func (s *Server) run(t testing.TB) bool {
	t.Helper()
	port := []string{"--port", s.Port}
	if s.tls != nil {
		port = []string{"--port", "0", "--tls-port", s.Port}
	}
	s.process = begin(t, s.binary, slices.Concat(port, []string{"--bind", s.Host, "--dir", s.dir,
		"--save", "", "--appendonly", "no", "--daemonize", "no", "--repl-diskless-sync-delay", "0"}, s.args)...)
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

// Load writes every key of the dump into a Redis.
func (d Dump) Load(t testing.TB, client redis.UniversalClient) {
	t.Helper()
	ctx := context.Background()
	for key, raw := range d.Keys {
		var err error
		var hash map[string]string
		var set []string
		var text string
		switch {
		case json.Unmarshal(raw, &hash) == nil:
			err = client.HSet(ctx, key, hash).Err()
		case json.Unmarshal(raw, &set) == nil:
			err = client.SAdd(ctx, key, set).Err()
		case json.Unmarshal(raw, &text) == nil:
			err = client.Set(ctx, key, text, 0).Err()
		default:
			t.Fatalf("%s: neither hash, set nor text", key)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
