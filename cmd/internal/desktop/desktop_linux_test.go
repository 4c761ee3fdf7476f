package desktop

import (
	"context"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// A panel that begins while it is waited for.
func TestTrayComes(t *testing.T) {
	bus(t)
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if TrayComes(short) {
		t.Error("a tray came that is not there")
	}
	came := make(chan bool)
	go func() { came <- TrayComes(t.Context()) }()
	select {
	case <-came:
		t.Fatal("a tray came that is not there")
	case <-time.After(50 * time.Millisecond):
	}
	panel, err := dbus.Connect(busAddress())
	if err != nil {
		t.Fatal(err)
	}
	defer panel.Close()
	if _, err := panel.RequestName("org.kde.StatusNotifierWatcher", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	select {
	case is := <-came:
		if !is {
			t.Error("the tray that came is not noticed")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the tray that came is not noticed")
	}
}
