//go:build measure

// Command measure prints what the app costs and how fast it is, with 1,000
// accounts, beside an empty Fyne window in the same run. scripts/measure-ui runs
// it on a desktop of its own.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tokentray/cmd/internal/desktop"
	"tokentray/engine/provider/strict"
)

func main() {
	span := flag.Duration("span", time.Minute, "how long each share of a core is measured")
	rounds := flag.Int("rounds", 3, "how often each share of a core is measured")
	tries := flag.Int("tries", 20, "how often each time is measured")
	n := flag.Int("accounts", 1000, "accounts")
	only := flag.String("only", "", "first, hidden or visible alone")
	flag.Parse()
	if err := run(*span, *rounds, *tries, *n, *only); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func run(span time.Duration, rounds, tries, n int, only string) error {
	dir, err := os.MkdirTemp("", "measure")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	provider, err := strict.New()
	if err != nil {
		return err
	}
	defer provider.Close()
	s, err := openScreen()
	if err != nil {
		return err
	}
	if err := until("the desktop has a tray", func() bool { return desktop.Look().Tray }); err != nil {
		return err
	}
	rests, free := filepath.Join(dir, "rests"), filepath.Join(dir, "free")
	if err := fill(rests, provider, n); err != nil {
		return err
	}
	if err := os.CopyFS(free, os.DirFS(rests)); err != nil {
		return err
	}
	if err := keep(free, map[string]string{"APP_PARK": "off"}); err != nil {
		return err
	}
	fmt.Printf("%d accounts, proactive; shares of a core over %s, %d rounds; times, %d tries. Load at the start: %s\n\n", n, span, rounds, tries, load())
	fmt.Println("| what | median | least | most |")
	fmt.Println("|---|---|---|---|")
	for _, m := range []struct {
		name    string
		measure func() error
	}{
		{"first", func() error { return firstFrames(s, rests, provider, tries) }},
		{"hidden", func() error { return hidden(s, rests, free, provider, span, rounds, tries) }},
		{"visible", func() error { return visible(s, rests, provider, span, rounds) }},
	} {
		if only != "" && only != m.name {
			continue
		}
		if err := m.measure(); err != nil {
			return err
		}
	}
	fmt.Printf("\nLoad at the end: %s\n", load())
	log, _ := os.ReadFile(filepath.Join(rests, "tokentray.log"))
	if n := strings.Count(string(log), "does not rest any more"); n > 0 {
		fmt.Printf("%d of the app's starts gave up resting, as a wake-up came late: the shares hold for a loop that does not rest.\n", n)
	}
	return nil
}

// firstFrames measures from the start of the program to its first frame, the
// two in turn.
func firstFrames(s screen, home string, provider *strict.Server, tries int) error {
	var rows [6][]float64
	first := func(p *program, err error) (frame, full, spent float64, _ error) {
		if err != nil {
			return 0, 0, 0, err
		}
		defer p.stop()
		if err := until("the first frame is drawn", func() bool { return s.shows(s.seen(p.title), anything) }); err != nil {
			return 0, 0, 0, err
		}
		frame = milliseconds(time.Since(p.begun))
		if err := until("all is in it", func() bool { return s.shows(s.seen(p.title), p.full()) }); err != nil {
			return 0, 0, 0, err
		}
		full = milliseconds(time.Since(p.begun))
		used, err := p.spent()
		time.Sleep(time.Second) // the next has the machine to itself
		return frame, full, milliseconds(used), err
	}
	for range tries {
		bare, _, bareSpent, err := first(startBare())
		if err != nil {
			return err
		}
		app, full, appSpent, err := first(startApp(home, provider))
		if err != nil {
			return err
		}
		for i, v := range []float64{app, bare, app - bare, full, appSpent, bareSpent} {
			rows[i] = append(rows[i], v)
		}
	}
	for i, what := range []string{"first frame: the app", "first frame: an empty window", "first frame: the app's more", "the app's accounts are in it",
		"until then, on the processor: the app", "until then, on the processor: an empty window"} {
		row(what, "ms", rows[i])
	}
	return nil
}

// hidden measures hidden programs, all at the same time, and how fast a window
// is there again.
func hidden(s screen, rests, free string, provider *strict.Server, span time.Duration, rounds, tries int) error {
	resting, err := startApp(rests, provider)
	if err != nil {
		return err
	}
	defer resting.stop()
	if err := resting.settleAndHide(s); err != nil {
		return err
	}
	unparked, err := startApp(free, provider)
	if err != nil {
		return err
	}
	defer unparked.stop()
	if err := unparked.settleAndHide(s); err != nil {
		return err
	}
	bare, err := startBare()
	if err != nil {
		return err
	}
	defer bare.stop()
	if err := bare.settleAndHide(s); err != nil {
		return err
	}
	time.Sleep(15 * time.Second)
	var parts [3][]float64
	for range rounds {
		now, err := shares(span, resting, unparked, bare)
		if err != nil {
			return err
		}
		for i, part := range now {
			parts[i] = append(parts[i], part)
		}
	}
	row("hidden: the app", "% of a core", parts[0])
	row("hidden: the app, APP_PARK=off", "% of a core", parts[1])
	row("hidden: an empty window", "% of a core", parts[2])

	var mapped, drawn, empty []float64
	for i := range tries {
		for _, one := range []struct {
			p     *program
			open  func() error
			there *[]float64
		}{{resting, resting.open, &mapped}, {bare, bare.showAgain, &empty}} {
			time.Sleep(time.Duration(1500+i*37) * time.Millisecond) // it rests again
			if err := one.open(); err != nil {
				return err
			}
			if err := until("the window is shown", func() bool { return s.seen(one.p.title) != 0 }); err != nil {
				return err
			}
			*one.there = append(*one.there, milliseconds(time.Since(one.p.begun)))
			if err := until("the window is drawn", func() bool { return s.shows(s.seen(one.p.title), one.p.full()) }); err != nil {
				return err
			}
			if one.p == resting {
				drawn = append(drawn, milliseconds(time.Since(one.p.begun)))
			}
			if err := one.p.hide(s); err != nil {
				return err
			}
		}
	}
	row("Open in the tray's menu: the window is there", "ms", mapped)
	row("Open in the tray's menu: it is drawn", "ms", drawn)
	row("an empty window told to show itself: it is there", "ms", empty)

	var second []float64
	for i := range tries {
		time.Sleep(time.Duration(1500+i*37) * time.Millisecond)
		p, err := startApp(rests, provider)
		if err != nil {
			return err
		}
		if err := until("the window is shown", func() bool { return s.seen(resting.title) != 0 }); err != nil {
			return err
		}
		second = append(second, milliseconds(time.Since(p.begun)))
		p.Wait()
		if err := resting.hide(s); err != nil {
			return err
		}
	}
	row("a second start, from its exec: the window is there", "ms", second)
	return nil
}

// full is what its window has once all is in it.
func (p *program) full() int {
	if p.title == "Tokentray" {
		return accounts
	}
	return anything
}

// settleAndHide waits for the window, and hides it.
func (p *program) settleAndHide(s screen) error {
	if err := until("the window is drawn", func() bool { return s.shows(s.seen(p.title), p.full()) }); err != nil {
		return err
	}
	time.Sleep(2 * time.Second)
	return p.hide(s)
}

// visible measures visible windows at the same time.
func visible(s screen, home string, provider *strict.Server, span time.Duration, rounds int) error {
	bare, err := startBare()
	if err != nil {
		return err
	}
	defer bare.stop()
	if err := until("the window is drawn", func() bool { return s.shows(s.seen(bare.title), anything) }); err != nil {
		return err
	}
	app, err := startApp(home, provider)
	if err != nil {
		return err
	}
	defer app.stop()
	if err := until("the window is drawn", func() bool { return s.shows(s.seen(app.title), accounts) }); err != nil {
		return err
	}
	time.Sleep(15 * time.Second)
	var parts [2][]float64
	var more []float64
	for range rounds {
		now, err := shares(span, app, bare)
		if err != nil {
			return err
		}
		parts[0], parts[1], more = append(parts[0], now[0]), append(parts[1], now[1]), append(more, now[0]-now[1])
	}
	row("visible, counting down: the app", "% of a core", parts[0])
	row("visible: an empty window", "% of a core", parts[1])
	row("visible: the app's more", "points", more)
	return nil
}

// row prints one line of the table.
func row(what, unit string, values []float64) {
	slices.Sort(values)
	digits := 0
	if unit != "ms" {
		digits = 2
	}
	show := func(v float64) string { return fmt.Sprintf("%.*f %s", digits, v, unit) }
	fmt.Printf("| %s | %s | %s | %s |\n", what, show((values[(len(values)-1)/2]+values[len(values)/2])/2), show(values[0]), show(values[len(values)-1]))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	return string(text[:len("0.00 0.00 0.00")])
}
