package service

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode/utf16"

	"tokentray/cmd/internal/ownfile"
	"tokentray/engine"
)

const taskName = "Tokentray"

// taskRunning is the scheduler's SCHED_S_TASK_RUNNING, which schtasks shows as
// the last result of a task that runs, in every language.
const taskRunning = "267009"

// scheduler keeps it by a task of Windows that begins with the user's login.
// The scheduler's own way to end a program cuts a refresh off: end asks.
type scheduler struct {
	user  string // as DOMAIN\name
	run   Runner
	end   Ender
	every time.Duration // between two looks
}

var _ Manager = scheduler{}

// task is s as the scheduler's XML. It has no variables: those of the user's
// account are there. conhost keeps the console's window away.
func task(s Service, user string) (string, error) {
	if err := s.check(); err != nil {
		return "", err
	}
	args := []string{"--headless", windowsWord(s.Program), "run"}
	if s.Asked {
		args = append(args, "--service")
	}
	for _, arg := range s.Args {
		args = append(args, windowsWord(arg))
	}
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>Keeps the OAuth tokens of AI accounts fresh. %s</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <UserId>%s</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>%[2]s</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>false</AllowHardTerminate>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>999</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>%%SystemRoot%%\System32\conhost.exe</Command>
      <Arguments>%[3]s</Arguments>
    </Exec>
  </Actions>
</Task>
`, s.mark(), escape(user), escape(strings.Join(args, " "))), nil
}

// windowsWord quotes an argument as programs of Windows take theirs apart.
func windowsWord(arg string) string {
	if arg != "" && !strings.ContainsAny(arg, " \t\"") {
		return arg
	}
	var b strings.Builder
	slashes := 0
	b.WriteByte('"')
	for _, c := range []byte(arg) {
		switch c {
		case '\\':
			slashes++
		case '"': // what stands before it is doubled, and it is escaped
			b.WriteString(strings.Repeat(`\`, slashes+1))
			slashes = 0
		default:
			slashes = 0
		}
		b.WriteByte(c)
	}
	b.WriteString(strings.Repeat(`\`, slashes) + `"`)
	return b.String()
}

// query returns the task's own XML; "" where there is none.
func (m scheduler) query(ctx context.Context) (string, error) {
	text, err := m.run(ctx, "schtasks", "/Query", "/TN", taskName, "/XML")
	if err == nil {
		return strings.ReplaceAll(text, "\x00", ""), nil
	}
	if _, err := m.run(ctx, "schtasks", "/Query", "/FO", "LIST"); err != nil { // not only this one
		return "", err
	}
	return "", nil
}

// state is how a task's XML, as the scheduler has rewritten it, stands to s.
func state(is string, s Service) (ownfile.State, Service) {
	switch made, ok := marked(is); {
	case is == "":
		return ownfile.Absent, Service{}
	case !strings.Contains(is, ownfile.Mark):
		return ownfile.Foreign, Service{}
	case ok && made.mark() == s.mark():
		return ownfile.Current, made
	default:
		return ownfile.Stale, made
	}
}

func foreignTask() error {
	return engine.Errorf(engine.KindInternal, "the scheduled task "+taskName+" was not made by Tokentray and stays as it is: remove or rename it first", nil)
}

// Install is Manager's.
func (m scheduler) Install(ctx context.Context, s Service) (said []string, err error) {
	s.Env, s.Asked = nil, true
	text, err := task(s, m.user)
	if err != nil {
		return nil, err
	}
	is, err := m.query(ctx)
	if err != nil {
		return nil, err
	}
	switch was, _ := state(is, s); was {
	case ownfile.Foreign:
		return nil, foreignTask()
	case ownfile.Current:
		said = append(said, "the scheduled task "+taskName+" is up to date")
	default:
		file, err := utf16File(text)
		if err != nil {
			return nil, err
		}
		defer os.Remove(file)
		if _, err := m.run(ctx, "schtasks", "/Create", "/TN", taskName, "/XML", file, "/F"); err != nil {
			return nil, err
		}
		said = append(said, "made the scheduled task "+taskName)
		if was == ownfile.Stale {
			said = append(said, m.ended(ctx))
		}
	}
	if _, err := m.run(ctx, "schtasks", "/Run", "/TN", taskName); err != nil {
		return said, err
	}
	return append(said, "it runs, and begins again with each login"), nil
}

// Uninstall is Manager's.
func (m scheduler) Uninstall(ctx context.Context) ([]string, error) {
	is, err := m.query(ctx)
	if err != nil {
		return nil, err
	}
	switch was, _ := state(is, Service{}); was {
	case ownfile.Absent:
		return []string{"it is not installed"}, nil
	case ownfile.Foreign:
		return nil, foreignTask()
	}
	if _, err := m.run(ctx, "schtasks", "/Delete", "/TN", taskName, "/F"); err != nil {
		return nil, err
	}
	return []string{"removed the scheduled task " + taskName, m.ended(ctx)}, nil
}

// ended ends what runs of a task that is not there any more, and says so.
func (m scheduler) ended(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	switch ran, err := m.end(ctx); {
	case err != nil:
		return "what runs of it goes on until you sign out: " + err.Error()
	case ran:
		// The console around it ends a moment later, and until then a start would
		// be ignored.
		for is, err := m.running(ctx); is && err == nil && ctx.Err() == nil; is, err = m.running(ctx) {
			time.Sleep(m.every)
		}
		return "it has ended"
	}
	return "it did not run"
}

// running reports whether the task runs. One that is not there is an error.
func (m scheduler) running(ctx context.Context) (bool, error) {
	text, err := m.run(ctx, "schtasks", "/Query", "/TN", taskName, "/FO", "LIST", "/V")
	return strings.Contains(text, taskRunning), err
}

// Status is Manager's.
func (m scheduler) Status(ctx context.Context, program string) (Status, error) {
	st := Status{Place: "the scheduled task " + taskName}
	is, err := m.query(ctx)
	if err != nil {
		return st, err
	}
	made, _ := marked(is)
	made.Program = program
	if st.State, st.Service = state(is, made); st.State == ownfile.Absent {
		return st, nil
	}
	if st.Running, err = m.running(ctx); err != nil {
		return st, err
	}
	st.Detail = "not running"
	if st.Running {
		st.Detail = "running"
	}
	return st, nil
}

// utf16File is a file for schtasks, which reads no other form surely.
func utf16File(text string) (path string, err error) {
	f, err := os.CreateTemp("", "tokentray-*.xml")
	if err != nil {
		return "", err
	}
	defer f.Close()
	words := append([]uint16{0xFEFF}, utf16.Encode([]rune(strings.ReplaceAll(text, "\n", "\r\n")))...)
	return f.Name(), binary.Write(f, binary.LittleEndian, words)
}
