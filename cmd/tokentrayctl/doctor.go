package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
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
	JSON bool `help:"Print one JSON object for scripts."`
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
	d := doctor{session: s, app: app, set: set}
	d.examine()
	if c.JSON {
		if err := printJSON(s.stdout, map[string]any{"settings": d.settings(), "checks": d.checks}); err != nil {
			return err
		}
	} else {
		d.print()
	}
	switch {
	case d.storeAway:
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

	checks              []check
	storeAway, troubled bool
}

func (d *doctor) note(name string, ok bool, format string, args ...any) {
	d.checks = append(d.checks, check{name, ok, engine.CleanLine(fmt.Sprintf(format, args...))})
	d.troubled = d.troubled || !ok
}

func (d *doctor) examine() {
	if d.examineStore() {
		d.examineLock()
		d.examineJournal()
	}
	if p := wiring.Policy(d.set); p.Proactive {
		d.note("scheduler", true, "proactive while tokentrayctl run is running: scans every %v, refreshes %v ahead of expiry", p.Interval, p.Window)
	} else {
		d.note("scheduler", true, "lazy: tokens are refreshed when asked for (ENABLE_PROACTIVE_TOKEN_REFRESH=true changes that)")
	}
	d.examineInstance()
	d.examineDesktop()
	if server, ok := d.app.Store.(interface {
		Time(context.Context) (time.Time, error)
	}); ok && !d.storeAway {
		began := time.Now()
		at, err := server.Time(d.ctx)
		took := time.Since(began)
		d.examineClock(at.Sub(began.Add(took/2)), err)
	} else {
		d.note("clock", true, "%s; there is no server to compare it with", time.Now().Format(time.RFC1123Z))
	}
	d.note("log", true, "%s", d.set.Paths.Log)
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

// examineStore reports whether the store can be used at all.
func (d *doctor) examineStore() bool {
	err := d.app.Scan(d.ctx)
	if engine.KindOf(err) == engine.KindStore {
		d.storeAway = true
		d.note("store", false, "%v", err)
		return false
	}
	views := d.app.Snapshot()
	d.note("store", err == nil, "%s answers: %s%s", d.app.Store.Name(), english.Summary(views), orNothing(err))
	readable, unreadable := 0, 0
	var first engine.View
	for _, v := range views {
		if v.Problem != nil {
			unreadable++
			first = v
		} else if !v.Static() {
			readable++
		}
	}
	key := "ENCRYPTION_KEY"
	if file, ok := d.app.Store.(*local.Store); ok {
		place, _ := file.KeyPlace(d.ctx)
		key = "the key in " + cmp.Or(place, "the keyring or a file (made with the first account)")
	}
	switch {
	case unreadable > 0:
		d.note("key", false, "%d of %d accounts cannot be read, such as %s: %v", unreadable, len(views), first.Name, first.Problem)
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

func (d *doctor) examineClock(ahead time.Duration, err error) {
	switch {
	case err != nil:
		d.note("clock", false, "it could not be compared: %v", err)
	case ahead > maxClockError:
		d.note("clock", false, "this machine is %v behind the Redis server: set its clock (NTP)", ahead.Round(time.Second))
	case ahead < -maxClockError:
		d.note("clock", false, "this machine is %v ahead of the Redis server: set its clock (NTP)", (-ahead).Round(time.Second))
	default:
		d.note("clock", true, "agrees with the Redis server's")
	}
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
	t = table{colour: isTerminal(d.stdout) && os.Getenv("NO_COLOR") == ""}
	for _, c := range d.checks {
		mark, tone := "ok", view.Valid
		if !c.OK {
			mark, tone = "!!", view.Person
		}
		t.toned(tone, mark, c.Name, c.Detail)
	}
	t.write(d.stdout)
}
