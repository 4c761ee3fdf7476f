//go:build e2e

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"tokentray/cmd/internal/desktop"
	"tokentray/cmd/internal/instance"
	"tokentray/engine"
	"tokentray/engine/provider/strict"
	"tokentray/engine/store/local"
)

// TestDesktop drives the real app as a person would. scripts/e2e runs it on a
// desktop without a screen.
func TestDesktop(t *testing.T) {
	home := filepath.Join(os.Getenv("TOKENTRAY_DESKTOP"), "tokentray")
	provider, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	logins := map[string]*strict.Login{}
	store, err := local.Open(filepath.Join(home, "tokentray.db"))
	if err != nil {
		t.Fatal(err)
	}
	for name, left := range map[string]time.Duration{"work": -time.Minute, "团队账户": 7 * time.Hour, "retired": 2 * time.Hour} {
		login := provider.SignIn(engine.Claude, "")
		logins[name] = login
		if _, err := store.Add(context.Background(), engine.NewAccount{Provider: engine.Claude, Name: name,
			RefreshToken: engine.NewSecret(login.Refresh), AccessToken: engine.NewSecret(login.Access), ExpiresAt: time.Now().Add(left)}); err != nil {
			t.Fatal(err)
		}
	}
	store.Close()
	env := append(os.Environ(), "TOKENTRAY_HOME="+home, "CLAUDE_TOKEN_URL="+provider.URL(engine.Claude), "FYNE_THEME=light")
	start := func() *exec.Cmd {
		cmd := exec.Command(os.Getenv("TOKENTRAY_BINARY"))
		cmd.Env, cmd.Stdout, cmd.Stderr = env, os.Stderr, os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	until(t, "the desktop has a tray and notifications", func() bool {
		services := desktop.Look()
		return services.Tray && services.Notifications
	})
	app := start()
	defer app.Process.Kill()
	ended := make(chan error, 1)
	go func() { ended <- app.Wait() }()

	until(t, "the window is there", func() bool { return window() != "" })
	until(t, "the tray icon is there", func() bool { return trayItem() != "" })
	time.Sleep(2 * time.Second) // the first frames: only for the picture
	picture(t, "window-lazy")
	if n := colours(t); n < 20 {
		t.Errorf("the first row shows nothing: %d colours", n)
	}
	before := firstRows(t)

	// Refresh now reaches the provider, for what is due and only that.
	again(t, "the provider was asked", func() { click(t, 1052, 77) }, func() bool { return provider.Look(logins["work"]).Exchanges == 1 })
	if n := provider.Look(logins["团队账户"]).Exchanges; n != 0 {
		t.Errorf("what was not due was refreshed %d times", n)
	}
	until(t, "the new token is stored", func() bool { return expiry(t, home, "work").After(time.Now()) })
	until(t, "the row changes", func() bool { return !bytes.Equal(before, firstRows(t)) })

	// The menu says what there is, and works.
	until(t, "the menu sums up", func() bool { return menu(t)["3 accounts, 3 valid"] != 0 })
	labels := menu(t)
	for _, want := range []string{"Refresh now", "Proactive", "Open", "Quit"} {
		if labels[want] == 0 {
			t.Errorf("the tray's menu has no %q: %v", want, labels)
		}
	}
	again(t, "the choice is kept", func() { choose(t, "Proactive") }, func() bool {
		text, _ := os.ReadFile(filepath.Join(home, "settings.json"))
		return strings.Contains(string(text), `"ENABLE_PROACTIVE_TOKEN_REFRESH": "true"`)
	})
	time.Sleep(time.Second)
	picture(t, "window-proactive")

	// A dead login brings a notification, and its row tells of it. That is the
	// last but one; by expiry: work (1 h), retired (2 h), 团队账户 (7 h). No other
	// test has an account of that name: what is closed stays in dunst's history.
	provider.Kill(logins["retired"])
	do(t, "dunstctl", "close-all")
	before = firstRows(t)
	again(t, "the dead login is found out", func() { click(t, 708, 347) }, func() bool { return menu(t)["3 accounts, 2 valid, 1 needs login"] != 0 })
	until(t, "its row changes", func() bool { return !bytes.Equal(before, firstRows(t)) })
	until(t, "the notification is shown", func() bool { return notifications(t) == "1" })
	time.Sleep(time.Second) // only for the picture
	picture(t, "window-attention")
	do(t, "dunstctl", "close-all") // only what is closed can be read
	until(t, "it tells of the login", func() bool {
		history, _ := exec.Command("dunstctl", "history").Output()
		return strings.Contains(string(history), "retired needs you to sign in again")
	})

	// Close hides to the tray; a second start, and the menu, show it again.
	closeWindow := func() {
		do(t, "xdotool", "windowfocus", window(), "key", "--window", window(), "alt+F4")
		do(t, "xdotool", "keyup", "F4", "keyup", "alt") // what stays down closes the next window, too
	}
	hidden := func() bool { return window() == "" }
	again(t, "the window is hidden", closeWindow, hidden)
	second := start()
	if err := second.Wait(); err != nil {
		t.Errorf("the second start: %v", err)
	}
	until(t, "the second start shows the window", func() bool { return window() != "" })
	if who, err := instance.NewClient(home, "").Who(t.Context()); err != nil || !who.App || !who.Serving {
		t.Errorf("the app does not answer commands: %+v, %v", who, err)
	}
	again(t, "the window is hidden again", closeWindow, hidden)
	again(t, "Open shows the window", func() { choose(t, "Open") }, func() bool { return window() != "" })

	choose(t, "Quit")
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("Quit did not end it")
	}
	for name, login := range logins {
		if l := provider.Look(login); l.Replays > 0 {
			t.Errorf("%s: %d replays", name, l.Replays)
		}
	}
}

