package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"tokentray/cmd/internal/wiring"
	"tokentray/engine"
)

// scan reads every store, each for itself: one that is away is one that is
// away.
func (d *doctor) scan() {
	d.away, d.problems = map[string]error{}, map[string]error{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for name := range d.app.Stores {
		wg.Go(func() {
			err := d.app.ScanStore(d.ctx, name)
			mu.Lock()
			defer mu.Unlock()
			if engine.KindOf(err) == engine.KindStore {
				d.away[name] = err
			} else if err != nil {
				d.problems[name] = err
			}
		})
	}
	wg.Wait()
	d.storeAway = d.away[d.app.Main] != nil
}

// in are the accounts that were read of a store, and those of them that cannot
// be used.
func (d *doctor) in(store string) (views, unreadable []engine.View) {
	for _, v := range d.app.Snapshot() {
		if v.Store != store {
			continue
		}
		views = append(views, v)
		if v.Problem != nil {
			unreadable = append(unreadable, v)
		}
	}
	return views, unreadable
}

// examineFurther has a line for each store beside the main one.
func (d *doctor) examineFurther() {
	for _, name := range slices.Sorted(maps.Keys(d.app.Stores)) {
		views, unreadable := d.in(name)
		switch away := d.away[name]; {
		case name == d.app.Main:
		case away != nil:
			d.furtherAway = true
			d.note(name, false, "%v", away)
		case name == wiring.Logins:
			d.examineLogins(views, unreadable)
		case len(unreadable) > 0:
			d.note(name, false, "%s answers: %d of %d accounts cannot be read, such as %s: %v", d.app.Stores[name].Name(),
				len(unreadable), len(views), unreadable[0].Name, unreadable[0].Problem)
		case len(views) > 0 || strings.HasPrefix(name, wiring.Relay):
			d.note(name, d.problems[name] == nil, "%s answers: %s%s", d.app.Stores[name].Name(), english.Summary(views), orNothing(d.problems[name]))
		}
	}
}

// examineLogins tells of the logins that tools keep on this machine.
func (d *doctor) examineLogins(views, unreadable []engine.View) {
	if len(views) == 0 {
		d.note(wiring.Logins, true, "none of Claude Code, Gemini CLI or Codex in %s", d.set.Home)
		return
	}
	kept := 0
	var names []string
	for _, v := range views {
		names = append(names, v.Name)
		if v.Choice.Keep {
			kept++
		}
	}
	slices.Sort(names)
	counted := fmt.Sprintf("%d found (%s), %d kept fresh, %d unreadable", len(views), strings.Join(names, ", "), kept, len(unreadable))
	d.note(wiring.Logins, len(unreadable) == 0, "%s", counted)
}
