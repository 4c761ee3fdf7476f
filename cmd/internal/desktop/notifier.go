package desktop

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	service  = "org.freedesktop.Notifications"
	objectAt = dbus.ObjectPath("/org/freedesktop/Notifications")
	callTime = 2 * time.Second
	shownFor = 10 * time.Second
)

// Body is the Key of a Button that is no button: a click on the notification
// itself. Some desktops show its label.
const Body = "default"

// Button is what can be pressed on a notification.
type Button struct{ Key, Label string }

// Note is one notification. Its texts are plain.
type Note struct {
	// About is what it tells of: it takes the place of the last one about that;
	// "": of nothing that another tells of.
	About       string
	Title, Text string
	Buttons     []Button
	// Pressed is told of the button that was pressed, at most once, on a
	// goroutine of its own.
	Pressed func(key string)
	// Asks says that it asks something of a person. It then stays for as long as
	// the desktop has others stay, which the person may have set, and not for 10
	// s. It is not marked as critical: that would keep it above all windows until
	// it is dismissed, and an ended login is no emergency; the tray icon goes on
	// telling of it.
	Asks bool
}

// Notifier shows notifications, with buttons where the session's service has
// them (Desktop Notifications Specification 1.2). The zero value of the
// unexported fields is ready.
type Notifier struct {
	// App is the name of the program, Icon a PNG.
	App  string
	Icon []byte
	// Plain shows one in all other cases: on other systems, without the service,
	// and where it has no buttons. It may block.
	Plain func(title, text string) error

	mu    sync.Mutex // guards what follows, and is held during a talk with the service
	conn  *dbus.Conn
	owner string // the service's own name on the bus: another one after a restart
	can   []string
	shown map[uint32]Note // by the service's ids: those that may yet be pressed
}

// Show shows a note. It takes 2 seconds for each of a handful of calls at most,
// and a service that hangs is an error; Plain's time comes on top.
func (n *Notifier) Show(note Note) error {
	err := n.show(note)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("the notification service does not answer") // and Plain might wait for it for ever
	}
	return n.Plain(note.Title, note.Text)
}

// Close ends the connection. What is shown stays, and tells of no press.
func (n *Notifier) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.conn != nil {
		n.conn.Close()
	}
}

var errPlain = errors.New("the notification service has no buttons")

func (n *Notifier) show(note Note) error {
	if runtime.GOOS != "linux" {
		return errPlain
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.connect(); err != nil {
		return err
	}
	if err := n.meet(); err != nil {
		return err
	}
	if !slices.Contains(n.can, "actions") {
		return errPlain
	}
	var replaced uint32
	for id, old := range n.shown {
		if note.About != "" && old.About == note.About {
			replaced = id
		}
	}
	actions := []string{} // never nil: keys and labels in turn
	for _, b := range note.Buttons {
		actions = append(actions, b.Key, b.Label)
	}
	text := note.Text
	if slices.Contains(n.can, "body-markup") {
		text = markup.Replace(text)
	}
	expires := int32(shownFor.Milliseconds())
	if note.Asks {
		expires = -1
	}
	hints := map[string]dbus.Variant{"urgency": dbus.MakeVariant(byte(1))}
	if picture, err := pixels(n.Icon); err == nil {
		hints["image-data"] = dbus.MakeVariant(picture)
	}
	var id uint32
	err := n.call(n.conn.Object(n.owner, objectAt), service+".Notify", n.App, replaced, "", note.Title, text, actions, hints, expires).Store(&id)
	if err != nil {
		return err
	}
	delete(n.shown, replaced)
	n.shown[id] = note
	return nil
}

// markup escapes what a service would take for markup. Quotes stay: some know
// their entities by other names.
var markup = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// connect connects to the session's bus, also after it was lost.
func (n *Notifier) connect() error {
	if n.conn != nil && n.conn.Connected() {
		return nil
	}
	address := busAddress()
	if address == "" {
		return errors.New("no D-Bus session")
	}
	ctx, cancel := context.WithCancel(context.Background()) // the connection's
	late := time.AfterFunc(callTime, cancel)
	conn, err := dbus.Connect(address, dbus.WithContext(ctx), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if !late.Stop() {
		err = context.DeadlineExceeded
	}
	if err != nil {
		cancel()
		return err
	}
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	go n.listen(signals) // until the connection ends
	bound, done := context.WithTimeout(ctx, callTime)
	defer done()
	if err := conn.AddMatchSignalContext(bound, dbus.WithMatchSender(service), dbus.WithMatchInterface(service), dbus.WithMatchObjectPath(objectAt)); err != nil {
		conn.Close()
		return err
	}
	n.conn, n.owner = conn, ""
	return nil
}

// meet finds out who is the service now, and of a new one what it can.
func (n *Notifier) meet() error {
	// Begins one that begins when it is needed. Whether it was there in time the
	// next call shows.
	n.call(n.conn.BusObject(), "org.freedesktop.DBus.StartServiceByName", service, uint32(0))
	var owner string
	if err := n.call(n.conn.BusObject(), "org.freedesktop.DBus.GetNameOwner", service).Store(&owner); err != nil {
		return err
	}
	if owner == n.owner {
		return nil
	}
	var can []string
	if err := n.call(n.conn.Object(owner, objectAt), service+".GetCapabilities").Store(&can); err != nil {
		return err
	}
	n.owner, n.can, n.shown = owner, can, map[uint32]Note{}
	return nil
}

func (n *Notifier) call(o dbus.BusObject, method string, args ...any) *dbus.Call {
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	return o.CallWithContext(ctx, method, 0, args...)
}

// listen passes on what is pressed.
func (n *Notifier) listen(signals <-chan *dbus.Signal) {
	for s := range signals {
		var id, reason uint32
		var key string
		switch s.Name {
		case service + ".ActionInvoked":
			if dbus.Store(s.Body, &id, &key) == nil {
				n.pressed(s.Sender, id, key)
			}
		case service + ".NotificationClosed":
			if dbus.Store(s.Body, &id, &reason) == nil {
				n.closed(s.Sender, id, reason)
			}
		}
	}
}

// pressed passes on a press of what was shown here. Any program can send such a
// signal: only the service is believed.
func (n *Notifier) pressed(sender string, id uint32, key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	note, ours := n.shown[id]
	if ours && sender == n.owner && slices.ContainsFunc(note.Buttons, func(b Button) bool { return b.Key == key }) {
		delete(n.shown, id)
		n.conn.Object(n.owner, objectAt).Go(service+".CloseNotification", dbus.FlagNoReplyExpected, nil, id) // not every service does
		go note.Pressed(key)
	}
}

const expired = 1 // a reason: it may still be in a list, and be pressed there

func (n *Notifier) closed(sender string, id, reason uint32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if sender == n.owner && reason != expired {
		delete(n.shown, id)
	}
}
