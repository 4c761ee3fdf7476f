// Command tokentrayctl is Tokentray without a window.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"tokentray/cmd/internal/instance"
	"tokentray/cmd/internal/language"
	"tokentray/cmd/internal/wiring"
	"tokentray/engine"
	"tokentray/engine/guidelog"
	"tokentray/engine/provider"
	"tokentray/engine/settings"
)

// Exit codes, a promise to scripts.
const (
	exitDone  = 0
	exitFail  = 1 // an account failed, or no token could be had
	exitUsage = 2 // wrong usage or settings
	exitStore = 3 // the store cannot be reached
)

const description = `Keeps the OAuth tokens of AI accounts (Claude, Gemini, Codex, Factory) fresh. It needs no server and no settings:

  tokentrayctl add --provider claude --name work < refresh-token.txt
  tokentrayctl list                               # how every account fares
  tokentrayctl refresh                            # one pass: refresh what is due
  tokentrayctl run                                # keep watching until Ctrl-C
  curl -H "Authorization: Bearer $(tokentrayctl token work)" …

With the Redis of a running claude-relay-service it works on that one's accounts, beside it:

  export REDIS_HOST=127.0.0.1 ENCRYPTION_KEY=…    # both as in the relay's .env

To look around first: tokentrayctl demo`

type cli struct {
	Run     runCmd     `cmd:"" help:"Watch the accounts until SIGINT or SIGTERM. Proactive mode refreshes ahead of expiry; lazy mode, the default, only watches."`
	List    listCmd    `cmd:"" help:"Show every account with its status, the worst first."`
	Refresh refreshCmd `cmd:"" help:"Refresh what is due within the window, or the accounts named, due or not."`
	Token   tokenCmd   `cmd:"" help:"Print one access token that is valid now, refreshing it first if it is about to expire."`
	Watch   watchCmd   `cmd:"" help:"Show what happens to the accounts, as it happens."`
	Login   loginCmd   `cmd:"" help:"Sign in with the browser: to a new account, or again in an account's place."`
	Add     addCmd     `cmd:"" help:"Store a new account; its refresh token is read from standard input."`
	Keep    keepCmd    `cmd:"" help:"Keep the login of a tool on this machine fresh (Claude Code, Gemini CLI, Codex), in the tool's own file."`
	Edit    editCmd    `cmd:"" help:"Change an account's name or proxy, or when it is refreshed."`
	Enable  enableCmd  `cmd:"" help:"Switch accounts on."`
	Disable disableCmd `cmd:"" help:"Switch accounts off: they are not refreshed, and give no token."`
	Remove  removeCmd  `cmd:"" help:"Delete accounts, their tokens included."`
	Import  importCmd  `cmd:"" help:"Add the accounts of a file: a tool's login, a relay's export, or one of export."`
	Export  exportCmd  `cmd:"" help:"Write accounts to a file, encrypted under a passphrase."`
	Logs    logsCmd    `cmd:"" help:"Print the log file."`
	Doctor  doctorCmd  `cmd:"" help:"Check settings, store, key, lock and clock, and say what to do."`
	Alerts  alertsCmd  `cmd:"" help:"Send a test to the channels that alerts go out by."`
	Status  statusCmd  `cmd:"" help:"Count the accounts by status."`
	Service serviceCmd `cmd:"" help:"Keep run going without a desktop: install, uninstall or status."`
	Sim     simCmd     `cmd:"" name:"simulate" help:"Play 30 days in seconds: the deadline queue beside the guide's plain poll. Needs nothing."`
	Demo    demoCmd    `cmd:"" help:"Watch made-up accounts for a minute: refreshes, a failure, a recovery. Needs nothing."`

	EnvFile      string           `placeholder:"FILE" help:"Read settings from this file instead of tokentray/.env in your configuration folder."`
	LogFormat    string           `enum:"text,json" default:"text" help:"Log as the guide's lines (text) or one object a line (json)."`
	LogLevel     string           `enum:"debug,info,warn,error" default:"info" help:"Log from this level on: debug, info, warn or error."`
	Direct       bool             `help:"Work on the store directly: do not ask a running app or run."`
	Version      kong.VersionFlag `help:"Print the version."`
	kong.Plugins                  // the settings' flags
}

// session is what the commands work with.
type session struct {
	ctx            context.Context
	cli            *cli
	flags          map[string]string
	stdin          io.Reader
	stdout, stderr io.Writer

	loaded *settings.Settings // once settings has
	log    *slog.Logger       // once open has
}

// fault ends the program with a code.
type fault struct {
	code int
	err  error // nil: everything was said already
}

func (f fault) Error() string {
	if f.err == nil {
		return ""
	}
	return f.err.Error()
}

func main() { os.Exit(interruptible(os.Args[1:])) }

// interruptible executes the command until a signal asks for its end.
func interruptible(args []string) int {
	// A reader that goes away (… | head) and a terminal that closes must not
	// kill an exchange in flight.
	signal.Ignore(syscall.SIGPIPE)
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup does
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	defer stop()
	return execute(ctx, args)
}

