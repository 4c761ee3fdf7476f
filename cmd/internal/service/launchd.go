package service

import (
	"context"
	"encoding/xml"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"tokentray/cmd/internal/ownfile"
	"tokentray/engine"
)

const label = "dev.tokentray.run"

// launchd keeps it by an agent of the user.
type launchd struct {
	folder string // as ~/Library/LaunchAgents
	domain string // as gui/501
	run    Runner
	every  time.Duration // between two looks whether it has ended
}

var _ Manager = launchd{}

func (m launchd) path() string   { return filepath.Join(m.folder, label+".plist") }
func (m launchd) target() string { return m.domain + "/" + label }

// agent is s as a launchd agent. launchd waits longer before each start again
// by itself, ThrottleInterval at least.
func agent(s Service) (string, error) {
	if err := s.check(); err != nil {
		return "", err
	}
	var args, env strings.Builder
	for _, word := range append([]string{s.Program, "run"}, s.Args...) {
		fmt.Fprintf(&args, "\t\t<string>%s</string>\n", escape(word))
	}
	for _, variable := range s.Env {
		name, value, _ := strings.Cut(variable, "=")
		fmt.Fprintf(&env, "\t\t<key>%s</key>\n\t\t<string>%s</string>\n", escape(name), escape(value))
	}
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- %s -->
<plist version="1.0">
<dict>
	<key>Label</key>
	<string>%s</string>
	<key>ProgramArguments</key>
	<array>
%s	</array>
	<key>EnvironmentVariables</key>
	<dict>
%s	</dict>
	<key>RunAtLoad</key>
	<true/>
	<key>KeepAlive</key>
	<dict>
		<key>SuccessfulExit</key>
		<false/>
	</dict>
	<key>ThrottleInterval</key>
	<integer>30</integer>
	<key>ExitTimeOut</key>
	<integer>%d</integer>
	<key>ProcessType</key>
	<string>Background</string>
	<key>Umask</key>
	<integer>63</integer>
</dict>
</plist>
`, s.mark(), label, args.String(), env.String(), int(stopTime.Seconds())), nil
}

func escape(text string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(text))
	return b.String()
}

// loaded reports whether launchd has the agent, and what it says of it.
func (m launchd) loaded(ctx context.Context) (string, bool) {
	text, err := m.run(ctx, "launchctl", "print", m.target())
	return text, err == nil
}

// unload ends the agent and waits until it is gone: launchd goes on before.
func (m launchd) unload(ctx context.Context) error {
	_, failed := m.run(ctx, "launchctl", "bootout", m.target())
	for deadline := time.Now().Add(stopTime + 10*time.Second); time.Now().Before(deadline); {
		if _, is := m.loaded(ctx); !is {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(m.every):
		}
	}
	return engine.Errorf(engine.KindInternal, "launchd has not ended "+label+": try again", failed)
}

// Install is Manager's.
func (m launchd) Install(ctx context.Context, s Service) (said []string, err error) {
	text, err := agent(s)
	if err != nil {
		return nil, err
	}
	if _, err := m.run(ctx, "launchctl", "print", m.domain); err != nil {
		return nil, sessionless("this user is not signed in at the screen", s, err)
	}
	wrote, err := ownfile.File{Path: m.path(), Text: text}.Write()
	if err != nil {
		return nil, err
	}
	_, is := m.loaded(ctx)
	if wrote {
		said = append(said, "wrote "+m.path())
	} else {
		said = append(said, m.path()+" is up to date")
	}
	if is && wrote {
		if err := m.unload(ctx); err != nil {
			return said, err
		}
	}
	if !is || wrote {
		for _, args := range [][]string{{"enable", m.target()}, {"bootstrap", m.domain, m.path()}} {
			if _, err := m.run(ctx, "launchctl", args...); err != nil {
				return said, err
			}
		}
	}
	return append(said, "it runs, and begins again with each login"), nil
}

// Uninstall is Manager's.
func (m launchd) Uninstall(ctx context.Context) ([]string, error) {
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
	if _, is := m.loaded(ctx); is {
		if err := m.unload(ctx); err != nil {
			return nil, err
		}
	}
	if _, err := f.Remove(); err != nil {
		return nil, err
	}
	return []string{"stopped, and removed " + m.path()}, nil
}

var (
	launchState = regexp.MustCompile(`(?m)^\s*state = (.+)$`)
	launchPID   = regexp.MustCompile(`(?m)^\s*pid = (\d+)$`)
	launchExit  = regexp.MustCompile(`(?m)^\s*last exit code = (.+)$`)
)

// Status is Manager's.
func (m launchd) Status(ctx context.Context, program string) (Status, error) {
	st, err := fileStatus(m.path(), program, agent)
	if err != nil || st.State == ownfile.Absent {
		return st, err
	}
	text, is := m.loaded(ctx)
	if !is {
		st.Detail = "launchd does not have it"
		return st, nil
	}
	found := func(re *regexp.Regexp) string {
		if match := re.FindStringSubmatch(text); match != nil {
			return strings.TrimSpace(match[1])
		}
		return ""
	}
	st.Running = found(launchState) == "running"
	st.Detail = found(launchState)
	if pid := found(launchPID); pid != "" {
		st.Detail += ", pid " + pid
	} else if code := found(launchExit); code != "" {
		st.Detail += ", last exit code " + code
	}
	return st, nil
}
