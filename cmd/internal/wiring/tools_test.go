package wiring

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/provider/strict"
)

// Two keepers and Claude Code, each a process of its own, refresh one login
// whose tokens live for a moment: every token is spent once, and the newest is
// in the tool's file. So it is where the keepers have nothing in common, and
// only the tool's own locks stand between them.
func TestKeepersAndClaudeCode(t *testing.T) {
	rotations := 20
	if long() {
		rotations = 100
	}
	for name, home := range map[string]func(t *testing.T, first string) string{
		"one home":  func(_ *testing.T, first string) string { return first },
		"two homes": func(t *testing.T, _ string) string { return t.TempDir() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			provider, login := moments(t, engine.Claude)
			file := claudeFile(t, provider.Look(login), time.Now().Add(provider.Lifetime))
			k := keeper{Home: t.TempDir(), Tools: file.home}
			file.keep(t, k)
			other := k
			if other.Home = home(t, k.Home); other.Home != k.Home {
				file.keep(t, other)
			}
			tool := file.tool(provider.URL(engine.Claude)+"?tool", 1400*time.Millisecond)
			turns(t, provider, login, rotations, []keeper{k, other}, process(t, toolVariable, tool, 10*time.Minute))
			file.check(t, provider.Look(login))
		})
	}
}

// Codex CLI has no locks: two keepers of a user take turns by their own.
func TestKeepersOfCodex(t *testing.T) {
	t.Parallel()
	provider, login := moments(t, engine.OpenAI)
	file := codexFile(t, provider.Look(login))
	k := keeper{Home: t.TempDir(), Tools: file.home}
	file.keep(t, k)
	turns(t, provider, login, 20, []keeper{k, k})
	file.check(t, provider.Look(login))
}

// moments is a provider whose tokens live for a moment, and a login.
func moments(t *testing.T, name string) (*strict.Server, *strict.Login) {
	t.Helper()
	provider, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	provider.Lifetime = 2 * time.Second
	// It takes its time, in which nobody else may send the same.
	provider.Fail(name, slices.Repeat([]strict.Fault{{Delay: 150 * time.Millisecond}}, 1000)...)
	return provider, provider.SignIn(name, "")
}

// turns lets the keepers, and who else is at work, rotate the login so often, and
// each of them some times.
func turns(t *testing.T, provider *strict.Server, login *strict.Login, rotations int, keepers []keeper, others ...started) {
	t.Helper()
	began := time.Now()
	children := others
	for i, k := range keepers {
		k.TokenURL = fmt.Sprintf("%s?keeper-%d", provider.URL(engine.Claude), i+1)
		k.OpenAI = fmt.Sprintf("%s?keeper-%d", provider.URL(engine.OpenAI), i+1)
		k.Proactive, k.Interval, k.Window, k.For, k.Ask = true, time.Minute, time.Minute, 10*time.Minute, true
		children = append(children, process(t, keeperVariable, k, k.For))
	}
	var by map[string]int
	for limit := time.Now().Add(time.Duration(rotations) * 5 * time.Second); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
		l := provider.Look(login)
		by = map[string]int{}
		for _, r := range provider.Requests() {
			by[r.Query]++
		}
		if l.Dead || l.Exchanges >= rotations && len(by) == len(children) && slices.Min(slices.Collect(maps.Values(by))) >= 3 {
			break
		}
	}
	for _, c := range children {
		c.stop()
	}
	outputs := ""
	for i, c := range children {
		_, output := c.wait()
		outputs += fmt.Sprintf("process %d:\n%s\n", i+1, output)
	}
	l := provider.Look(login)
	if l.Dead || l.Replays > 0 || l.Exchanges < rotations {
		t.Errorf("dead: %v, %d replays, %d rotations\n%s", l.Dead, l.Replays, l.Exchanges, outputs)
	}
	if len(by) != len(children) {
		t.Errorf("of %d processes only these sent something: %v\n%s", len(children), by, outputs)
	}
	t.Logf("%d rotations in %v, by %v, %d replays", l.Exchanges, time.Since(began).Round(time.Millisecond), by, l.Replays)
}
