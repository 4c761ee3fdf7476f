package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/scrypt"

	"tokentray/engine/store/relay/redistest"
)

// BenchmarkToken measures whole processes of the real program side by side, on a
// relay's Redis: its start alone, a token through a running instance, and a token
// directly, of which one key derivation is most.
func BenchmarkToken(b *testing.B) {
	server, dump := redistest.Start(b), redistest.Relay(b)
	dump.Load(b, server.Client)
	home, program := b.TempDir(), filepath.Join(b.TempDir(), "tokentrayctl")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build does
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	command := func(args ...string) *exec.Cmd {
		cmd := exec.Command(program, args...)
		cmd.Env = append(os.Environ(), "TOKENTRAY_HOME="+home, "REDIS_HOST="+server.Host, "REDIS_PORT="+server.Port, "ENCRYPTION_KEY="+dump.EncryptionKey)
		return cmd
	}
	measure := func(name, want string, args ...string) {
		b.Run("of="+name, func(b *testing.B) {
			for b.Loop() {
				if out, err := command(args...).CombinedOutput(); err != nil || !strings.Contains(string(out), want) {
					b.Fatalf("%s, %v", out, err)
				}
			}
		})
	}
	const account, token = "setup-token only", "sk-ant-oat01-fixture-access-3\n"
	run := command("run")
	if err := run.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		run.Process.Signal(os.Interrupt)
		run.Wait()
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(home, "tokentray.sock")); err == nil {
			break
		}
		if time.Now().After(deadline) {
			b.Fatal("the run does not serve")
		}
	}
	measure("start", "", "--version")
	measure("instance", token, "token", account)
	measure("direct", token, "--direct", "token", account)
	b.Run("of=key", func(b *testing.B) { // as the relay derives it
		for b.Loop() {
			if _, err := scrypt.Key([]byte(dump.EncryptionKey), []byte("salt"), 16384, 8, 1, 32); err != nil {
				b.Fatal(err)
			}
		}
	})
}