func execute(ctx context.Context, args []string) int {
	flags := newSettingFlags()
	s := &session{ctx: ctx, cli: &cli{Plugins: flags.plugin()}, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	exited := -1
	parser, err := kong.New(s.cli,
		kong.Name("tokentrayctl"), kong.Description(description), kong.UsageOnError(),
		kong.Writers(s.stdout, s.stderr), kong.Exit(func(code int) { exited = code }),
		kong.Vars{"version": version(), "providers": provider.Names(), "signin_providers": signInProviders()}, kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 110}))
	if err != nil {
		panic(err) // the struct tags are wrong
	}
	parsed, err := parser.Parse(joinSwitches(args))
	switch {
	case exited >= 0: // --help and --version
		return exited
	case err != nil:
		fmt.Fprintf(s.stderr, "tokentrayctl: %v (see tokentrayctl --help)\n", err)
		return exitUsage
	}
	s.flags = flags.given()
	return s.report(parsed.Run(s))
}

// report prints an error on one line and returns the exit code.
func (s *session) report(err error) int {
	if err == nil {
		return exitDone
	}
	code := exitFail
	if f, ok := errors.AsType[fault](err); ok {
		if code, err = f.code, f.err; err == nil {
			return code
		}
	} else if _, ok := errors.AsType[*instance.NameError](err); ok {
		code = exitUsage
	} else {
		switch engine.KindOf(err) {
		case engine.KindSettings:
			code = exitUsage
		case engine.KindStore:
			code = exitStore
		}
	}
	if errors.Is(err, syscall.EPIPE) { // nobody reads
		return code
	}
	fmt.Fprintf(s.stderr, "tokentrayctl: %s\n", oneLine(err.Error()))
	return code
}

// oneLine makes one safe line of an error's text, which has one for each of
// several.
func oneLine(text string) string { return engine.CleanLine(strings.ReplaceAll(text, "\n", " · ")) }

// signInProviders lists those that login is for.
func signInProviders() string {
	var names []string
	for _, p := range provider.All() {
		if p.SignsIn {
			names = append(names, p.Name)
		}
	}
	return strings.Join(names, ", ") + " or " + engine.Generic
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// settings loads what is in force and says what was ignored.
func (s *session) settings() (settings.Settings, error) {
	if s.loaded != nil {
		return *s.loaded, nil
	}
	dir, _ := os.Getwd()
	set, err := settings.Load(settings.Input{Flags: s.flags, Getenv: os.LookupEnv, EnvFile: s.cli.EnvFile, Dir: dir})
	for _, warning := range set.Warnings {
		fmt.Fprintf(s.stderr, "tokentrayctl: %s\n", warning)
	}
	if err == nil {
		s.loaded = &set
	}
	return set, err
}

// open wires an engine on the configured store. Its log goes to the log file,
// and to standard error where aloud.
func (s *session) open(aloud bool) (*wiring.App, settings.Settings, func(), error) {
	set, err := s.settings()
	if err != nil {
		return nil, set, nil, err
	}
	params := wiring.LogParams{File: set.Paths.Log, JSON: s.cli.LogFormat == "json", Level: s.level()}
	if aloud {
		params.Screen = s.stderr
	}
	log, file, err := wiring.OpenLog(params)
	if err != nil {
		return nil, set, nil, err
	}
	s.log = log
	app, err := wiring.Open(set, log)
	if err != nil {
		file.Close()
		return nil, set, nil, err
	}
	app.Speak(language.Texts(set)) // to chat services; what is shown here is English
	// From an interrupt on nothing is begun; what is in flight is finished.
	stop := context.AfterFunc(s.ctx, func() {
		s.sayWhatIsAwaited(app.Engine)
		app.Engine.Close()
	})
	return app, set, func() {
		stop()
		app.Close()
		file.Close()
	}, nil
}

// sayWhatIsAwaited explains why an interrupted command does not end at once.
func (s *session) sayWhatIsAwaited(e *engine.Engine) {
	if names := e.InFlight(); len(names) > 0 {
		fmt.Fprintf(s.stderr, "tokentrayctl: finishing the refresh of %s first, so that no token is lost\n", strings.Join(names, ", "))
	}
}

// screen is the log on w alone, in the format asked for.
func (s *session) screen(w io.Writer) slog.Handler {
	if s.cli.LogFormat == "json" {
		return guidelog.JSON(w, s.level())
	}
	return guidelog.Text(w, s.level(), false)
}

func (s *session) level() slog.Level {
	var level slog.Level
	level.UnmarshalText([]byte(s.cli.LogLevel)) // kong has checked it
	return level
}

// find resolves names and ids to accounts.
func (s *session) find(ctx context.Context, e *engine.Engine, names ...string) ([]engine.Account, error) {
	accounts, away := e.Accounts(ctx)
	found, err := instance.Find(accounts, names...)
	if err != nil && away != nil { // it may be where nobody could look
		return nil, away
	}
	return found, err
}
