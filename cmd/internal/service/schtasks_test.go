package service

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"tokentray/cmd/internal/ownfile"
)

// schtasks stands for the scheduler of Windows.
type schtasks struct {
	fake
	task    string // its XML; "" for none
	running bool
	broken  bool
	stays   error // of what is asked for its end
	lingers int   // for so many looks it seems to run
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
			if s.lingers--; s.running || s.lingers >= 0 {
				return "Letztes Ergebnis: 267009", nil
			}
			return "Letztes Ergebnis: 0", nil
		case words[0] == "/Run":
			s.running = s.running || s.lingers <= 0
		case words[0] == "/Delete":
			s.task = ""
		}
		return "", nil
	}
	return scheduler{user: `HERE\me`, run: s.run, end: func(ctx context.Context) (bool, error) {
		if until, ok := ctx.Deadline(); !ok || time.Until(until) > stopTime {
			t.Error("its end is waited for for ever")
		}
		s.calls = append(s.calls, "end")
		was := s.running
		s.running = was && s.stays != nil
		s.lingers = 2
		return was, s.stays
	}}
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
	if !strings.Contains(s.task, `--headless &#34;/opt/Token tray/tokentrayctl&#34; run --service`) {
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
	if said := must(t, lines, err); !strings.Contains(said, "has ended") || !s.ran("schtasks /Create") || !s.running {
		t.Errorf("%s, after %q", said, s.calls)
	}

	s.calls = nil
	lines, err = m.Uninstall(t.Context())
	said := must(t, lines, err)
	if s.task != "" || s.running || s.ran("schtasks /End") || !strings.Contains(said, "has ended") { // the third would cut a refresh off
		t.Errorf("%s; after %q there is %q", said, s.calls, s.task)
	}
	if deleted, ended := slices.Index(s.calls, "schtasks /Delete /TN Tokentray /F"), slices.Index(s.calls, "end"); ended < deleted { // or it would be begun again
		t.Errorf("after %q", s.calls)
	}
	lines, err = m.Uninstall(t.Context())
	if said := must(t, lines, err); said != "it is not installed" {
		t.Error(said)
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) != 0 {
		t.Errorf("it left %v", left)
	}
}

// What does not end when it is asked is told of, and not killed.
func TestATaskThatDoesNotEnd(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	s := schtasks{stays: errors.New("Access is denied.")}
	m := s.start(t)
	lines, err := m.Install(t.Context(), made)
	must(t, lines, err)
	lines, err = m.Uninstall(t.Context())
	if said := must(t, lines, err); !strings.Contains(said, "until you sign out: Access is denied.") || s.task != "" || s.ran("schtasks /End") {
		t.Errorf("%s, after %q", said, s.calls)
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
