package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"tokentray/engine"
)

// worstFirst orders accounts for people: by status, then by what ends first.
// In lazy mode a lapsed access token is nothing wrong and comes last.
func worstFirst(views []engine.View, lazy bool) {
	rank := func(v engine.View) int {
		if lazy && v.Status == engine.StatusExpired {
			return engine.StatusDisabled.Severity() + 1
		}
		return v.Status.Severity()
	}
	slices.SortFunc(views, func(a, b engine.View) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), a.ExpiresAt.Compare(b.ExpiresAt),
			strings.Compare(a.Name, b.Name), strings.Compare(a.Key.String(), b.Key.String()))
	})
}

// shortStatus is one line for a status bar.
func shortStatus(views []engine.View) string {
	counts := map[engine.Status]int{}
	for _, v := range views {
		counts[v.Status]++
	}
	parts := []string{plural(len(views), "account")}
	for _, s := range []struct {
		status   engine.Status
		one, all string
	}{
		{engine.StatusValid, "valid", "valid"}, {engine.StatusExpiring, "expiring", "expiring"},
		{engine.StatusExpired, "expired", "expired"}, {engine.StatusStatic, "static", "static"},
		{engine.StatusFailing, "failing", "failing"}, {engine.StatusNeedsLogin, "needs login", "need login"},
		{engine.StatusUnreadable, "unreadable", "unreadable"}, {engine.StatusDisabled, "disabled", "disabled"},
	} {
		switch n := counts[s.status]; {
		case n == 1:
			parts = append(parts, "1 "+s.one)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", n, s.all))
		}
	}
	return strings.Join(parts, ", ")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// countdown is exact below an hour and coarse above: 00:07:51, 6 h 58 m,
// 7 d 21 h.
func countdown(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "−", -d
	}
	switch s := int(d.Round(time.Second).Seconds()); {
	case s < 3600:
		return fmt.Sprintf("%s00:%02d:%02d", sign, s/60, s%60)
	case s < 24*3600:
		return fmt.Sprintf("%s%d h %02d m", sign, s/3600, s%3600/60)
	default:
		return fmt.Sprintf("%s%d d %02d h", sign, s/86400, s%86400/3600)
	}
}

// age is countdown for the past, in words.
func age(at, now time.Time) string {
	switch d := now.Sub(at); {
	case at.IsZero():
		return "never"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", max(int(d.Seconds()), 0))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days ago", int(d.Hours()/24))
	}
}

// words says a status as people read it.
func words(v engine.View, lazy bool) string {
	switch v.Status {
	case engine.StatusNeedsLogin:
		return "needs sign-in"
	case engine.StatusExpired:
		if lazy {
			return "refreshes when asked"
		}
	case engine.StatusExpiring:
		if v.Refreshing {
			return "refreshing"
		}
	}
	return string(v.Status)
}

// note is what else there is to say: the trouble, or what comes next.
func note(v engine.View, now time.Time) string {
	switch {
	case v.Problem != nil:
		return v.Problem.Error()
	case v.Err != nil:
		text := v.Err.Error()
		if v.Status == engine.StatusFailing && v.RetryAt.After(now) {
			text += ", again in " + countdown(v.RetryAt.Sub(now))
		}
		return text
	case !v.NextRefresh.IsZero() && v.NextRefresh.After(now):
		return "next refresh in " + countdown(v.NextRefresh.Sub(now))
	case v.Result == engine.ResultRestored:
		return "restored after another program's write"
	}
	return ""
}

func expiresIn(v engine.View, now time.Time) string {
	switch {
	case v.ExpiresAt.IsZero() && v.Problem != nil:
		return "?"
	case v.ExpiresAt.IsZero():
		return "unknown"
	}
	return countdown(v.ExpiresAt.Sub(now))
}

// lastRefresh is the latest refresh known from the store or from here.
func lastRefresh(v engine.View) time.Time {
	last := v.LastRefreshAt
	for _, at := range []time.Time{v.Memo.RefreshedAt, v.Succeeded} {
		if at.After(last) {
			last = at
		}
	}
	return last
}

// accountTable writes the accounts as an aligned table.
func accountTable(w io.Writer, views []engine.View, lazy, colour bool, now time.Time) {
	t := table{colour: colour, right: map[int]bool{3: true}}
	t.add("", "ACCOUNT", "PROVIDER", "STATUS", "EXPIRES IN", "REFRESHED", "")
	t.right = map[int]bool{4: true}
	for _, v := range views {
		provider := engine.ProviderTitle(v.Provider)
		if v.Client == engine.Antigravity {
			provider = "Antigravity"
		}
		t.toned(tone(v, lazy), "●", v.Name, provider, words(v, lazy), expiresIn(v, now), age(lastRefresh(v), now), note(v, now))
	}
	t.write(w)
}

// The three tones, and dim: valid, refreshable by itself, needs a person.
const (
	toneNone   = ""
	toneValid  = "32"
	toneWait   = "33"
	tonePerson = "31"
	toneDim    = "2"
)

func tone(v engine.View, lazy bool) string {
	switch v.Status {
	case engine.StatusValid, engine.StatusStatic:
		return toneValid
	case engine.StatusNeedsLogin, engine.StatusUnreadable:
		return tonePerson
	case engine.StatusDisabled:
		return toneDim
	case engine.StatusExpired:
		if lazy {
			return toneDim
		}
	}
	return toneWait
}

// table aligns cells by their width on a terminal, where Chinese and emoji
// take two columns.
type table struct {
	rows   [][]string
	tones  []string
	right  map[int]bool
	colour bool
}

func (t *table) add(cells ...string) { t.toned(toneNone, cells...) }

// toned adds a row whose first cell, a mark, and fourth, its words, are
// coloured.
func (t *table) toned(tone string, cells ...string) {
	t.rows = append(t.rows, cells)
	t.tones = append(t.tones, tone)
}

func (t *table) write(w io.Writer) {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], runewidth.StringWidth(cell))
		}
	}
	for r, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-runewidth.StringWidth(cell))
			if t.colour && t.tones[r] != toneNone && (i == 0 || i == 3) {
				cell = "\x1b[" + t.tones[r] + "m" + cell + "\x1b[0m"
			}
			if t.right[i] {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
			line.WriteString("  ")
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}
