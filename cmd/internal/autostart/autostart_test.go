package autostart

import (
	"encoding/xml"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// kinds are the entries that are files, by what they are made of.
var kinds = []struct {
	name, file string
	entry      func(folder, program string) Entry
}{
	{"XDG", id + ".desktop", func(folder, program string) Entry { return XDG{folder, program} }},
	{"Agent", id + ".plist", func(folder, program string) Entry { return Agent{folder, program} }},
}

func TestOnAndOff(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "not there yet")
			e := kind.entry(folder, "/opt/Token tray/tokentray")
			enabled(t, e, false)
			for range 2 {
				set(t, e, true)
				enabled(t, e, true)
			}
			golden(t, filepath.Join(folder, kind.file))
			for range 2 {
				set(t, e, false)
				enabled(t, e, false)
			}
			if left, _ := os.ReadDir(folder); len(left) != 0 {
				t.Errorf("it left %v", left)
			}
		})
	}
}

func TestAMovedProgramIsNoticedAndRepaired(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			folder := t.TempDir()
			set(t, kind.entry(folder, "/old/tokentray"), true)
			e := kind.entry(folder, "/new/tokentray")
			enabled(t, e, false)
			set(t, e, true)
			enabled(t, e, true)
			enabled(t, kind.entry(folder, "/old/tokentray"), false)
		})
	}
}

func TestAnothersEntryStays(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), kind.file)
			const theirs = "[Desktop Entry]\nExec=\"/opt/tokentray\"\n"
			if err := os.WriteFile(path, []byte(theirs), 0o644); err != nil {
				t.Fatal(err)
			}
			e := kind.entry(filepath.Dir(path), "/opt/tokentray")
			enabled(t, e, false)
			for _, on := range []bool{true, false} {
				if err := e.Set(on); err == nil || !strings.Contains(err.Error(), path) {
					t.Errorf("Set(%v) says %v, not where it is", on, err)
				}
			}
			if text, _ := os.ReadFile(path); string(text) != theirs {
				t.Errorf("it is now %q", text)
			}
		})
	}
}

func TestWhatDesktopsSwitchOffIsOff(t *testing.T) {
	x := XDG{t.TempDir(), "/opt/tokentray"}
	path := x.file().Path
	for change, want := range map[[2]string]bool{
		{"X-GNOME-Autostart-enabled=true", "X-GNOME-Autostart-enabled=false"}:   false, // GNOME Tweaks
		{"Type=Application", "Type=Application\nHidden=true"}:                   false, // Xfce, KDE
		{"Type=Application", "Type=Application\nX-GNOME-Autostart-Delay=5"}:     true,  // a person's own
		{"[Desktop Entry]", "[Desktop Action x]\nHidden=true\n[Desktop Entry]"}: true,
	} {
		text := strings.Replace(x.file().Text, change[0], change[1], 1)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		enabled(t, x, want)
		set(t, x, true)
		enabled(t, x, true)
		if after, _ := os.ReadFile(path); want != (string(after) == text) {
			t.Errorf("after %q it was left alone: %v, want %v", change[1], !want, want)
		}
	}
}

// odd are folders with what the specification gives a meaning to.
var odd = []string{`plain`, `with space`, `a"quote`, "back`tick", `$HOME`, `back\slash`, `it's`, `团队`, `a;b&c|d`, `\\$"`}

func TestAPercentSignIsNoFieldCode(t *testing.T) {
	if got, want := quote(`/opt/100%f\a/b`), `"/opt/100%%f\\\\a/b"`; got != want {
		t.Errorf("it is %s, not %s", got, want)
	}
}

// GLib reads the entry and starts the very program, whatever its path. (It
// finds none with a percent sign in it, however that is written.)
func TestGLibStartsTheProgram(t *testing.T) {
	gio, err := exec.LookPath("gio")
	if err != nil {
		t.Skip("there is no gio here")
	}
	for _, name := range odd {
		dir := filepath.Join(t.TempDir(), name)
		program, ran := filepath.Join(dir, "tokentray"), filepath.Join(dir, "ran")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"$#\" > \"${0%/*}/ran\"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		x := XDG{filepath.Join(dir, "autostart"), program}
		set(t, x, true)
		enabled(t, x, true)
		if out, err := exec.CommandContext(t.Context(), gio, "launch", x.file().Path).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", name, err, out)
			continue
		}
		var text []byte
		for deadline := time.Now().Add(20 * time.Second); len(text) == 0 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			text, _ = os.ReadFile(ran)
		}
		if string(text) != "0\n" {
			t.Errorf("%s: it was not started, or with arguments: %q", name, text)
		}
	}
}

func TestTheAgentIsXMLThatNamesTheProgram(t *testing.T) {
	for _, name := range append(odd, `<&>`) {
		var plist struct {
			Programs []string `xml:"dict>array>string"`
		}
		program := "/opt/" + name + "/tokentray"
		if err := xml.Unmarshal([]byte(Agent{"", program}.file().Text), &plist); err != nil {
			t.Fatal(err)
		}
		if len(plist.Programs) != 1 || plist.Programs[0] != program {
			t.Errorf("it starts %q, not %q", plist.Programs, program)
		}
	}
}

func TestTheRunKeysValueIsKnownByItsProgram(t *testing.T) {
	for command, want := range map[string]bool{
		commandLine(`C:\Program Files\Tokentray\tokentray.exe`): true,
		`C:\Tokentray\Tokentray.EXE`:                            true,
		`"C:\old\tokentray.exe" --hidden`:                       true,
		`"C:\Games\other.exe"`:                                  false,
		`"C:\Games\other.exe" "tokentray.exe"`:                  false,
		`"`:                                                     false,
		``:                                                      false,
	} {
		if got := starts(command, "tokentray.exe"); got != want {
			t.Errorf("%s is ours: %v, want %v", command, got, want)
		}
	}
}

func TestHereIsBelowTheConfigurationFolder(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	e, err := Here()
	if err != nil {
		t.Fatal(err)
	}
	enabled(t, e, false)
	set(t, e, true)
	enabled(t, e, true)
	x, ok := e.(XDG)
	if !ok {
		t.Skip("another platform's")
	}
	if want := filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "autostart"); x.Folder != want {
		t.Errorf("it lies in %s, not %s", x.Folder, want)
	}
	t.Setenv("XDG_CONFIG_HOME", "relative") // does not count
	t.Setenv("HOME", "/home/me")
	if e, err := Here(); err != nil || e.(XDG).Folder != "/home/me/.config/autostart" {
		t.Errorf("it is %v, %v", e, err)
	}
}

func enabled(t *testing.T, e Entry, want bool) {
	t.Helper()
	if got, err := e.Enabled(); got != want || err != nil {
		t.Errorf("enabled: %v, %v; want %v", got, err, want)
	}
}

func set(t *testing.T, e Entry, on bool) {
	t.Helper()
	if err := e.Set(on); err != nil {
		t.Errorf("Set(%v): %v", on, err)
	}
}

func golden(t *testing.T, path string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", filepath.Base(path))
	if *update {
		os.MkdirAll("testdata", 0o755)
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); string(got) != string(want) || err != nil {
		t.Errorf("%v: %s is\n%s", err, path, got)
	}
}
