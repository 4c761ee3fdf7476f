package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"tokentray/engine"
	"tokentray/engine/simulate"
	"tokentray/ui/view"
)

type simCmd struct {
	Accounts    int            `default:"1000" help:"How many accounts."`
	Days        float64        `default:"30" help:"How many days."`
	Lifetime    []string       `default:"claude=8h,gemini=1h,openai=240h" placeholder:"LIFE,…" help:"How long access tokens live; the accounts have these in turn. A provider may stand before it: gemini=1h."`
	Interval    *time.Duration `help:"Scan this often; by default the guide's three recommendations are played."`
	Window      *time.Duration `help:"Refresh this long before expiry."`
	Keepers     int            `default:"1" help:"How many processes run the queue; the poll is one, as the guide advises."`
	Restarts    float64        `help:"Restarts of each process a day, 30 s each."`
	Outage      time.Duration  `help:"Once in 30 days the providers answer 503 for so long."`
	StoreOutage time.Duration  `help:"Once in 30 days the store is away for so long."`
	Sleep       time.Duration  `help:"How long the machine sleeps every night."`
	Asks        float64        `default:"24" help:"How often a day callers ask for an account's token."`
	Seed        uint64         `default:"1" help:"The same seed gives the same numbers."`
	JSON        bool           `help:"Print one JSON object for scripts."`
}

func (c *simCmd) Help() string {
	return `Plays days of keeping tokens fresh in seconds, with the policy that the programs have: the deadline queue, and beside
it the plain poll of the guide, which refreshes at every interval what expires within the window. Nothing is read, sent
or kept. docs/PERFORMANCE.md says what is assumed.`
}

const restartTakes = 30 * time.Second

// schedules are the guide's recommendations: balanced, high availability,
// thrifty.
var schedules = []engine.Policy{
	{Interval: 15 * time.Minute, Window: 5 * time.Minute},
	{Interval: 10 * time.Minute, Window: 5 * time.Minute},
	{Interval: 30 * time.Minute, Window: 10 * time.Minute},
}

// simulated is one line of the table.
type simulated struct {
	Start       string  `json:"start"`    // together or spread
	Schedule    string  `json:"schedule"` // poll or queue
	Interval    float64 `json:"interval_s"`
	Window      float64 `json:"window_s"`
	Expired     float64 `json:"expired"`          // share of the tokens
	Missed      float64 `json:"expired_while_up"` // tokens
	Without     float64 `json:"without_token_minutes"`
	Waited      float64 `json:"waited"` // share of the asks
	Refreshes   float64 `json:"refreshes_per_account_day"`
	Scanning    float64 `json:"scan_commands_day"`
	Refreshing  float64 `json:"refresh_commands_day"`
	TakeOvers   float64 `json:"takeover_commands_day"` // of the line before
	Peak        float64 `json:"peak_per_minute"`
	Sample      int     `json:"sample"`
	PeakOfPoll  float64 `json:"peak_of_poll,omitempty"` // share; of the queue alone, where the poll keeps up
	Behind      bool    `json:"cannot_keep_up,omitempty"`
	missedShare float64
}

func (c *simCmd) Run(s *session) error {
	params, policies, err := c.params()
	if err != nil {
		return fault{exitUsage, err}
	}
	lines := c.play(params, policies)
	if c.JSON {
		return printJSON(s.stdout, map[string]any{
			"accounts": c.Accounts, "lifetimes": c.Lifetime, "days": c.Days, "keepers": c.Keepers, "asks_a_day": c.Asks, "seed": c.Seed,
			"restarts_a_day": c.Restarts, "outage_s": c.Outage.Seconds(), "store_outage_s": c.StoreOutage.Seconds(), "sleep_s": c.Sleep.Seconds(),
			"runs": lines,
		})
	}
	return c.print(s.stdout, lines)
}

