package desktop

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// bench is a Notifier and what came of it.
type bench struct {
	Notifier
	plain   []string
	pressed chan string
}

func newBench(t *testing.T) *bench {
	var icon bytes.Buffer
	if err := png.Encode(&icon, image.NewGray(image.Rect(0, 0, 16, 12))); err != nil {
		t.Fatal(err)
	}
	b := &bench{pressed: make(chan string, 10)}
	b.Notifier = Notifier{App: "Tokentray", Icon: icon.Bytes(), Plain: func(title, text string) error {
		b.plain = append(b.plain, title+": "+text)
		return nil
	}}
	t.Cleanup(b.Close)
	return b
}

func (b *bench) note(about, title string) Note {
	return Note{About: about, Title: title, Text: "<b>A & \"B\"</b>", Asks: true, Buttons: []Button{{Body, "Open"}, {"sign-in", "Sign in again"}},
		Pressed: func(key string) { b.pressed <- title + " " + key }}
}

func (b *bench) show(t *testing.T, n Note) {
	t.Helper()
	if err := b.Show(n); err != nil {
		t.Fatal(err)
	}
}

// quiet fails where a press was told of that should not have been. A press that
// counts, behind those that do not, says that all have been looked at.
func (b *bench) quiet(t *testing.T, f *fake) {
	t.Helper()
	b.show(t, b.note("the last", "last"))
	f.press(t, (<-f.notes).ID, "sign-in")
	if got := <-b.pressed; got != "last sign-in" {
		t.Errorf("%q was told of", got)
	}
}

func TestButtons(t *testing.T) {
	bus(t)
	f, b := serve(t, "body", "body-markup", "actions"), newBench(t)
	b.show(t, b.note("work", "first"))
	n := <-f.notes
	if n.App != "Tokentray" || n.Title != "first" || n.Text != `&lt;b&gt;A &amp; "B"&lt;/b&gt;` || n.Replaces != 0 || n.Urgency != 1 || n.Expires != -1 ||
		len(n.Picture.Pixels) != 16*12*4 || n.Picture.Width != 16 || n.Picture.RowStride != 64 || !slices.Equal(n.Actions, []string{"default", "Open", "sign-in", "Sign in again"}) {
		t.Errorf("shown: %+v", n)
	}
	f.press(t, n.ID, "sign-in")
	if got := <-b.pressed; got != "first sign-in" {
		t.Error(got)
	}
	if id := <-f.gone; id != n.ID {
		t.Errorf("%d was closed", id)
	}
	f.press(t, n.ID, "sign-in") // a second click on the way

	b.show(t, Note{About: "home", Title: "plain"}) // asks nothing
	if n := <-f.notes; n.Expires != 10_000 || n.Replaces != 0 || len(n.Actions) != 0 {
		t.Errorf("shown: %+v", n)
	}

	b.show(t, Note{Title: "a store is away"})
	b.show(t, Note{Title: "five accounts need attention"})
	if away, five := <-f.notes, <-f.notes; five.Replaces != 0 || five.ID == away.ID {
		t.Errorf("of nothing in common: %+v, then %+v", away, five)
	}

	b.show(t, b.note("work", "second"))
	second := <-f.notes
	b.show(t, b.note("work", "third"))
	third := <-f.notes
	if second.Replaces != 0 || third.Replaces != second.ID {
		t.Errorf("of the same account: %+v, then %+v", second, third)
	}
	f.press(t, third.ID, "no such button")
	f.press(t, third.ID+100, Body)
	f.close(t, third.ID, expired) // and is in the desktop's list now
	f.press(t, third.ID, Body)
	if got := <-b.pressed; got != "third default" {
		t.Error(got)
	}

	b.show(t, b.note("work", "dismissed"))
	n = <-f.notes
	f.close(t, n.ID, 2)
	f.press(t, n.ID, Body)
	b.quiet(t, f)
	if len(b.plain) > 0 || f.asked.Load() != 1 {
		t.Errorf("shown plainly: %v; asked %d times", b.plain, f.asked.Load())
	}
}

// Where the texts are not taken for markup, they stay as they are.
func TestWithoutMarkup(t *testing.T) {
	bus(t)
	f, b := serve(t, "actions"), newBench(t)
	b.show(t, b.note("work", "a"))
	if n := <-f.notes; n.Text != `<b>A & "B"</b>` {
		t.Errorf("shown: %s", n.Text)
	}
}

// Any program can say that a button was pressed.
func TestOthersPressNothing(t *testing.T) {
	bus(t)
	f, b := serve(t, "actions"), newBench(t)
	b.show(t, b.note("work", "a"))
	n := <-f.notes
	stranger := &fake{}
	if stranger.start(busAddress()) == nil {
		t.Fatal("a second service has the name")
	}
	defer stranger.conn.Close()
	to := b.conn.Names()[0] // straight to it, past the bus's filter
	stranger.press(t, n.ID, "sign-in")
	pressed := &dbus.Message{Type: dbus.TypeSignal, Flags: dbus.FlagNoReplyExpected, Body: []any{n.ID, "sign-in"}, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: dbus.MakeVariant(to), dbus.FieldPath: dbus.MakeVariant(objectAt), dbus.FieldInterface: dbus.MakeVariant(service),
		dbus.FieldMember: dbus.MakeVariant("ActionInvoked"), dbus.FieldSignature: dbus.MakeVariant(dbus.SignatureOf(n.ID, "")),
	}}
	if call := stranger.conn.Send(pressed, nil); call != nil && call.Err != nil {
		t.Fatal(call.Err)
	}
	if err := stranger.conn.BusObject().Call("org.freedesktop.DBus.GetId", 0).Err; err != nil { // they are on their way to it
		t.Fatal(err)
	}
	b.quiet(t, f)
}

