//go:build measure

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"

	"tokentray/engine"
	"tokentray/engine/provider/strict"
	"tokentray/engine/store/local"
)

// program is a process that is measured.
type program struct {
	*exec.Cmd
	title string
	begun time.Time
}

// fill makes a data folder with accounts that expire in 1 to 9 hours.
func fill(home string, provider *strict.Server, n int) error {
	store, err := local.Open(filepath.Join(home, "tokentray.db"))
	if err != nil {
		return err
	}
	defer store.Close()
	for i := range n {
		login := provider.SignIn(engine.Claude, "")
		left := time.Hour + 8*time.Hour*time.Duration(i)/time.Duration(n)
		if _, err := store.Add(context.Background(), engine.NewAccount{Provider: engine.Claude, Name: fmt.Sprintf("account %04d", i+1),
			RefreshToken: engine.NewSecret(login.Refresh), AccessToken: engine.NewSecret(login.Access), ExpiresAt: time.Now().Add(left)}); err != nil {
			return err
		}
	}
	return nil
}

// keep writes what the app keeps in its settings.
func keep(home string, values map[string]string) error {
	text, err := json.Marshal(values)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(home, "settings.json"), text, 0o600)
}

// startApp starts the app, proactive, on a data folder.
func startApp(home string, provider *strict.Server) (*program, error) {
	return start("Tokentray", os.Getenv("TOKENTRAY_BINARY"), "TOKENTRAY_HOME="+home, "CLAUDE_TOKEN_URL="+provider.URL(engine.Claude),
		"ENABLE_PROACTIVE_TOKEN_REFRESH=true")
}

// startBare starts the empty window.
func startBare() (*program, error) {
	return start("Bare", os.Getenv("TOKENTRAY_BARE"))
}

func start(title, path string, env ...string) (*program, error) {
	p := &program{Cmd: exec.Command(path), title: title}
	p.Env = append(append(os.Environ(), "FYNE_THEME=light"), env...)
	p.begun = time.Now()
	return p, p.Start()
}

// stop ends it, and waits for that. Fyne forgets a signal that comes before its
// loop runs.
func (p *program) stop() {
	late := time.AfterFunc(10*time.Second, func() { p.Process.Kill() })
	defer late.Stop()
	p.Process.Signal(os.Interrupt)
	p.Wait()
}

// spent is the processor's time so far.
func (p *program) spent() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond, nil
}

// shares are how much of a core each took in the same span of time, in percent.
func shares(span time.Duration, all ...*program) ([]float64, error) {
	before, after := make([]time.Duration, len(all)), make([]time.Duration, len(all))
	look := func(to []time.Duration) (err error) {
		for i, p := range all {
			if to[i], err = p.spent(); err != nil {
				return err
			}
		}
		return nil
	}
	if err := look(before); err != nil {
		return nil, err
	}
	begun := time.Now()
	time.Sleep(span)
	if err := look(after); err != nil {
		return nil, err
	}
	took, parts := time.Since(begun), make([]float64, len(all))
	for i := range all {
		parts[i] = 100 * float64(after[i]-before[i]) / float64(took)
	}
	return parts, nil
}

// hide closes the window as its owner would: it goes to the tray.
func (p *program) hide(s screen) error {
	s.ask(s.seen(p.title))
	return until(p.title+" is hidden", func() bool { return s.seen(p.title) == 0 })
}

// showAgain has the empty window show itself.
func (p *program) showAgain() error {
	p.begun = time.Now()
	return p.Process.Signal(syscall.SIGUSR1)
}

// open chooses Open in the menu of its tray icon.
func (p *program) open() error {
	bus, err := dbus.SessionBus()
	if err != nil {
		return err
	}
	menu := bus.Object(fmt.Sprintf("org.kde.StatusNotifierItem-%d-1", p.Process.Pid), "/StatusNotifierItem/menu")
	var revision uint32
	var root struct {
		ID         int32
		Properties map[string]dbus.Variant
		Children   []dbus.Variant
	}
	if err := menu.Call("com.canonical.dbusmenu.GetLayout", 0, int32(0), int32(1), []string{"label"}).Store(&revision, &root); err != nil {
		return err
	}
	for _, child := range root.Children {
		item, _ := child.Value().([]any)
		if len(item) < 2 {
			continue
		}
		id, _ := item[0].(int32)
		if properties, _ := item[1].(map[string]dbus.Variant); properties["label"].Value() == "Open" {
			p.begun = time.Now()
			return menu.Call("com.canonical.dbusmenu.Event", 0, id, "clicked", dbus.MakeVariant(""), uint32(0)).Err
		}
	}
	return fmt.Errorf("no Open in the menu of %d", p.Process.Pid)
}