// Whatever ends the app, a refresh in flight is finished and stored first, and
// it says whose it waits for.
func TestEndsAfterTheRefreshInFlight(t *testing.T) {
	alone := append(os.Environ(), "DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere")
	for name, test := range map[string]struct {
		env []string
		end func(t *testing.T, app *exec.Cmd, display *exec.Cmd)
	}{
		"asked to, more than once": {os.Environ(), func(t *testing.T, app, _ *exec.Cmd) {
			for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
				app.Process.Signal(s)
				time.Sleep(100 * time.Millisecond)
			}
		}},
		"Quit in the tray's menu": {os.Environ(), func(t *testing.T, _, _ *exec.Cmd) { choose(t, "Quit") }},
		"its window closed, where there is no tray": {alone, func(t *testing.T, _, _ *exec.Cmd) {
			for deadline := time.Now().Add(20 * time.Second); window() != "" && time.Now().Before(deadline); time.Sleep(300 * time.Millisecond) {
				// A key that comes before the window manager has the window is lost.
				exec.Command("xdotool", "windowfocus", window(), "key", "--window", window(), "alt+F4").Run()
				exec.Command("xdotool", "keyup", "F4", "keyup", "alt").Run()
			}
		}},
		"its display gone, as at a logout": {alone, func(t *testing.T, _, display *exec.Cmd) { display.Process.Kill() }},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			provider, err := strict.New()
			if err != nil {
				t.Fatal(err)
			}
			defer provider.Close()
			store, err := local.Open(filepath.Join(home, "tokentray.db"))
			if err != nil {
				t.Fatal(err)
			}
			login := provider.SignIn(engine.Claude, "")
			a, err := store.Add(context.Background(), engine.NewAccount{Provider: engine.Claude, Name: "work",
				RefreshToken: engine.NewSecret(login.Refresh), AccessToken: engine.NewSecret(login.Access), ExpiresAt: time.Now().Add(-time.Minute)})
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			env, display := test.env, (*exec.Cmd)(nil)
			if strings.Contains(name, "display") {
				old, number := os.Getenv("DISPLAY"), ""
				display, number = anotherDisplay(t)
				env = append(env, "DISPLAY="+number)
				os.Setenv("DISPLAY", number) // where the window is looked for
				defer os.Setenv("DISPLAY", old)
			}
			provider.Fail(engine.Claude, strict.Fault{Delay: 8 * time.Second})
			app := exec.Command(os.Getenv("TOKENTRAY_BINARY"))
			app.Env = append(env, "TOKENTRAY_HOME="+home, "CLAUDE_TOKEN_URL="+provider.URL(engine.Claude), "ENABLE_PROACTIVE_TOKEN_REFRESH=true")
			var said bytes.Buffer
			app.Stdout, app.Stderr = &said, &said
			if err := app.Start(); err != nil {
				t.Fatal(err)
			}
			defer app.Process.Kill()
			ended := make(chan struct{})
			go func() { app.Wait(); close(ended) }()
			until(t, "the provider is asked", func() bool { return len(provider.Requests()) == 1 })
			until(t, "the window is there", func() bool { return window() != "" })
			if strings.Contains(name, "tray's") {
				until(t, "the tray icon is there", func() bool { return trayItem() != "" && menu(t)["Quit"] != 0 })
			}
			if provider.Look(login).Exchanges != 0 {
				t.Fatal("the refresh is over already: this shows nothing")
			}
			test.end(t, app, display)
			select {
			case <-ended:
			case <-time.After(30 * time.Second):
				t.Fatalf("it did not end:\n%s", said.String())
			}
			stored, err := store.Load(context.Background(), a.Key)
			if err != nil {
				t.Fatal(err)
			}
			refresh, _ := stored.RefreshToken.Open()
			if l := provider.Look(login); l.Exchanges != 1 || l.Replays != 0 || refresh.Reveal() != l.Refresh {
				t.Errorf("%d exchanges, %d replays, the newest is stored: %v\n%s", l.Exchanges, l.Replays, refresh.Reveal() == l.Refresh, said.String())
			}
			if !strings.Contains(said.String(), "finishing the refresh of work first, so that no token is lost") {
				t.Errorf("it said\n%s", said.String())
			}
		})
	}
}