// Without buttons, or without a service or a bus, it is shown plainly.
func TestPlain(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T){
		"no buttons": func(t *testing.T) { bus(t); serve(t, "body") },
		"no service": func(t *testing.T) { bus(t) },
		"no bus": func(t *testing.T) {
			t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "bus"))
		},
		"no session": func(t *testing.T) { t.Setenv("DBUS_SESSION_BUS_ADDRESS", ""); t.Setenv("XDG_RUNTIME_DIR", t.TempDir()) },
	} {
		t.Run(name, func(t *testing.T) {
			prepare(t)
			b := newBench(t)
			b.show(t, b.note("work", "a"))
			if !slices.Equal(b.plain, []string{`a: <b>A & "B"</b>`}) {
				t.Errorf("shown plainly: %v", b.plain)
			}
			b.Plain = func(string, string) error { return errors.New("nor so") }
			if err := b.Show(b.note("work", "a")); err == nil || err.Error() != "nor so" {
				t.Errorf("shown nowhere: %v", err)
			}
		})
	}
}

// A service that is begun anew, and can do other things, is asked again; its ids
// are its own.
func TestServiceRestarts(t *testing.T) {
	bus(t)
	first, b := serve(t, "actions"), newBench(t)
	b.show(t, b.note("work", "a"))
	before := <-first.notes
	first.conn.Close()
	b.show(t, b.note("work", "b"))
	second := serve(t, "actions", "body-markup")
	second.last.Store(40)
	b.show(t, b.note("work", "c"))
	n := <-second.notes
	second.press(t, before.ID, "sign-in") // this may be another program's
	if n.Replaces != 0 || !strings.HasPrefix(n.Text, "&lt;") || second.asked.Load() != 1 || !slices.Equal(b.plain, []string{`b: <b>A & "B"</b>`}) {
		t.Errorf("shown: %+v; in between, plainly: %v; asked %d times", n, b.plain, second.asked.Load())
	}
	second.press(t, n.ID, "sign-in")
	if got := <-b.pressed; got != "c sign-in" {
		t.Error(got)
	}
}

// A bus that is lost, as when the session's services are begun anew.
func TestBusLost(t *testing.T) {
	daemon := bus(t)
	_, b := serve(t, "actions"), newBench(t)
	b.show(t, b.note("work", "a"))
	daemon.Kill()
	until(t, "the loss is noticed", func() bool { return !b.conn.Connected() })
	b.show(t, b.note("work", "b"))
	if !slices.Equal(b.plain, []string{`b: <b>A & "B"</b>`}) {
		t.Errorf("shown plainly: %v", b.plain)
	}
	at := strings.TrimPrefix(os.Getenv("DBUS_SESSION_BUS_ADDRESS"), "unix:path=")
	busAt(t, at, filepath.Join(filepath.Dir(at), "bus.conf"))
	f := serve(t, "actions")
	b.show(t, b.note("work", "c"))
	f.press(t, (<-f.notes).ID, Body)
	if got := <-b.pressed; got != "c default" {
		t.Error(got)
	}
}

// What hangs is waited for no longer than the calls take at most, and not asked
// in the plain way.
func TestHangs(t *testing.T) {
	for name, hang := range map[string]func(t *testing.T, daemon *os.Process, f *fake){
		"the service": func(_ *testing.T, _ *os.Process, f *fake) { f.hang.Store(true) },
		"the bus":     func(_ *testing.T, daemon *os.Process, _ *fake) { daemon.Signal(syscall.SIGSTOP) },
	} {
		for _, known := range []bool{false, true} {
			t.Run(name+map[bool]string{true: " after all was well"}[known], func(t *testing.T) {
				daemon := bus(t)
				f, b := serve(t, "actions"), newBench(t)
				if known {
					b.show(t, b.note("work", "a"))
				}
				hang(t, daemon, f)
				began := time.Now()
				if err := b.Show(b.note("work", "b")); err == nil || err.Error() != "the notification service does not answer" {
					t.Errorf("shown: %v", err)
				}
				if took := time.Since(began); took > 3*callTime || len(b.plain) > 0 {
					t.Errorf("it took %v; plainly: %v", took, b.plain)
				}
			})
		}
	}
}

// A service that the bus begins when it is needed.
func TestServiceBegunByTheBus(t *testing.T) {
	daemon := bus(t)
	daemon.Kill()
	at := strings.TrimPrefix(os.Getenv("DBUS_SESSION_BUS_ADDRESS"), "unix:path=")
	dir := filepath.Dir(at)
	if err := os.WriteFile(filepath.Join(dir, service+".service"), []byte("[D-BUS Service]\nName="+service+"\nExec="+os.Args[0]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	busAt(t, at, filepath.Join(dir, "bus.conf"), "SERVICE_BY_BUS=yes")
	b := newBench(t)
	b.show(t, b.note("work", "a"))
	if len(b.plain) > 0 || len(b.shown) != 1 {
		t.Errorf("shown plainly: %v; with buttons: %v", b.plain, b.shown)
	}
}
