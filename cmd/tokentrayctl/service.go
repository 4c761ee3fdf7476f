package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/adrg/xdg"

	"tokentray/cmd/internal/ownfile"
	"tokentray/cmd/internal/service"
	"tokentray/engine"
	"tokentray/engine/settings"
)

type serviceCmd struct {
	Install   serviceInstallCmd   `cmd:"" help:"Keep run going from now on and after each login, with the flags given here. Again, it repairs what is there."`
	Uninstall serviceUninstallCmd `cmd:"" help:"Stop it, a refresh in flight finished first, and remove what install wrote. Accounts and settings stay."`
	Status    serviceStatusCmd    `cmd:"" help:"Tell whether it is installed, up to date and running, and show the last lines of its log."`
}

func (c *serviceCmd) Help() string {
	return `A systemd user unit on Linux, a launchd agent on macOS, a task of the scheduler on Windows. It has the settings of
the env file and those saved in the app, not the variables of this shell. On Windows it has those of your account.`
}

type (
	serviceInstallCmd   struct{}
	serviceUninstallCmd struct{}
	serviceStatusCmd    struct{}
)

// lives are the variables that decide where files lie; a service takes them along.
var lives = []string{"TOKENTRAY_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME"}

// routes are those that decide how providers are reached; one with a password
// in it is not taken along.
var routes = []string{"HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"}

// homes are those that a platform gives every program.
var homes = []string{"HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA"}

func (c *serviceInstallCmd) Run(s *session) error {
	mine, err := s.settings()
	if err != nil {
		return err
	}
	kept, err := s.service(mine)
	if err != nil {
		return err
	}
	if err := s.compare(mine); err != nil {
		return err
	}
	manager, err := s.manager()
	if err != nil {
		return err
	}
	said, err := manager.Install(s.ctx, kept)
	s.lines(said)
	return err
}

func (c *serviceUninstallCmd) Run(s *session) error {
	manager, err := s.manager()
	if err != nil {
		return err
	}
	said, err := manager.Uninstall(s.ctx)
	s.lines(said)
	return err
}

func (c *serviceStatusCmd) Run(s *session) error {
	manager, err := s.manager()
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	st, err := manager.Status(s.ctx, program)
	if err != nil {
		return err
	}
	s.lines([]string{"installed: " + installed(st), "running: " + running(st)})
	lines := st.Lines
	if set, err := s.settings(); err == nil && len(lines) == 0 && st.State != ownfile.Absent {
		lines = tail(set.Paths.Log, 5)
	}
	if len(lines) > 0 {
		fmt.Fprintln(s.stdout, "last lines:")
		for _, line := range lines {
			fmt.Fprintln(s.stdout, "  "+engine.CleanLine(line))
		}
	}
	if st.State != ownfile.Current || !st.Running {
		return fault{exitFail, nil}
	}
	return nil
}

func installed(st service.Status) string {
	switch st.State {
	case ownfile.Absent:
		return "no; tokentrayctl service install does it"
	case ownfile.Foreign:
		return st.Place + " is there, and was not made by Tokentray"
	case ownfile.Stale:
		return st.Place + ", not up to date: it starts " + cmp.Or(st.Service.Program, "something else") + "; tokentrayctl service install repairs it"
	}
	with := ""
	if len(st.Service.Args) > 0 {
		with = ", with " + strings.Join(st.Service.Args, " ")
	}
	return st.Place + ", up to date" + with
}

func running(st service.Status) string {
	answer := "no"
	if st.Running {
		answer = "yes"
	}
	if st.Detail != "" {
		answer += ": " + st.Detail
	}
	return answer
}

// tell prints what was done, a line each.
func (s *session) lines(lines []string) {
	for _, line := range lines {
		fmt.Fprintln(s.stdout, engine.CleanLine(line))
	}
}

