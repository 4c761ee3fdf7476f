package simulate

import (
	"fmt"
	"math"
	"testing"
	"time"

	"tokentray/engine"
)

const minute = time.Minute

var eight = []Token{{engine.Claude, 8 * time.Hour}}

// The goal: nothing expires while store and provider are up, and the busiest
// minute is at most a fifth of the poll's, by each of the guide's schedules, for
// a herd and for tokens anywhere in their lives.
func TestGoal(t *testing.T) {
	for _, p := range []Params{
		{Interval: 15 * minute, Window: 5 * minute},
		{Interval: 10 * minute, Window: 5 * minute},
		{Interval: 30 * minute, Window: 10 * minute},
	} {
		for _, p.Accounts = range []int{200, 1000} {
			for _, p.Together = range []bool{true, false} {
				p.Seed++
				p.For, p.AsksADay = day, 24
				queue := Run(p)
				p.Poll = true
				poll := Run(p)
				p.Poll = false
				name := fmt.Sprintf("%v/%v, %d accounts, together %v, seed %d", p.Interval, p.Window, p.Accounts, p.Together, p.Seed)
				if queue.Expired > 0 || queue.Waited > 0 || queue.Without > 0 {
					t.Errorf("%s: %v tokens expired, %v callers waited", name, queue.Expired, queue.Waited)
				}
				if queue.Peak > poll.Peak/5 {
					t.Errorf("%s: %v refreshes in the busiest minute, the poll has %v", name, queue.Peak, poll.Peak)
				}
				if poll.Expired < poll.Ended/2 || poll.Waited == 0 {
					t.Errorf("%s: of the poll's %v tokens %v expired: this shows nothing", name, poll.Ended, poll.Expired)
				}
			}
		}
	}
}

// No minute is full by chance, and what is spread costs little: beside a queue
// that refreshes at the window's beginning, and of which every minute is alike full.
func TestEvenAndCheap(t *testing.T) {
	p := Params{Accounts: 1000, For: 2 * day, Interval: 15 * minute, Window: 5 * minute, Seed: 1}
	r := Run(p)
	least := 0.0
	for _, kind := range Usual {
		least += float64(p.Accounts) / 3 * float64(p.For) / float64(kind.Life-p.Window)
	}
	if r.Refreshes > least*1.15 {
		t.Errorf("%v refreshes, %.0f are needed", r.Refreshes, least)
	}
	if mean := r.Refreshes / p.For.Minutes(); r.Peak > 2*mean {
		t.Errorf("the busiest minute has %v refreshes, the mean is %.1f", r.Peak, mean)
	}
}

// With restarts, outages and sleep all that expires does so because of them.
func TestGoalInTrouble(t *testing.T) {
	for _, keepers := range []int{1, 3} {
		p := Params{Accounts: 100, For: month, AsksADay: 24, Interval: 15 * minute, Window: 5 * minute, Together: true, Keepers: keepers, Seed: 1,
			RestartsADay: 3, Restart: 30 * time.Second, Outage: 3 * time.Hour, StoreOutage: time.Hour, Sleep: 8 * time.Hour}
		r := Run(p)
		if r.Missed > 0 {
			t.Errorf("%d keepers: %v of %v tokens expired with all up", keepers, r.Missed, r.Ended)
		}
		if r.Expired == 0 || r.Failed == 0 || r.Waited == 0 {
			t.Errorf("%d keepers: no trouble was played: %+v", keepers, r)
		}
	}
}

// One 8 h token, reckoned by hand: the queue renews it 5 to 6 min, and for the
// herd of one a second, before its expiry; so every 7 h 54 min to 7 h 55 min.
func TestOneAccount(t *testing.T) {
	p := Params{Accounts: 1, Tokens: eight, Together: true, For: month, Interval: 15 * minute, Window: 5 * minute}
	r := Run(p)
	low, high := math.Floor(float64(month)/float64(7*time.Hour+55*minute)), math.Ceil(float64(month)/float64(7*time.Hour+54*minute-time.Second))
	if r.Refreshes < low || r.Refreshes > high || r.Expired != 0 || r.Peak != 1 || r.Scans != 1+30*96 {
		t.Errorf("%+v; %v to %v refreshes", r, low, high)
	}
}

// The poll meets the first token at its scan: within the window before it counts
// as expired only where the scans' phase is right, in 4 of 15 minutes. It then
// renews it there, and meets each next one again at the same minute of its last
// seconds: expired, by the 60 s that a token must have left.
func TestOneAccountPolled(t *testing.T) {
	p := Params{Accounts: 1, Tokens: eight, Together: true, Poll: true, For: month, Interval: 15 * minute, Window: 5 * minute}
	caught := 0
	const seeds = 150
	for p.Seed = range seeds {
		r := Run(p)
		first := r.Ended - r.Expired // of the tokens none but the first can be renewed in time
		if first > 1 {
			t.Fatalf("seed %d: %v tokens of %v were renewed in time", p.Seed, first, r.Ended)
		}
		caught += int(first)
		// The first at a scan, each next 32 intervals later.
		if r.Refreshes < 88 || r.Refreshes > 90 {
			t.Errorf("seed %d: %v refreshes", p.Seed, r.Refreshes)
		}
	}
	if share := float64(caught) / seeds; math.Abs(share-4.0/15) > 0.1 {
		t.Errorf("%d of %d first tokens were renewed in time", caught, seeds)
	}
}

