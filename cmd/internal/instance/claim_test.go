package instance

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestASecondAppShowsTheFirst(t *testing.T) {
	dir := t.TempDir()
	var shown atomic.Int32
	first := claim(t, dir, func() { shown.Add(1) })
	for range 3 {
		if err := New(dir, func() {}).Claim(); !errors.Is(err, ErrRunning) {
			t.Errorf("second start: %v", err)
		}
	}
	if shown.Load() != 3 {
		t.Errorf("shown %d times", shown.Load())
	}
	first.Release()
	claim(t, dir, nil)
}

// What has no window hands over to an app, and takes over again after it.
func TestHandingOver(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	run, ended := New(dir, nil), make(chan struct{})
	go func() {
		defer close(ended)
		run.Keep(ctx, func(err error) { t.Error(err) })
	}()
	app := func() bool {
		who, err := NewClient(dir, "").Who(t.Context())
		return err == nil && who.App
	}
	serves := func() bool {
		who, err := NewClient(dir, "").Who(t.Context())
		return err == nil && !who.App
	}
	eventually(t, "it serves", serves)
	first := claim(t, dir, func() {})
	if !app() {
		t.Error("the app does not serve")
	}
	first.Release()
	eventually(t, "it serves again", serves)
	cancel()
	<-ended
	run.Release()
	claim(t, dir, nil)
}

func TestASecondKeeperWaits(t *testing.T) {
	dir := t.TempDir()
	claim(t, dir, nil)
	second := New(dir, nil)
	if taken, err := second.take(); taken || err != nil {
		t.Errorf("%v, %v", taken, err)
	}
	second.Release()
	if _, err := NewClient(dir, "").Who(t.Context()); err != nil {
		t.Errorf("the first does not serve any more: %v", err)
	}
}

func TestAStaleSocketIsReplaced(t *testing.T) {
	dir := t.TempDir()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, socketName)})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if _, err := NewClient(dir, "").Who(t.Context()); !errors.Is(err, ErrAway) {
		t.Errorf("a dead socket: %v", err)
	}
	claim(t, dir, nil)
	info, err := os.Lstat(filepath.Join(dir, socketName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestStrangers(t *testing.T) {
	dir := t.TempDir()
	i := New(dir, nil)
	type peer struct {
		uid int
		err error
	}
	next := make(chan peer, 1)
	i.peer = func(net.Conn) (int, error) { p := <-next; return p.uid, p.err }
	if _, err := i.take(); err != nil {
		t.Fatal(err)
	}
	defer i.Release()
	ask := func(p peer) string {
		next <- p
		conn, err := net.Dial("unix", filepath.Join(dir, socketName))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		conn.Write([]byte("GET /v1/who HTTP/1.1\r\nHost: x\r\n\r\n"))
		answer := make([]byte, 100)
		n, _ := conn.Read(answer)
		return string(answer[:n])
	}
	if got := ask(peer{uid: os.Getuid() + 1}); got != "" {
		t.Errorf("another user is answered: %q", got)
	}
	if got := ask(peer{os.Getuid(), errors.New("who is that?")}); got != "" {
		t.Errorf("who is not known is answered: %q", got)
	}
	if got := ask(peer{uid: os.Getuid()}); !strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Errorf("this user is answered %q", got)
	}
}

func TestThePeerIsThisUser(t *testing.T) {
	dir := t.TempDir()
	i := New(dir, nil)
	seen := make(chan int, 1)
	i.peer = func(conn net.Conn) (int, error) {
		uid, err := peerUID(conn)
		if err != nil {
			t.Error(err)
		}
		seen <- uid
		return uid, err
	}
	i.take()
	defer i.Release()
	if _, err := NewClient(dir, "").Who(t.Context()); err != nil {
		t.Fatal(err)
	}
	if uid := <-seen; uid != os.Getuid() {
		t.Errorf("user %d", uid)
	}
}

// A socket's path is short; a data folder's need not be.
func TestALongPath(t *testing.T) {
	runtime := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", runtime)
	dir := filepath.Join(t.TempDir(), strings.Repeat("long-", 40))
	first := New(dir, nil)
	if err := first.Claim(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", "") // as in another session
	if _, err := NewClient(dir, "").Who(t.Context()); err != nil {
		t.Error(err)
	}
	// As a killed process leaves it:
	pointer := filepath.Join(dir, socketName)
	stale, err := os.ReadFile(pointer)
	if err != nil || !strings.HasPrefix(string(stale), runtime) {
		t.Fatalf("%q, %v", stale, err)
	}
	first.Release()
	if err := errors.Join(os.Mkdir(filepath.Dir(string(stale)), 0o700), os.WriteFile(string(stale), nil, 0o600), os.WriteFile(pointer, stale, 0o600)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", runtime)
	second := claim(t, dir, nil)
	if _, err := NewClient(dir, "").Who(t.Context()); err != nil {
		t.Error(err)
	}
	second.Release()
	if left, _ := os.ReadDir(runtime); len(left) > 0 {
		t.Errorf("it leaves %v", left)
	}
}
