package service

import (
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

	"tokentray/cmd/internal/ownfile"
)

// schtasks stands for the scheduler of Windows.
type schtasks struct {
	fake
	task    string // its XML; "" for none
	running bool
	broken  bool
}

func (s *schtasks) start(t *testing.T) scheduler {
	s.answer = func(call string) (string, error) {
		words := strings.Fields(strings.TrimPrefix(call, "schtasks "))
		has := func(flag string) bool { return strings.Contains(call, " "+flag) }
		switch {
		case s.broken:
			return "", errors.New("exit status 1")
		case words[0] == "/Query" && !has("/TN"):
			return "Folder: \\", nil
		case words[0] == "/Create":
			_, file, _ := strings.Cut(call, "/XML ")
			s.task = readUTF16(t, strings.TrimSuffix(file, " /F"))
			return "", nil
		case s.task == "":
			return "", errors.New("exit status 1")
		case has("/XML"): // the scheduler writes it anew
			return strings.ReplaceAll(s.task, "  ", "\t"), nil
		case has("/V"):
			if s.running {
				return "Letztes Ergebnis: 267009", nil
			}
			return "Letztes Ergebnis: 0", nil
		case words[0] == "/Run":
			s.running = true
		case words[0] == "/Delete":
			s.task = ""
		}
		return "", nil
	}
	return scheduler{user: `HERE\me`, run: s.run}
}

func readUTF16(t *testing.T, path string) string {
	t.Helper()
	bytes, err := os.ReadFile(path)
	if err != nil || len(bytes) < 2 || bytes[0] != 0xFF || bytes[1] != 0xFE {
		t.Fatalf("%s is no UTF-16 file: %v", path, err)
	}
	words := make([]uint16, len(bytes)/2-1)
	for i := range words {
		words[i] = binary.LittleEndian.Uint16(bytes[2+2*i:])
	}
	return string(utf16.Decode(words))
}

func TestATasksLife(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var s schtasks
	m := s.start(t)
	wants(t, m, made.Program, ownfile.Absent, false)
	lines, err := m.Install(t.Context(), made)
	must(t, lines, err)
	if !strings.Contains(s.task, `--headless &#34;/opt/Token tray/tokentrayctl&#34; run`) {
		t.Errorf("the task is %s", s.task)
	}
	wants(t, m, made.Program, ownfile.Current, true)
	wants(t, m, `C:\elsewhere\tokentrayctl.exe`, ownfile.Stale, true)

	s.calls = nil
	lines, err = m.Install(t.Context(), made)
	if said := must(t, lines, err); !strings.Contains(said, "up to date") || s.ran("schtasks /Create") {
		t.Errorf("%s, after %q", said, s.calls)
	}
	other := made
	other.Args = nil
	lines, err = m.Install(t.Context(), other)
	if said := must(t, lines, err); !strings.Contains(said, "until you sign out") || !s.ran("schtasks /Create") {
		t.Errorf("%s, after %q", said, s.calls)
	}

	lines, err = m.Uninstall(t.Context())
	must(t, lines, err)
	if s.task != "" || s.ran("schtasks /End") { // which would cut a refresh off
		t.Errorf("after %q there is %q", s.calls, s.task)
	}
	lines, err = m.Uninstall(t.Context())
	if said := must(t, lines, err); said != "it is not installed" {
		t.Error(said)
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) != 0 {
		t.Errorf("it left %v", left)
	}
}

func TestAnothersTaskStays(t *testing.T) {
	s := schtasks{task: "<Task>theirs</Task>"}
	m := s.start(t)
	_, installed := m.Install(t.Context(), made)
	_, uninstalled := m.Uninstall(t.Context())
	for _, err := range []error{installed, uninstalled} {
		if err == nil || !strings.Contains(err.Error(), "was not made by Tokentray") {
			t.Errorf("it says %v", err)
		}
	}
	if s.task != "<Task>theirs</Task>" {
		t.Errorf("it is %s", s.task)
	}
}

func TestASchedulerThatDoesNotAnswerIsAnError(t *testing.T) {
	s := schtasks{broken: true}
	m := s.start(t)
	if _, err := m.Install(t.Context(), made); err == nil {
		t.Error("installed")
	}
	if _, err := m.Uninstall(t.Context()); err == nil {
		t.Error("uninstalled")
	}
}