// anotherDisplay starts an X server of the test's own.
func anotherDisplay(t *testing.T) (server *exec.Cmd, number string) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	server = exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "1280x800x24", "+extension", "GLX", "-nolisten", "tcp")
	server.ExtraFiles = []*os.File{write}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return server, ":" + strings.TrimSpace(line)
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			picture(t, "failed")
			t.Fatalf("it never came about that %s", what)
		}
	}
}

// again does something until it has its effect: a click on a busy machine can
// come before what it is meant for is drawn.
func again(t *testing.T, what string, act func(), holds func() bool) {
	t.Helper()
	next := time.Now()
	until(t, what, func() bool {
		if holds() {
			return true
		}
		if time.Now().After(next) {
			act()
			next = time.Now().Add(5 * time.Second)
		}
		return false
	})
}

func do(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// notifications is how many are shown.
func notifications(t *testing.T) string {
	t.Helper()
	n, err := exec.Command("dunstctl", "count", "displayed").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(n))
}

// window is the id of the visible window, "" where there is none.
func window() string { return named("--name", "^Tokentray$") }

// named is the id of a visible window, the latest, that xdotool finds by its
// name or class.
func named(by, pattern string) string {
	out, _ := exec.Command("xdotool", "search", "--onlyvisible", by, pattern).Output()
	lines := strings.Fields(string(out))
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}

func click(t *testing.T, x, y int) {
	t.Helper()
	do(t, "xdotool", "mousemove", "--window", window(), strconv.Itoa(x), strconv.Itoa(y), "click", "1")
}

func picture(t *testing.T, name string) {
	t.Helper()
	do(t, "import", "-window", "root", filepath.Join(os.Getenv("TOKENTRAY_PICTURES"), name+".png"))
}

// rowsArea is where the first three rows stand, without the countdowns.
const rowsArea = "550x170+0+262"