// params checks the flags.
func (c *simCmd) params() (p simulate.Params, policies []engine.Policy, err error) {
	for _, check := range []struct {
		ok   bool
		text string
	}{
		{c.Accounts >= 1 && c.Accounts <= 10_000_000, "--accounts must be from 1 to 10000000"},
		{c.Days > 0 && c.Days <= 366, "--days must be more than 0 and at most 366"},
		{c.Keepers >= 1 && c.Keepers <= 1000, "--keepers must be from 1 to 1000"},
		{c.Restarts >= 0 && c.Restarts <= 1000, "--restarts must be from 0 to 1000 a day"},
		{c.Outage >= 0 && c.StoreOutage >= 0, "--outage and --store-outage must not be negative"},
		{c.Sleep >= 0 && c.Sleep < 24*time.Hour, "--sleep must be less than 24h"},
		{c.Asks >= 0 && c.Asks <= 100_000, "--asks must be from 0 to 100000 a day"},
	} {
		if !check.ok {
			return p, nil, fmt.Errorf("%s", check.text)
		}
	}
	policies = schedules
	if c.Interval != nil || c.Window != nil {
		own := schedules[0]
		for flag, value := range map[*time.Duration]*time.Duration{&own.Interval: c.Interval, &own.Window: c.Window} {
			if value == nil {
				continue
			}
			if *value < 3*time.Second || *value > 24*time.Hour {
				return p, nil, fmt.Errorf("--interval and --window must be from 3s to 24h, not %v", *value)
			}
			*flag = *value
		}
		policies = []engine.Policy{own}
	}
	p = simulate.Params{
		Accounts: c.Accounts, For: time.Duration(c.Days * 24 * float64(time.Hour)), Keepers: c.Keepers, AsksADay: c.Asks, Seed: c.Seed,
		RestartsADay: c.Restarts, Restart: restartTakes, Outage: c.Outage, StoreOutage: c.StoreOutage, Sleep: c.Sleep,
	}
	for _, text := range c.Lifetime {
		token := simulate.Token{Provider: engine.Claude}
		life := text
		if provider, after, ok := strings.Cut(text, "="); ok {
			token.Provider, life = provider, after
		}
		if token.Life, err = time.ParseDuration(life); err != nil || token.Life < time.Minute || token.Provider == "" {
			return p, nil, fmt.Errorf("--lifetime has %q: it must be a time from 1m on such as 8h, or a provider's such as gemini=1h", text)
		}
		p.Tokens = append(p.Tokens, token)
	}
	return p, policies, nil
}

// play runs every policy from both starts, by poll and by queue, as many at
// once as there are processors.
func (c *simCmd) play(p simulate.Params, policies []engine.Policy) []simulated {
	var runs []simulate.Params
	for _, p.Together = range []bool{true, false} {
		for _, policy := range policies {
			p.Interval, p.Window = policy.Interval, policy.Window
			for _, p.Poll = range []bool{true, false} {
				runs = append(runs, p)
			}
		}
	}
	lines := make([]simulated, len(runs))
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, p := range runs {
		slots <- struct{}{}
		wg.Go(func() {
			lines[i] = simulatedOf(p, simulate.Run(p))
			<-slots
		})
	}
	wg.Wait()
	for i := 0; i+1 < len(lines); i += 2 {
		poll, queue := &lines[i], &lines[i+1]
		if poll.Behind = poll.Refreshes < queue.Refreshes/2; !poll.Behind && poll.Peak > 0 {
			queue.PeakOfPoll = queue.Peak / poll.Peak
		}
	}
	return lines
}

// simulatedOf works out what a run's numbers are by the day, and what they cost on a
// relay's Redis.
func simulatedOf(p simulate.Params, r simulate.Result) simulated {
	days := p.For.Hours() / 24
	perProvider := map[string]int{}
	for i, token := range p.Tokens {
		perProvider[token.Provider] += (p.Accounts + len(p.Tokens) - 1 - i) / len(p.Tokens)
	}
	keepers := float64(p.Keepers)
	start, schedule := "spread", "queue"
	if p.Together {
		start = "together"
	}
	if p.Poll {
		schedule, keepers = "poll", 1
	}
	takeOvers := (r.TakenOver*view.TakeOverCommands(view.RedisStore) + r.Looks) / days
	return simulated{
		Start: start, Schedule: schedule, Interval: p.Interval.Seconds(), Window: p.Window.Seconds(), Sample: r.Sample,
		Expired: share(r.Expired, r.Ended), Missed: r.Missed, missedShare: share(r.Missed, r.Ended),
		Without: r.Without, Waited: share(r.Waited, r.Asks),
		Refreshes: r.Refreshes / float64(p.Accounts) / days, Peak: r.Peak,
		Scanning:   keepers * view.ScansCommands(view.RedisStore, perProvider, r.Scans/keepers/p.For.Hours()),
		Refreshing: (r.Refreshes*view.RefreshCommands(view.RedisStore)+r.Failed*view.RefusedCommands(view.RedisStore))/days + takeOvers,
		TakeOvers:  takeOvers,
	}
}