// Without callers or anybody else a token whose only scan comes after its end
// is missing from the skew before its expiry on.
func TestMinutesWithout(t *testing.T) {
	p := Params{Accounts: 1, Tokens: []Token{{engine.Gemini, time.Hour}}, Together: true, Poll: true, For: 4 * time.Hour, Interval: 3 * time.Hour, Window: minute, Seed: 5}
	r := Run(p)
	if r.Refreshes > 2 || r.Expired == 0 {
		t.Fatalf("%+v", r)
	}
	// What is not lived through is missing: each token gives 1 h less the
	// skew, and the last one what is left of the time.
	valid := 0.0
	for range int(r.Refreshes) {
		valid += 60 - 10.0/60
	}
	if least := 4*60 - (valid + 60 - 10.0/60) - 0.1; r.Without < least {
		t.Errorf("%v minutes without, at least %v are so", r.Without, least)
	}
}

// A caller's ask renews what a scan has missed.
func TestCallers(t *testing.T) {
	p := Params{Accounts: 200, Tokens: eight, Poll: true, For: 10 * day, Interval: 24 * time.Hour, Window: 5 * minute, AsksADay: 96, Seed: 1}
	r := Run(p)
	// After an end the next caller comes on average a quarter of an hour later.
	if mean := r.Without / r.Expired; mean < 13 || mean > 17 {
		t.Errorf("%v minutes without for each expired token", mean)
	}
	if r.Waited < r.Expired*0.95 || r.Waited > r.Expired*1.05 {
		t.Errorf("%v callers waited for %v tokens", r.Waited, r.Expired)
	}
	if r.Asks != 200*10*96 {
		t.Errorf("%v asks", r.Asks)
	}
}

// The keepers do one refresh for all, and each scans.
func TestKeepers(t *testing.T) {
	p := Params{Accounts: 200, Tokens: eight, For: 5 * day, Interval: 15 * minute, Window: 5 * minute, Seed: 1}
	one := Run(p)
	p.Keepers = 10
	ten := Run(p)
	if math.Abs(ten.Refreshes/one.Refreshes-1) > 0.05 || math.Abs(ten.Scans/one.Scans-10) > 0.1 {
		t.Errorf("%v refreshes and %v scans, alone %v and %v", ten.Refreshes, ten.Scans, one.Refreshes, one.Scans)
	}
	if ten.TakenOver+ten.Looks == 0 || ten.TakenOver > ten.Refreshes*9 || one.TakenOver+one.Looks > 0 {
		t.Errorf("%v taken over, %v looks; alone %v, %v", ten.TakenOver, ten.Looks, one.TakenOver, one.Looks)
	}
}

// A sample gives what the whole would, on average.
func TestSample(t *testing.T) {
	p := Params{Accounts: 6000, For: day / 2, Interval: 15 * minute, Window: 5 * minute, Keepers: 3, AsksADay: 24, Seed: 1}
	whole := Run(p)
	p.Most = 3000
	part := Run(p)
	if whole.Sample != 6000 || part.Sample != 1000 {
		t.Fatalf("samples of %d and %d", whole.Sample, part.Sample)
	}
	for name, n := range map[string][2]float64{
		"refreshes": {whole.Refreshes, part.Refreshes}, "taken over": {whole.TakenOver + whole.Looks, part.TakenOver + part.Looks}, "scans": {whole.Scans, part.Scans},
	} {
		if math.Abs(n[1]/n[0]-1) > 0.1 {
			t.Errorf("%s: %v, by the sample %v", name, n[0], n[1])
		}
	}
	if part.Peak < whole.Peak*0.9 {
		t.Errorf("the sample's peak %v is below the whole's, %v", part.Peak, whole.Peak)
	}
}

// What is bounded in the engine is bounded here.
func TestBounds(t *testing.T) {
	r := Run(Params{Accounts: 3000, Tokens: eight, Together: true, Poll: true, For: day, Interval: 15 * minute, Window: 5 * minute, Exchange: time.Second, Seed: 1})
	if r.Peak < 60*engine.Concurrency-1 || r.Peak > 60*engine.Concurrency+1 {
		t.Errorf("%v in a minute through %d slots, each taking a second", r.Peak, engine.Concurrency)
	}
	r = Run(Params{Accounts: 3000, Tokens: eight, Together: true, Poll: true, For: day, Interval: 15 * minute, Window: 5 * minute, Exchange: time.Millisecond, Seed: 1})
	if most := float64(60*engine.RatePerSecond + engine.Burst); r.Peak < most-30 || r.Peak > most+1 {
		t.Errorf("%v in a minute, the rate allows %v", r.Peak, most)
	}
}

func TestDeterministic(t *testing.T) {
	p := Params{Accounts: 50, For: 10 * day, AsksADay: 24, Interval: 15 * minute, Window: 5 * minute, Keepers: 3, RestartsADay: 3, Restart: minute,
		Outage: time.Hour, StoreOutage: time.Hour, Sleep: 8 * time.Hour, Seed: 7}
	if a, b := fmt.Sprint(Run(p)), fmt.Sprint(Run(p)); a != b {
		t.Errorf("%s\n%s", a, b)
	}
	a := Run(p)
	p.Seed = 8
	if b := Run(p); fmt.Sprint(a) == fmt.Sprint(b) {
		t.Error("another seed gives the same")
	}
}

func TestSpans(t *testing.T) {
	s := merged([]span{{30, 40}, {10, 20}}, []span{{15, 25}, {50, 50}})
	if fmt.Sprint(s) != "[{10 25} {30 40}]" {
		t.Fatal(s)
	}
	for at, want := range map[time.Duration]time.Duration{0: 0, 10: 25, 24: 25, 25: 25, 35: 40, 40: 40, 99: 99} {
		if got := s.outOf(at); got != want {
			t.Errorf("out of %d: %d, want %d", at, got, want)
		}
	}
	if got := s.within(20, 35); got != 10 {
		t.Errorf("%d within", got)
	}
}
