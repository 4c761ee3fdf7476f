package wiring

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tokentray/engine"
	"tokentray/engine/provider"
	"tokentray/engine/settings"
)

// keeper is one Tokentray process of a test: this test's binary, started again.
type keeper struct {
	Redis    string            // address; "": the embedded store
	Settings map[string]string // or, in its place, settings of Redis as a user gives them
	Home     string            // folder of its machine's user
	Tools    string            // home folder of the user's tools, whose logins are worked with; "": none
	TokenURL string            // of claude
	OpenAI   string            // that of openai

	Proactive        bool
	Interval, Window time.Duration
	For              time.Duration // run so long, or until it is stopped; 0: one pass
	Ask              bool          // ask for every token all the time, too

	// Later is by how much its clock is later than ours.
	Later time.Duration
	// Die is the point at which it is killed, once it has run for DieAfter and
	// no other refresh of it is in flight; RedisPID is who dies with it.
	Die      string
	DieAfter time.Duration
	RedisPID int
}

const (
	keeperVariable = "TOKENTRAY_TEST_PROCESS"
	toolVariable   = "TOKENTRAY_TEST_TOOL"
	encryptionKey  = "a-key-of-the-tests"
)

func TestMain(m *testing.M) {
	if text := os.Getenv(keeperVariable); text != "" {
		var k keeper
		if err := json.Unmarshal([]byte(text), &k); err != nil {
			panic(err)
		}
		os.Exit(k.work())
	}
	if text := os.Getenv(toolVariable); text != "" {
		var c claudeCode
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			panic(err)
		}
		os.Exit(c.work())
	}
	goleak.VerifyTestMain(m)
}

// start starts the process.
func (k keeper) start(t *testing.T) (wait func() (killed bool, output string)) {
	t.Helper()
	return process(t, keeperVariable, k, k.For+2*time.Minute).wait
}

// started is a process of a test.
type started struct {
	// stop has it end as it would by itself.
	stop func()
	wait func() (killed bool, output string)
}

// process starts this test's binary again, in the role that the variable names.
func process(t *testing.T, variable string, role any, limit time.Duration) started {
	t.Helper()
	text, err := json.Marshal(role)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), variable+"="+string(text), "DBUS_SESSION_BUS_ADDRESS=", "XDG_RUNTIME_DIR=")
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return started{func() { cmd.Process.Signal(syscall.SIGTERM) }, func() (bool, string) {
		t.Helper()
		cmd.Wait()
		status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
		killed := status.Signaled() && status.Signal() == syscall.SIGKILL
		if !killed && !cmd.ProcessState.Success() {
			t.Errorf("a process ended with %v:\n%s", cmd.ProcessState, out.String())
		}
		return killed, out.String()
	}}
}

func (k keeper) settings() settings.Settings {
	s := settings.Settings{
		Proactive: k.Proactive, Interval: k.Interval, Window: k.Window, TokenURLs: map[string]string{engine.Claude: k.TokenURL, engine.OpenAI: k.OpenAI},
		EncryptionKey: engine.NewSecret(encryptionKey), Paths: settings.Paths{Database: filepath.Join(k.Home, "tokentray.db")},
		Home: k.Tools,
	}
	if s.Interval == 0 {
		s.Interval, s.Window = 15*time.Minute, 5*time.Minute
	}
	if k.Redis != "" {
		s.Redis = &settings.Redis{Addrs: []string{k.Redis}}
	}
	if k.Settings != nil {
		read, err := settings.Load(settings.Input{Getenv: func(name string) (string, bool) {
			text, there := k.Settings[name]
			return text, there
		}})
		if err != nil {
			panic(err)
		}
		s.Redis = read.Redis
	}
	return s
}

// open is an app for the test's own process, of the same machine.
func (k keeper) open(t testing.TB) *App {
	t.Helper()
	app, err := Open(k.settings(), discard)
	if err != nil {
		t.Fatal(err)
	}
	return app
}

var discard = slog.New(slog.DiscardHandler)

func (k keeper) work() int {
	s := k.settings()
	app, err := Open(s, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if k.Die != "" || k.Later > 0 { // the same, with a trap at every step, or later
		app.Engine.Close()
		app.Engine = engine.New(k.deadly(engine.Params{Places: app.places(), Journal: journal{app}, Policy: Policy(s),
			Providers: provider.New(Providers(s)), Clock: func() time.Time { return time.Now().Add(k.Later) }}))
	}
	defer app.Close()
	if k.For == 0 {
		summary, err := app.Pass(context.Background(), engine.PassParams{Once: true})
		for _, r := range summary.Results {
			fmt.Println(r.Name, r.Outcome, r.Reason, r.Err)
		}
		if err != nil {
			fmt.Println(err)
			return 1
		}
		return 0
	}
	stopped, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	ctx, cancel := context.WithTimeout(stopped, k.For)
	defer cancel()
	if !k.Ask {
		app.Run(ctx)
		return 0
	}
	go app.Run(ctx)
	for ctx.Err() == nil {
		for _, v := range app.Snapshot() {
			if _, err := app.ValidAccessToken(ctx, v.Key); err != nil && ctx.Err() == nil {
				fmt.Println(v.Name, err)
				return 1
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return 0
}

// long reports whether the longer form of a test is wanted.
func long() bool { return os.Getenv("TOKENTRAY_LONG") != "" }