func share(part, whole float64) float64 {
	if whole == 0 {
		return 0
	}
	return part / whole
}

var startTexts = map[string]string{
	"together": "All tokens given at one moment, as after an import",
	"spread":   "Tokens anywhere in their lives",
}

func (c *simCmd) print(w io.Writer, lines []simulated) error {
	say := message.NewPrinter(language.English)
	say.Fprintf(w, "%d accounts (%s), days: %v, keepers: %d, asks a day and account: %v, seed: %d\n",
		c.Accounts, strings.Join(c.Lifetime, ", "), c.Days, c.Keepers, c.Asks, c.Seed)
	if trouble := c.trouble(); trouble != "" {
		fmt.Fprintln(w, trouble)
	}
	for i, start := 0, ""; i < len(lines); {
		start = lines[i].Start
		fmt.Fprintf(w, "\n%s:\n", startTexts[start])
		t := table{right: map[int]bool{1: true, 2: true, 3: true, 4: true, 5: true, 6: true, 7: true, 8: true}}
		t.add("", "EXPIRED", "WHILE UP", "MINUTES WITHOUT", "CALLERS WAITED", "REFRESHES", "REDIS: SCANS", "REDIS: REFRESHES", "PEAK A MINUTE", "")
		for ; i < len(lines) && lines[i].Start == start; i++ {
			l := lines[i]
			note := ""
			if l.PeakOfPoll > 0 {
				note = say.Sprintf("%.2f of the poll's", l.PeakOfPoll)
			} else if l.Behind {
				note = "cannot keep up"
			}
			t.add(say.Sprintf("%s %v/%v", l.Schedule, l.Interval/60, l.Window/60), say.Sprintf("%.2f %%", 100*l.Expired),
				say.Sprintf("%.2f %%", 100*l.missedShare), say.Sprintf("%.0f", l.Without), say.Sprintf("%.3f %%", 100*l.Waited),
				say.Sprintf("%.2f", l.Refreshes), say.Sprintf("%.0f", l.Scanning), say.Sprintf("%.0f", l.Refreshing), say.Sprintf("%.0f", l.Peak), note)
		}
		t.write(w)
	}
	if sample := lines[len(lines)-1].Sample; sample < c.Accounts {
		say.Fprintf(w, "\nPlayed on a sample of %d accounts and scaled up: right on average, and peaks too high rather than too low.\n", sample)
	}
	_, err := fmt.Fprint(w, simulateLegend)
	return err
}

func (c *simCmd) trouble() string {
	var all []string
	add := func(is bool, format string, args ...any) {
		if is {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	add(c.Restarts > 0, "%v restarts a day", c.Restarts)
	add(c.Outage > 0, "providers out for %s once in 30 days", english.Span(c.Outage))
	add(c.StoreOutage > 0, "store away for %s once in 30 days", english.Span(c.StoreOutage))
	add(c.Sleep > 0, "asleep for %s every night", english.Span(c.Sleep))
	return strings.Join(all, ", ")
}

const simulateLegend = `
"poll 15/5" is the guide's poll: every 15 minutes it refreshes what expires within 5; "queue 15/5" is the deadline queue
with the same numbers. EXPIRED: tokens that counted as expired (60 s before their end, gemini 10 s) when they were
refreshed. WHILE UP: those of them with store and providers up and the machine awake from the window's beginning on.
MINUTES WITHOUT a valid token: of all accounts together. REFRESHES: by account and day. REDIS: commands a day.
PEAK A MINUTE: tries in the busiest minute; either sends four at once.
`
