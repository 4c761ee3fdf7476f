package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"tokentray/cmd/internal/desktop"
	"tokentray/cmd/internal/instance"
	"tokentray/cmd/internal/wiring"
	"tokentray/engine"
	"tokentray/engine/settings"
	"tokentray/engine/store/local"
	"tokentray/ui/view"
)

type doctorCmd struct {
	Names []string `arg:"" optional:"" name:"account" help:"Names or ids: say what is wrong with these, and what to do."`
	JSON  bool     `help:"Print one JSON object for scripts."`
}

func (c *doctorCmd) Help() string {
	return `With accounts: for each one sentence and one thing to do, and what is known of it. The way to its provider is tried,
through its proxy if it has one; nothing of the account is sent.
`
}

// check is one line of the doctor's.
type check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"` // how it is, and where not ok what to do
}

type settingJSON struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

func (c *doctorCmd) Run(s *session) error {
	app, set, done, err := s.open(false)
	if err != nil {
		return err
	}
	defer done()
	d := doctor{session: s, app: app, set: set, accounts: []diagnosed{}}
	d.scan()
	d.know()
	if len(c.Names) > 0 {
		d.examineClock()
		d.troubled, d.storeAway = false, false // both are told where they are an account's
		err = d.examineNamed(c.Names)
	} else {
		d.examine()
	}
	switch {
	case err != nil:
		return err
	case c.JSON:
		err = printJSON(s.stdout, map[string]any{"settings": d.settings(), "checks": d.checks, "accounts": d.accounts})
	case len(c.Names) > 0:
		d.printAccounts()
	default:
		d.print()
	}
	switch {
	case err != nil:
		return err
	case d.storeAway || d.furtherAway:
		return fault{exitStore, nil}
	case d.troubled:
		return fault{exitFail, nil}
	}
	return nil
}

type doctor struct {
	*session
	app *wiring.App
	set settings.Settings

	away, problems map[string]error // of the stores, by name
	views          []engine.View    // the worst first
	clock          error            // what is wrong with this machine's

	checks                           []check
	accounts                         []diagnosed
	storeAway, furtherAway, troubled bool
}

func (d *doctor) note(name string, ok bool, format string, args ...any) {
	d.checks = append(d.checks, check{name, ok, oneLine(fmt.Sprintf(format, args...))})
	d.troubled = d.troubled || !ok
}

func (d *doctor) examine() {
	if d.examineStore() {
		d.examineLock()
		d.examineJournal()
	}
	d.examineFurther()
	if p := wiring.Policy(d.set); p.Proactive {
		d.note("scheduler", true, "proactive while tokentrayctl run is running: scans every %v, refreshes %v ahead of expiry", p.Interval, p.Window)
	} else {
		d.note("scheduler", true, "lazy: tokens are refreshed when asked for (ENABLE_PROACTIVE_TOKEN_REFRESH=true changes that)")
	}
	d.examineInstance()
	d.examineDesktop()
	d.examineClock()
	d.note("log", true, "%s", d.set.Paths.Log)
	d.examineFailing()
}

// examineInstance tells who answers commands.
func (d *doctor) examineInstance() {
	who, err := instance.NewClient(d.set.Paths.Data, wiring.Identity(d.set)).Who(d.ctx)
	name := "tokentrayctl run"
	if who.App {
		name = "the app"
	}
	switch {
	case err != nil:
		d.note("instance", true, "none is running: commands work on the store directly")
	case !who.Serving:
		d.note("instance", true, "%s is running and shows the demo, or is just beginning or ending: commands work on the store directly", name)
	case !who.Same:
		d.note("instance", true, "%s is running with other settings of store, key or providers: commands here work on the store directly", name)
	default:
		d.note("instance", true, "%s is running and answers commands", name)
	}
}

// examineDesktop tells what the desktop app would find; tokentrayctl needs
// neither.
func (d *doctor) examineDesktop() {
	services := desktop.Look()
	tray, notifications := "a tray host is there", "a notification service is there"
	if !services.Tray {
		tray = cmp.Or(services.Missing, "no tray host: on GNOME, the AppIndicator extension is one") + "; tokentrayctl needs none"
	}
	if !services.Notifications {
		notifications = cmp.Or(services.Missing, "no notification service") + "; tokentrayctl needs none"
	}
	d.note("tray", true, "%s", tray)
	d.note("notifications", true, "%s", notifications)
}

