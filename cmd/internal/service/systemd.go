package service

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tokentray/cmd/internal/ownfile"
)

const unitName = "tokentray.service"

// systemd keeps it by a unit of the user's manager.
type systemd struct {
	folder string // as ~/.config/systemd/user
	run    Runner
}

var _ Manager = systemd{}

func (m systemd) path() string { return filepath.Join(m.folder, unitName) }

func (m systemd) ctl(ctx context.Context, args ...string) (string, error) {
	return m.run(ctx, "systemctl", append([]string{"--user"}, args...)...)
}

// session fails where the user has no manager that runs.
func (m systemd) session(ctx context.Context) error {
	_, err := m.ctl(ctx, "show", "--property=Version")
	return err
}

// Install is Manager's.
func (m systemd) Install(ctx context.Context, s Service) (said []string, err error) {
	text, err := unit(s)
	if err != nil {
		return nil, err
	}
	if err := m.session(ctx); err != nil {
		return nil, sessionless("there is no systemd session of this user here", s, err)
	}
	wrote, err := ownfile.File{Path: m.path(), Text: text}.Write()
	if err != nil {
		return nil, err
	}
	start := "start"
	if wrote {
		said = append(said, "wrote "+m.path())
		start = "restart"
		if _, err := m.ctl(ctx, "daemon-reload"); err != nil {
			return said, err
		}
	} else {
		said = append(said, m.path()+" is up to date")
	}
	for _, args := range [][]string{{"enable", unitName}, {start, unitName}} {
		if _, err := m.ctl(ctx, args...); err != nil {
			return said, err
		}
	}
	said = append(said, "it runs, and begins again with each login")
	if linger, err := m.run(ctx, "loginctl", "show-user", "--property=Linger", "--value"); err != nil || linger != "yes" {
		said = append(said, "to have it begin with the machine, and go on while you are signed out: loginctl enable-linger")
	}
	return said, nil
}

// Uninstall is Manager's.
func (m systemd) Uninstall(ctx context.Context) (said []string, err error) {
	f := ownfile.File{Path: m.path()}
	switch state, err := f.State(); {
	case err != nil:
		return nil, err
	case state == ownfile.Absent:
		return []string{"it is not installed"}, nil
	case state == ownfile.Foreign:
		_, err := f.Remove() // says so
		return nil, err
	}
	away := m.session(ctx)
	if away == nil {
		if _, err := m.ctl(ctx, "disable", "--now", unitName); err != nil {
			return nil, err
		}
	} else { // nothing runs in it; what enable made goes
		os.Remove(filepath.Join(m.folder, "default.target.wants", unitName))
	}
	if _, err := f.Remove(); err != nil {
		return nil, err
	}
	if away == nil {
		if _, err := m.ctl(ctx, "daemon-reload"); err != nil {
			return nil, err
		}
	}
	return []string{"stopped, and removed " + m.path()}, nil
}

// Status is Manager's.
func (m systemd) Status(ctx context.Context, program string) (Status, error) {
	st, err := fileStatus(m.path(), program, unit)
	if err != nil || st.State == ownfile.Absent {
		return st, err
	}
	if err := m.session(ctx); err != nil {
		st.Detail = "there is no systemd session of this user here"
		return st, nil
	}
	text, err := m.ctl(ctx, "show", unitName, "--property=ActiveState,SubState,MainPID,Result,UnitFileState")
	if err != nil {
		return st, err
	}
	is := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		is[name] = value
	}
	st.Running = is["ActiveState"] == "active"
	st.Detail = fmt.Sprintf("%s (%s)", is["ActiveState"], is["SubState"])
	if st.Running {
		st.Detail += ", pid " + is["MainPID"]
	} else if is["Result"] != "success" {
		st.Detail += ", " + is["Result"]
	}
	if is["UnitFileState"] != "enabled" {
		st.Detail += ", does not begin with a login: " + cmp.Or(is["UnitFileState"], "not enabled")
	}
	if !st.Running {
		if text, err := m.run(ctx, "journalctl", "--user", "--unit="+unitName, "--lines=5", "--no-pager", "--output=cat"); err == nil && text != "" {
			st.Lines = strings.Split(text, "\n")
		}
	}
	return st, nil
}

// fileStatus looks at a definition that is a file. It is up to date where it
// is what program would write for the same flags.
func fileStatus(path, program string, text func(Service) (string, error)) (Status, error) {
	st := Status{Place: path}
	state, err := ownfile.File{Path: path}.State()
	if st.State = state; err != nil || state != ownfile.Stale {
		return st, err
	}
	is, err := os.ReadFile(path)
	if err != nil {
		return st, err
	}
	made, ok := marked(string(is))
	if !ok {
		return st, nil
	}
	st.Service = made
	made.Program = program
	if want, err := text(made); err == nil && want == string(is) {
		st.State = ownfile.Current
	}
	return st, nil
}
