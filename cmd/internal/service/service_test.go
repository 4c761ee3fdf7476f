package service

import (
	"context"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tokentray/cmd/internal/ownfile"
	"tokentray/engine"
)

var update = flag.Bool("update", false, "write the golden files anew")

// made has all that a definition can hold.
var made = Service{
	Program: "/opt/Token tray/tokentrayctl",
	Args:    []string{"--env-file=/etc/token tray/.env", "--token-refresh-interval=10"},
	Env:     []string{"TOKENTRAY_HOME=/srv/100% mine"},
}

func TestTheDefinitions(t *testing.T) {
	windows := func(s Service) (string, error) { return task(s, `HERE\me`) }
	for file, text := range map[string]func(Service) (string, error){"tokentray.service": unit, label + ".plist": agent, "task.xml": windows} {
		got, err := text(made)
		if err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", file)
		if *update {
			if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(golden, []byte(got), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(golden); got != string(want) || err != nil {
			t.Errorf("%v: %s is\n%s", err, file, got)
		}
		if back, ok := marked(got); !ok || back.mark() != made.mark() {
			t.Errorf("%s says it was made from %+v", file, back)
		}
		if _, err := text(Service{Program: "/opt/a\nExecStart=/b"}); engine.KindOf(err) != engine.KindSettings {
			t.Errorf("%s: a line break is let in: %v", file, err)
		}
		if _, err := text(Service{Program: "tokentrayctl"}); engine.KindOf(err) != engine.KindSettings {
			t.Errorf("%s: a relative path is let in: %v", file, err)
		}
	}
}

func TestTheStopTimeIsLongerThanARefresh(t *testing.T) {
	if exchangeAndSave := 40 * time.Second; stopTime <= exchangeAndSave {
		t.Errorf("%v is too short for a refresh of %v", stopTime, exchangeAndSave)
	}
}

// odd are names with what one of the forms gives a meaning to.
var odd = []string{"plain", "with space", "100%h", "$HOME", "${HOME}", "团队", "a;b", "a&b<c>", "--x", "a#b", "tab]]>"}

func TestSystemdTakesTheUnit(t *testing.T) {
	verify, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze here: the unit is not verified")
	}
	root := t.TempDir()
	var services []Service
	for _, name := range odd {
		program := filepath.Join(root, name, "tokentrayctl")
		services = append(services, Service{Program: program, Args: []string{"--env-file=" + program + `'"\`}, Env: []string{"TOKENTRAY_HOME=" + root + name + `'"\`}})
	}
	before := verified(t, verify, services)
	for _, s := range services {
		if !strings.Contains(before, s.Program+" is not executable") {
			t.Errorf("that %s is not there yet is not noticed: %s", s.Program, before)
		}
		if err := errors.Join(os.Mkdir(filepath.Dir(s.Program), 0o755), os.WriteFile(s.Program, []byte("#!/bin/sh\n"), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	if complaints := verified(t, verify, services); complaints != "" {
		t.Error(complaints)
	}
}

// verified is what systemd has against the units of services.
func verified(t *testing.T, verify string, services []Service) string {
	t.Helper()
	args := []string{"--user", "--man=no", "verify"}
	for i, s := range services {
		text, err := unit(s)
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, filepath.Join(t.TempDir(), fmt.Sprintf("tokentray-%d.service", i)))
		if err := os.WriteFile(args[len(args)-1], []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), verify, args...)
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	complaints := slices.DeleteFunc(strings.Split(strings.TrimSpace(string(out)), "\n"), func(line string) bool {
		return line == "" || strings.Contains(line, "RestartSteps") || strings.Contains(line, "RestartMaxDelaySec") // since 254
	})
	if err != nil && len(complaints) == 0 {
		return err.Error()
	}
	return strings.Join(complaints, "\n")
}

func TestAProgramThatSystemdCannotStartIsRefused(t *testing.T) {
	for _, program := range []string{`/opt/it's/tokentrayctl`, `/opt/"/tokentrayctl`, `/opt/a\b/tokentrayctl`} {
		if _, err := unit(Service{Program: program}); engine.KindOf(err) != engine.KindSettings {
			t.Errorf("%s: %v", program, err)
		}
	}
}

func TestXMLKeepsEveryWord(t *testing.T) {
	for _, name := range odd {
		s := Service{Program: "/opt/" + name + "/tokentrayctl", Args: []string{"--env-file=" + name}, Env: []string{"TOKENTRAY_HOME=/" + name}}
		text, err := agent(s)
		if err != nil {
			t.Fatal(err)
		}
		var plist struct {
			Words  []string `xml:"dict>array>string"`
			Values []string `xml:"dict>dict>string"`
		}
		if err := xml.Unmarshal([]byte(text), &plist); err != nil {
			t.Fatal(err)
		}
		if want := []string{s.Program, "run", s.Args[0]}; !slices.Equal(plist.Words, want) || !slices.Contains(plist.Values, "/"+name) {
			t.Errorf("it holds %q and %q, not %q", plist.Words, plist.Values, want)
		}
	}
}

func TestWindowsWords(t *testing.T) {
	for word, want := range map[string]string{
		`C:\a\b.exe`: `C:\a\b.exe`, `C:\a b\c.exe`: `"C:\a b\c.exe"`, `C:\a b\`: `"C:\a b\\"`, ``: `""`,
		`say "hi"`: `"say \"hi\""`, `a \"b`: `"a \\\"b"`,
	} {
		if got := windowsWord(word); got != want {
			t.Errorf("%s is written %s, not %s", word, got, want)
		}
	}
}

// The line for cron is what a shell takes apart into the same words.
func TestTheShellLine(t *testing.T) {
	for _, name := range append(odd, `it's`, `"`, `\`) {
		s := Service{Program: "/usr/bin/printf", Args: []string{"[%s]" + name}, Env: []string{"TOKENTRAY_HOME=/" + name}}
		line := strings.ReplaceAll(shellLine(s), `\%`, `%`) // as cron does
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "set -- "+line+`; printf '%s\n' "$@"`).CombinedOutput()
		want := strings.Join([]string{s.Env[0], s.Program, "run", s.Args[0]}, "\n") + "\n"
		if err != nil || string(out) != want {
			t.Errorf("%v: %s is %q, not %q", err, line, out, want)
		}
	}
}

func TestAnotherPlatformHasNone(t *testing.T) {
	if _, err := On(Host{OS: "plan9"}); engine.KindOf(err) != engine.KindSettings {
		t.Errorf("it says %v", err)
	}
}

// fake is a platform's program that a test stands in for.
type fake struct {
	calls  []string
	answer func(call string) (string, error)
}

func (f *fake) run(_ context.Context, name string, args ...string) (string, error) {
	call := strings.Join(append([]string{name}, args...), " ")
	f.calls = append(f.calls, call)
	return f.answer(call)
}

func (f *fake) ran(call string) bool {
	return slices.ContainsFunc(f.calls, func(c string) bool { return strings.HasPrefix(c, call) })
}

func must(t *testing.T, what []string, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(what, "\n")
}

func wants(t *testing.T, m Manager, program string, want ownfile.State, running bool) Status {
	t.Helper()
	st, err := m.Status(t.Context(), program)
	if err != nil || st.State != want || st.Running != running {
		t.Errorf("it is %+v, %v; want %v, running %v", st, err, want, running)
	}
	return st
}