// firstRows are the pixels of the first rows.
func firstRows(t *testing.T) []byte {
	t.Helper()
	out, err := exec.Command("import", "-window", window(), "-crop", rowsArea, "rgb:-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// colours counts those of the first rows.
func colours(t *testing.T) int {
	t.Helper()
	seen := map[[3]byte]bool{}
	pixels := firstRows(t)
	for i := 0; i+2 < len(pixels); i += 3 {
		seen[[3]byte(pixels[i:i+3])] = true
	}
	return len(seen)
}

func expiry(t *testing.T, home, name string) time.Time {
	t.Helper()
	store, err := local.Open(filepath.Join(home, "tokentray.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	listing, err := store.List(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range listing.Accounts {
		if a.Name == name {
			return a.ExpiresAt
		}
	}
	return time.Time{}
}

// trayItem is the bus name of the app's icon, "" while there is none.
func trayItem() string {
	bus, err := dbus.SessionBus()
	if err != nil {
		return ""
	}
	v, err := bus.Object("org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher").GetProperty("org.kde.StatusNotifierWatcher.RegisteredStatusNotifierItems")
	if err != nil {
		return ""
	}
	items, _ := v.Value().([]string)
	for _, item := range items {
		name, _, _ := strings.Cut(item, "/")
		return name
	}
	return ""
}

func dbusmenu(t *testing.T) dbus.BusObject {
	t.Helper()
	bus, err := dbus.SessionBus()
	if err != nil {
		t.Fatal(err)
	}
	path, err := bus.Object(trayItem(), "/StatusNotifierItem").GetProperty("org.kde.StatusNotifierItem.Menu")
	if err != nil {
		t.Fatal(err)
	}
	return bus.Object(trayItem(), path.Value().(dbus.ObjectPath))
}

// menu returns the tray menu's labels with their ids.
func menu(t *testing.T) map[string]int32 {
	t.Helper()
	var revision uint32
	var root struct {
		ID         int32
		Properties map[string]dbus.Variant
		Children   []dbus.Variant
	}
	if err := dbusmenu(t).Call("com.canonical.dbusmenu.GetLayout", 0, int32(0), int32(-1), []string{"label"}).Store(&revision, &root); err != nil {
		t.Fatal(err)
	}
	labels := map[string]int32{}
	for _, child := range root.Children {
		item, _ := child.Value().([]any)
		if len(item) < 2 {
			continue
		}
		properties, _ := item[1].(map[string]dbus.Variant)
		labels[fmt.Sprint(properties["label"].Value())], _ = item[0].(int32)
	}
	return labels
}

// choose clicks an entry of the tray's menu.
func choose(t *testing.T, label string) {
	t.Helper()
	id := menu(t)[label]
	if id == 0 {
		t.Fatalf("no %q in the menu: %v", label, menu(t))
	}
	if err := dbusmenu(t).Call("com.canonical.dbusmenu.Event", 0, id, "clicked", dbus.MakeVariant(""), uint32(0)).Err; err != nil {
		t.Fatal(err)
	}
}

// One that starts hidden, as with a login, before the panel does: it waits for
// the tray. A second start shows the window all the same.
func TestThePanelComesLate(t *testing.T) {
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "settings.json"), []byte(`{"`+ownHidden+`": "yes"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the panel is there", func() bool { return desktop.Look().Tray })
	do(t, "xfce4-panel", "--quit")
	until(t, "the panel is gone", func() bool { return !desktop.Look().Tray })
	start := func() *exec.Cmd {
		app := exec.Command(os.Getenv("TOKENTRAY_BINARY"))
		app.Env, app.Stdout, app.Stderr = append(os.Environ(), "TOKENTRAY_HOME="+home), os.Stderr, os.Stderr
		if err := app.Start(); err != nil {
			t.Fatal(err)
		}
		return app
	}
	app := start()
	defer app.Wait()
	defer app.Process.Kill()
	until(t, "it runs", func() bool {
		who, err := instance.NewClient(home, "").Who(t.Context())
		return err == nil && who.Serving
	})
	time.Sleep(2 * time.Second) // whatever would come by now
	if window() != "" {
		t.Error("the window is shown before the panel had its time")
	}
	panel := exec.Command("xfce4-panel", "--disable-wm-check") // it ends with the desktop
	if err := panel.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the tray icon is there", func() bool { return trayItem() != "" })
	if window() != "" {
		t.Error("the window is shown although there is a tray")
	}
	again(t, "Open shows the window", func() { choose(t, "Open") }, func() bool { return window() != "" })
	again(t, "it hides there", func() {
		do(t, "xdotool", "windowfocus", window(), "key", "--window", window(), "alt+F4")
		do(t, "xdotool", "keyup", "F4", "keyup", "alt")
	}, func() bool { return window() == "" })
	if err := start().Wait(); err != nil {
		t.Errorf("the second start: %v", err)
	}
	until(t, "the second start shows the window", func() bool { return window() != "" })
}
