package desktop

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// TestMain is a notification service that the bus begins, where the bus says so.
func TestMain(m *testing.M) {
	if os.Getenv("SERVICE_BY_BUS") == "" {
		os.Exit(m.Run())
	}
	f := &fake{can: []string{"actions"}, notes: make(chan noted, 10), gone: make(chan uint32, 10)}
	if err := f.start(os.Getenv("DBUS_STARTER_ADDRESS")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	<-f.conn.Context().Done()
}

// bus starts a D-Bus session of the test's own and returns its process.
func bus(t *testing.T) *os.Process {
	t.Helper()
	dir := t.TempDir()
	at := filepath.Join(dir, "bus")
	config := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth><servicedir>%s</servicedir>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`, at, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+at)
	return busAt(t, at, config)
}

func busAt(t *testing.T, at, config string, env ...string) *os.Process {
	t.Helper()
	program, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Skip("dbus-daemon is missing here: the notifications' buttons are not tested")
	}
	os.Remove(at)
	daemon := exec.Command(program, "--config-file="+config, "--nofork", "--nopidfile")
	daemon.Env, daemon.Stderr = append(os.Environ(), env...), t.Output()
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { daemon.Process.Kill(); daemon.Wait() })
	until(t, "the bus listens", func() bool {
		conn, err := net.Dial("unix", at)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return daemon.Process
}

// noted is what the service was asked to show.
type noted struct {
	App         string
	Replaces    uint32
	Title, Text string
	Actions     []string
	Urgency     byte
	Picture     picture
	Expires     int32
	ID          uint32
}

// fake is a notification service.
type fake struct {
	can   []string
	hang  atomic.Bool
	asked atomic.Int32 // for what it can
	last  atomic.Uint32
	notes chan noted
	gone  chan uint32 // closed by the program
	conn  *dbus.Conn
}

// serve begins a notification service that can do what it is told.
func serve(t *testing.T, can ...string) *fake {
	t.Helper()
	f := &fake{can: can, notes: make(chan noted, 10), gone: make(chan uint32, 10)}
	if err := f.start(busAddress()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.conn.Close() })
	return f
}

func (f *fake) start(address string) (err error) {
	if f.conn, err = dbus.Connect(address); err != nil {
		return err
	}
	if err := f.conn.Export(f, objectAt, service); err != nil {
		return err
	}
	if got, err := f.conn.RequestName(service, dbus.NameFlagDoNotQueue); err != nil || got != dbus.RequestNameReplyPrimaryOwner {
		return fmt.Errorf("the name: %v, %v", got, err)
	}
	return nil
}

func (f *fake) GetCapabilities() ([]string, *dbus.Error) {
	f.asked.Add(1)
	if f.hang.Load() {
		select {}
	}
	return f.can, nil
}

func (f *fake) Notify(app string, replaces uint32, icon, title, text string, actions []string, hints map[string]dbus.Variant, expires int32) (uint32, *dbus.Error) {
	if f.hang.Load() {
		select {}
	}
	id := replaces
	if id == 0 {
		id = f.last.Add(1)
	}
	note := noted{App: app, Replaces: replaces, Title: title, Text: text, Actions: actions, Expires: expires, ID: id}
	hints["urgency"].Store(&note.Urgency)
	hints["image-data"].Store(&note.Picture)
	f.notes <- note
	return id, nil
}

func (f *fake) CloseNotification(id uint32) *dbus.Error {
	f.gone <- id
	return nil
}

// press is what a click on a button, or on the note itself, does.
func (f *fake) press(t *testing.T, id uint32, key string) {
	t.Helper()
	if err := f.conn.Emit(objectAt, service+".ActionInvoked", id, key); err != nil {
		t.Fatal(err)
	}
}

func (f *fake) close(t *testing.T, id, reason uint32) {
	t.Helper()
	if err := f.conn.Emit(objectAt, service+".NotificationClosed", id, reason); err != nil {
		t.Fatal(err)
	}
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came about that %s", what)
		}
	}
}
