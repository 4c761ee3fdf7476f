package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/godbus/dbus/v5"
)

// desktopServices tells what the desktop has for an app with a tray icon.
// tokentrayctl needs neither.
func desktopServices(ctx context.Context) (tray, notifications string) {
	if runtime.GOOS != "linux" {
		return "the system's own", "the system's own"
	}
	const none = "none here: no D-Bus session; tokentrayctl needs none"
	address := os.Getenv("DBUS_SESSION_BUS_ADDRESS")
	if address == "" { // asked only where there is one: the library would start a bus
		socket := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "bus")
		if _, err := os.Stat(socket); err != nil || !filepath.IsAbs(socket) {
			return none, none
		}
		address = "unix:path=" + socket
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := dbus.Connect(address, dbus.WithContext(ctx))
	if err != nil {
		return "the D-Bus session does not answer", "the D-Bus session does not answer"
	}
	defer conn.Close()
	has := func(name string) bool {
		var owned bool
		var startable []string
		if conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, name).Store(&owned) == nil && owned {
			return true
		}
		if conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.ListActivatableNames", 0).Store(&startable) == nil {
			for _, s := range startable {
				if s == name {
					return true
				}
			}
		}
		return false
	}
	tray, notifications = "no tray host (on GNOME the AppIndicator extension is one)", "no notification service"
	if has("org.kde.StatusNotifierWatcher") {
		tray = "a tray host is there"
	}
	if has("org.freedesktop.Notifications") {
		notifications = "a notification service is there"
	}
	return tray, notifications
}
