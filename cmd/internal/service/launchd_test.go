package service

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tokentray/cmd/internal/ownfile"
)

// launchctl stands for launchd, which goes on with an agent a little after it
// was told to end it.
type launchctl struct {
	fake
	loaded bool
	ending int // looks until it is gone
	away   bool
}

func (l *launchctl) start(t *testing.T) launchd {
	refused := errors.New("exit status 113")
	l.answer = func(call string) (string, error) {
		verb, rest, _ := strings.Cut(strings.TrimPrefix(call, "launchctl "), " ")
		switch {
		case l.away:
			return "", refused
		case verb == "print" && rest == "gui/501":
			return "domain", nil
		case verb == "print" && l.loaded:
			if l.ending > 0 {
				if l.ending--; l.ending == 0 {
					l.loaded = false
				}
			}
			return "gui/501/" + label + " = {\n\tstate = running\n\tpid = 4711\n\tlast exit code = (never exited)\n}", nil
		case verb == "bootstrap" && !l.loaded:
			l.loaded = true
			return "", nil
		case verb == "bootout" && l.loaded:
			l.ending = 3
			return "36: Operation now in progress", errors.New("exit status 36")
		case verb == "enable":
			return "", nil
		}
		return "", refused
	}
	return launchd{folder: filepath.Join(t.TempDir(), "LaunchAgents"), domain: "gui/501", run: l.run, every: time.Millisecond}
}

func TestAnAgentsLife(t *testing.T) {
	var l launchctl
	m := l.start(t)
	wants(t, m, made.Program, ownfile.Absent, false)
	lines, err := m.Install(t.Context(), made)
	if said := must(t, lines, err); !strings.Contains(said, "wrote "+m.path()) || !l.loaded {
		t.Errorf("loaded: %v; it says %s", l.loaded, said)
	}
	if st := wants(t, m, made.Program, ownfile.Current, true); st.Detail != "running, pid 4711" {
		t.Errorf("it is %s", st.Detail)
	}
	wants(t, m, "/elsewhere/tokentrayctl", ownfile.Stale, true)

	l.calls = nil
	lines, err = m.Install(t.Context(), made)
	if said := must(t, lines, err); !strings.Contains(said, "up to date") || l.ran("launchctl bootout") || l.ran("launchctl bootstrap") {
		t.Errorf("%s, after %q", said, l.calls)
	}

	other := made
	other.Program = "/elsewhere/tokentrayctl"
	lines, err = m.Install(t.Context(), other)
	must(t, lines, err)
	out := slices.Index(l.calls, "launchctl bootout gui/501/"+label)
	in := slices.Index(l.calls, "launchctl bootstrap gui/501 "+m.path())
	if out < 0 || in < out || l.ending != 0 || !l.loaded {
		t.Errorf("it was begun again before the one before had ended: %q", l.calls)
	}

	lines, err = m.Uninstall(t.Context())
	must(t, lines, err)
	if _, err := os.Stat(m.path()); err == nil || l.loaded {
		t.Errorf("loaded: %v, file: %v", l.loaded, err)
	}
	lines, err = m.Uninstall(t.Context())
	if said := must(t, lines, err); said != "it is not installed" {
		t.Error(said)
	}
}

func TestWithoutASessionNoAgentIsWritten(t *testing.T) {
	l := launchctl{away: true}
	m := l.start(t)
	if _, err := m.Install(t.Context(), made); err == nil || !strings.Contains(err.Error(), "nothing was written") {
		t.Errorf("it says %v", err)
	}
	wants(t, m, made.Program, ownfile.Absent, false)
}