// examineStore reports whether the main store can be used at all.
func (d *doctor) examineStore() bool {
	if d.storeAway {
		d.note("store", false, "%v", d.away[d.app.Main])
		return false
	}
	views, unreadable := d.in(d.app.Main)
	d.note("store", d.problems[d.app.Main] == nil, "%s answers: %s%s", d.app.Store.Name(), english.Summary(views), orNothing(d.problems[d.app.Main]))
	readable := 0
	for _, v := range views {
		if v.Problem == nil && !v.Static() {
			readable++
		}
	}
	key := "ENCRYPTION_KEY"
	if file, ok := d.app.Store.(*local.Store); ok {
		place, _ := file.KeyPlace(d.ctx)
		key = "the key in " + cmp.Or(place, "the keyring or a file (made with the first account)")
	}
	switch {
	case len(unreadable) > 0:
		d.note("key", false, "%d of %d accounts cannot be read, such as %s: %v", len(unreadable), len(views), unreadable[0].Name, unreadable[0].Problem)
	case readable == 0:
		d.note("key", true, "%s; there is nothing yet to try it on", key)
	default:
		d.note("key", true, "%s opens the tokens of all %d accounts that have a refresh token", key, readable)
	}
	return true
}

func orNothing(err error) string {
	if err == nil {
		return ""
	}
	return "; " + err.Error()
}

// examineLock takes and gives back a lock of its own name.
func (d *doctor) examineLock() {
	lease, err := d.app.Store.TryLock(d.ctx, engine.Key{Provider: "doctor", ID: "doctor"})
	if err == nil {
		err = lease.Release(d.ctx)
	}
	if err != nil && engine.KindOf(err) != engine.KindLocked { // by another doctor, and so it works
		d.note("lock", false, "no refresh is possible without it: %v", err)
		return
	}
	d.note("lock", true, "taken and released, as for a refresh")
}

// examineJournal tells what the journal holds, which is where a token is that
// could not be stored.
func (d *doctor) examineJournal() {
	records, _, err := d.app.Journal().Since(d.ctx, 0)
	if err != nil {
		d.note("journal", false, "no token is sent without it: %v", err)
		return
	}
	unsaved, damaged := 0, 0
	for _, r := range records {
		if r.Unsaved {
			unsaved++
		}
		if r.Damaged {
			damaged++
		}
	}
	switch {
	case damaged > 0:
		d.note("journal", false, "%d of %d records cannot be read: they are set aside, and each such token is sent once at most before it is known again", damaged, len(records))
	case unsaved > 0:
		d.note("journal", true, "%s; %s to be stored, which the next scan does", english.Count(len(records), "1 record", "%d records"),
			english.Count(unsaved, "1 refreshed token waits", "%d refreshed tokens wait"))
	default:
		d.note("journal", true, "%s, all stored", english.Count(len(records), "1 record", "%d records"))
	}
}

// maxClockError is how wrong the clock may be: well below the smallest skew.
const maxClockError = 5 * time.Second

// examineClock compares this machine's clock with a Redis server's.
func (d *doctor) examineClock() {
	for _, name := range append([]string{d.app.Main}, slices.Sorted(maps.Keys(d.app.Stores))...) {
		server, ok := d.app.Stores[name].(interface {
			Time(context.Context) (time.Time, error)
		})
		if !ok || d.away[name] != nil {
			continue
		}
		began := time.Now()
		at, err := server.Time(d.ctx)
		if err != nil {
			d.note("clock", false, "it could not be compared: %v", err)
			return
		}
		ahead := at.Sub(began.Add(time.Since(began) / 2))
		if ahead.Abs() <= maxClockError {
			d.note("clock", true, "agrees with the Redis server's")
			return
		}
		d.clock = fmt.Errorf("this machine's clock is %v %s the Redis server's", ahead.Abs().Round(time.Second), map[bool]string{true: "behind", false: "ahead of"}[ahead > 0])
		d.note("clock", false, "%v: set it (NTP)", d.clock)
		return
	}
	d.note("clock", true, "%s; there is no server to compare it with", time.Now().Format(time.RFC1123Z))
}

func (d *doctor) settings() []settingJSON {
	var all []settingJSON
	for _, spec := range settings.Specs() {
		all = append(all, settingJSON{spec.Name, d.set.Value(spec.Name), d.set.Sources[spec.Name].String()})
	}
	return all
}

func (d *doctor) print() {
	t := table{}
	for _, s := range d.settings() {
		if s.Value != "" {
			t.add(s.Name, s.Value, "from "+s.Source)
		}
	}
	t.write(d.stdout)
	fmt.Fprintln(d.stdout)
	t = table{colour: d.coloured()}
	for _, c := range d.checks {
		mark, tone := "ok", view.Valid
		if !c.OK {
			mark, tone = "!!", view.Person
		}
		t.toned(tone, mark, c.Name, c.Detail)
	}
	for _, a := range d.accounts {
		mark, tone := "!!", view.Person
		if !a.needsPerson() {
			mark, tone = "..", view.Wait
		}
		t.toned(tone, mark, a.Name, *a.Trouble+" → "+*a.Cure)
	}
	t.write(d.stdout)
}

func (d *doctor) coloured() bool { return isTerminal(d.stdout) && os.Getenv("NO_COLOR") == "" }