// manager is this machine's.
func (s *session) manager() (service.Manager, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, engine.Errorf(engine.KindSettings, "a service needs a home folder", err)
	}
	h := service.Host{OS: runtime.GOOS, Home: home, Config: xdg.ConfigHome, UID: os.Getuid(), Run: service.System, End: service.End}
	if me, err := user.Current(); err == nil {
		h.User = me.Username
	}
	return service.On(h)
}

// service is what is to be kept going: this program, with the flags that were
// given, and files where this shell has them.
func (s *session) service(mine settings.Settings) (service.Service, error) {
	program, err := os.Executable()
	if err != nil {
		return service.Service{}, err
	}
	kept := service.Service{Program: program}
	if s.cli.EnvFile != "" {
		file, err := filepath.Abs(s.cli.EnvFile)
		if err != nil {
			return kept, err
		}
		kept.Args = append(kept.Args, "--env-file="+file)
	}
	if s.cli.LogFormat != "text" {
		kept.Args = append(kept.Args, "--log-format="+s.cli.LogFormat)
	}
	if s.cli.LogLevel != "info" {
		kept.Args = append(kept.Args, "--log-level="+s.cli.LogLevel)
	}
	for _, spec := range settings.Specs() {
		value, given := s.flags[spec.Name]
		if !given {
			continue
		}
		if value != mine.Value(spec.Name) { // it may hold a password, and others may read a definition
			return kept, engine.Errorf(engine.KindSettings, "--"+spec.Flag()+" cannot be a service's: put it into "+engine.Clean(s.file(mine)), nil)
		}
		if spec.Name == "REDIS_TLS_CA_FILE" {
			if value, err = filepath.Abs(value); err != nil {
				return kept, err
			}
		}
		kept.Args = append(kept.Args, "--"+spec.Flag()+"="+value)
	}
	for _, name := range lives {
		if value := os.Getenv(name); filepath.IsAbs(value) {
			kept.Env = append(kept.Env, name+"="+value)
		}
	}
	for _, name := range routes {
		value := os.Getenv(name)
		if strings.Contains(value, "@") {
			fmt.Fprintf(s.stderr, "tokentrayctl: %s from environment may hold a password and is not the service's: set it for your whole session\n", name)
		} else if value != "" {
			kept.Env = append(kept.Env, name+"="+value)
		}
	}
	return kept, nil
}

// compare tells which settings of this shell the service will not have. One
// that could not start is an error.
func (s *session) compare(mine settings.Settings) error {
	theirs, err := settings.Load(settings.Input{Flags: s.flags, EnvFile: s.cli.EnvFile, Getenv: func(name string) (string, bool) {
		if !slices.Contains(lives, name) && !slices.Contains(homes, name) && runtime.GOOS != "windows" {
			return "", false
		}
		return os.LookupEnv(name)
	}})
	if err != nil {
		return engine.Errorf(engine.KindSettings, "the service would not start, as it has no variables of this shell", err)
	}
	file := engine.Clean(s.file(mine))
	for _, spec := range settings.Specs() {
		was, is := mine.Sources[spec.Name], theirs.Sources[spec.Name]
		if was != is && (mine.Value(spec.Name) != theirs.Value(spec.Name) || spec.Secret) {
			fmt.Fprintf(s.stderr, "tokentrayctl: %s from %s is not the service's: put it into %s\n", spec.Name, was, file)
		}
	}
	if !theirs.Proactive {
		fmt.Fprintf(s.stderr, "tokentrayctl: the service will watch and refresh nothing ahead of time: ENABLE_PROACTIVE_TOKEN_REFRESH=true in %s changes that\n", file)
	}
	return nil
}

// file is where settings for a service belong.
func (s *session) file(set settings.Settings) string { return cmp.Or(s.cli.EnvFile, set.Paths.EnvFile) }

// tail returns a file's last lines, n at most.
func tail(path string, n int) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	const enough = 16 << 10
	if _, err := f.Seek(-enough, io.SeekEnd); err != nil { // it is shorter
		f.Seek(0, io.SeekStart)
	}
	text, _ := io.ReadAll(io.LimitReader(f, enough))
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[max(0, len(lines)-n):]
}
