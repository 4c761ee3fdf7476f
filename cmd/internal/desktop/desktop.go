// Package desktop asks the desktop session what it has.
package desktop

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/godbus/dbus/v5"
)

// Services is what a desktop session has for an app with a tray icon.
type Services struct {
	Tray, Notifications bool
	// Missing says why there is neither, for people; "" where the session
	// answered.
	Missing string
}

// Look asks, for 5 seconds at most. Elsewhere than on Linux the system has
// both.
func Look() Services {
	if runtime.GOOS != "linux" {
		return Services{Tray: true, Notifications: true}
	}
	address := busAddress()
	if address == "" {
		return Services{Missing: "no D-Bus session"}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := dbus.Connect(address, dbus.WithContext(ctx))
	if err != nil {
		return Services{Missing: "the D-Bus session does not answer"}
	}
	defer conn.Close()
	bus := conn.BusObject()
	has := func(name string) bool {
		var owned bool
		if bus.CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, name).Store(&owned) == nil && owned {
			return true
		}
		var startable []string
		return bus.CallWithContext(ctx, "org.freedesktop.DBus.ListActivatableNames", 0).Store(&startable) == nil && slices.Contains(startable, name)
	}
	return Services{Tray: has("org.kde.StatusNotifierWatcher"), Notifications: has("org.freedesktop.Notifications")}
}

// TrayComes waits until the session has a tray, as one of a panel that a login
// begins beside the app; false where ctx is done first.
func TrayComes(ctx context.Context) bool {
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for !Look().Tray {
		select {
		case <-again.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// busAddress is where the session's bus listens, "" where there is none: the
// library would start one.
func busAddress() string {
	if address := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); address != "" {
		return address
	}
	socket := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "bus")
	if _, err := os.Stat(socket); err != nil || !filepath.IsAbs(socket) {
		return ""
	}
	return "unix:path=" + socket
}
