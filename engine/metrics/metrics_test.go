package metrics_test

import (
	"context"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"tokentray/engine"
	"tokentray/engine/metrics"
	"tokentray/engine/provider"
	"tokentray/engine/provider/strict"
	"tokentray/engine/store/memory"
)

// bench is an engine on a store in memory and a strict provider, and its
// metrics.
type bench struct {
	*engine.Engine
	t        *testing.T
	metrics  *metrics.Metrics
	store    *memory.Store
	provider *strict.Server
	counted  chan struct{} // closed when all events are
	secrets  []string
}

func newBench(t *testing.T, ids bool) *bench {
	t.Helper()
	server, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	b := &bench{t: t, store: memory.New(), provider: server, counted: make(chan struct{})}
	b.Engine = engine.New(engine.Params{
		Places: map[string]engine.Place{"shelf": {Store: b.store, Locker: b.store}}, Journal: new(memory.Journal),
		Providers: provider.New(provider.Config{URLs: server.URLs()}),
		Policy:    engine.Policy{Interval: time.Hour, Window: 5 * time.Minute},
	})
	b.metrics = metrics.New(metrics.Params{Engine: b.Engine, IDs: ids, Commands: map[string]func() uint64{"shelf": func() uint64 { return 7 }}})
	events := b.Watch(context.Background())
	go func() {
		defer close(b.counted)
		b.metrics.Run(events)
	}()
	t.Cleanup(b.end)
	return b
}

// end closes the engine: then every event is counted.
func (b *bench) end() {
	b.Close()
	<-b.counted
}

func (b *bench) add(provider, name string, left time.Duration) (engine.Key, *strict.Login) {
	b.t.Helper()
	login := b.provider.SignIn(provider, "")
	b.secrets = append(b.secrets, login.Refresh, login.Access)
	a, err := b.store.Add(b.t.Context(), engine.NewAccount{Provider: provider, Name: name, ExpiresAt: time.Now().Add(left),
		RefreshToken: engine.NewSecret(login.Refresh), AccessToken: engine.NewSecret(login.Access)})
	if err != nil {
		b.t.Fatal(err)
	}
	return engine.Key{Store: "shelf", Provider: a.Provider, ID: a.ID}, login
}

func (b *bench) pass() {
	b.t.Helper()
	if _, err := b.Pass(b.t.Context(), engine.PassParams{Once: true}); err != nil {
		b.t.Fatal(err)
	}
}

// scrape asks as Prometheus does, and checks what holds for every answer.
func (b *bench) scrape() samples {
	b.t.Helper()
	answer := httptest.NewRecorder()
	b.metrics.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text, _ := io.ReadAll(answer.Body)
	if answer.Code != http.StatusOK {
		b.t.Fatalf("%d: %s", answer.Code, text)
	}
	for _, secret := range b.secrets {
		if strings.Contains(string(text), secret) {
			b.t.Errorf("a secret is shown:\n%s", text)
		}
	}
	problems, err := promlint.New(strings.NewReader(string(text))).Lint()
	if err != nil || len(problems) > 0 {
		b.t.Errorf("lint: %v %v", problems, err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(text)))
	if err != nil {
		b.t.Fatal(err)
	}
	return samples{b.t, families}
}

type samples struct {
	t        *testing.T
	families map[string]*dto.MetricFamily
}

// of returns a sample, and whether there is one; labels are pairs, and all of
// the sample's.
func (s samples) of(name string, labels ...string) (float64, bool) {
	want := map[string]string{}
	for i := 0; i < len(labels); i += 2 {
		want[labels[i]] = labels[i+1]
	}
	for _, m := range s.families["tokentray_"+name].GetMetric() {
		same := len(m.GetLabel()) == len(want)
		for _, l := range m.GetLabel() {
			same = same && want[l.GetName()] == l.GetValue()
		}
		if !same {
			continue
		}
		switch {
		case m.Gauge != nil:
			return m.Gauge.GetValue(), true
		case m.Counter != nil:
			return m.Counter.GetValue(), true
		}
		return float64(m.Histogram.GetSampleCount()), true
	}
	return 0, false
}

func (s samples) want(value float64, name string, labels ...string) {
	s.t.Helper()
	borne := 0.
	if strings.HasSuffix(name, "_timestamp_seconds") {
		borne = 2
	}
	if got, is := s.of(name, labels...); !is || math.Abs(got-value) > borne {
		s.t.Errorf("%s %v is %v (there: %v), want %v", name, labels, got, is, value)
	}
}

// count is how many series a metric has.
func (s samples) count(n int, name string) {
	s.t.Helper()
	if got := len(s.families["tokentray_"+name].GetMetric()); got != n {
		s.t.Errorf("%s has %d series, want %d: %v", name, got, n, s.families["tokentray_"+name])
	}
}

func in(d time.Duration) float64 { return float64(time.Now().Add(d).Unix()) }

func TestByProvider(t *testing.T) {
	b := newBench(t, false)
	b.scrape().want(0, "store_up", "store", "shelf") // not read so far
	b.add(engine.Claude, "due", time.Minute)
	b.add(engine.Claude, "later", 40*time.Minute)
	off, _ := b.add(engine.Claude, "off", -time.Hour)
	b.store.Change(engine.Key{Provider: off.Provider, ID: off.ID}, func(a *engine.Account, _, _ *engine.Secret) { a.Active = false })
	_, dead := b.add(engine.OpenAI, "dead", -time.Minute)
	b.provider.Kill(dead)
	b.add(engine.Droid, "fails", -time.Minute)
	b.provider.Fail(engine.Droid, strict.Fault{Status: http.StatusServiceUnavailable})
	if err := b.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := b.scrape()
	s.want(0, "refresh_total", "provider", engine.OpenAI, "result", "failed") // so that the first one is an increase
	s.want(in(time.Minute), "token_expiry_timestamp_seconds", "provider", engine.Claude)
	s.count(0, "last_success_timestamp_seconds")

	b.pass()
	b.end()
	s = b.scrape()
	s.want(1, "store_up", "store", "shelf")
	s.want(7, "store_commands_total", "store", "shelf")
	s.want(0, "healed_total")
	s.count(3, "token_expiry_timestamp_seconds")
	s.want(in(40*time.Minute), "token_expiry_timestamp_seconds", "provider", engine.Claude) // the one that is off does not count
	s.want(in(-time.Minute), "token_expiry_timestamp_seconds", "provider", engine.OpenAI)
	s.count(1, "last_success_timestamp_seconds")
	s.want(in(0), "last_success_timestamp_seconds", "provider", engine.Claude)
	for provider, counts := range map[string]map[string]float64{
		engine.Claude: {"refreshed": 1, "failed": 0, "skipped": 0, "restored": 0, "refreshed_elsewhere": 0},
		engine.OpenAI: {"refreshed": 0, "failed": 1},
		engine.Droid:  {"refreshed": 0, "failed": 1},
	} {
		for result, n := range counts {
			s.want(n, "refresh_total", "provider", provider, "result", result)
		}
		s.want(1, "refresh_duration_seconds", "provider", provider)
	}
	for status, n := range map[string]float64{"valid": 2, "disabled": 1, "expiring": 0} {
		s.want(n, "accounts", "provider", engine.Claude, "status", status)
	}
	s.want(1, "accounts", "provider", engine.OpenAI, "status", "needs_login")
	s.want(1, "accounts", "provider", engine.Droid, "status", "failing")
}

func TestHealed(t *testing.T) {
	b := newBench(t, false)
	key, login := b.add(engine.Claude, "a", time.Minute)
	old := login.Refresh
	b.pass()
	b.store.Change(engine.Key{Provider: key.Provider, ID: key.ID}, func(_ *engine.Account, refresh, _ *engine.Secret) { *refresh = engine.NewSecret(old) })
	if err := b.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.end()
	s := b.scrape()
	s.want(1, "healed_total")
	s.want(1, "refresh_total", "provider", engine.Claude, "result", "restored")
	s.want(1, "refresh_duration_seconds", "provider", engine.Claude) // of the refresh alone
}

// Each account has series of its own only where that is asked for, and none
// once it is gone.
func TestIDs(t *testing.T) {
	b := newBench(t, true)
	a, _ := b.add(engine.Claude, "团队账户 🚀", 2*time.Hour)
	gone, _ := b.add(engine.Claude, "gone", time.Hour)
	if err := b.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	labels := func(key engine.Key, name string) []string {
		return []string{"provider", key.Provider, "store", "shelf", "id", key.ID, "name", name}
	}
	s := b.scrape()
	s.count(2, "token_expiry_timestamp_seconds")
	s.want(in(2*time.Hour), "token_expiry_timestamp_seconds", labels(a, "团队账户 🚀")...)
	s.want(in(time.Hour), "token_expiry_timestamp_seconds", labels(gone, "gone")...)
	s.want(2, "accounts", "provider", engine.Claude, "status", "valid") // still by provider alone
	if err := b.Remove(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	s = b.scrape()
	s.count(1, "token_expiry_timestamp_seconds")
	s.want(in(2*time.Hour), "token_expiry_timestamp_seconds", labels(a, "团队账户 🚀")...)
}

// A name is clean and one line; what cannot be told apart once it is clean is
// one series, and not the end of all metrics.
func TestHostileLabels(t *testing.T) {
	b := newBench(t, true)
	b.add(engine.Claude, "x\n# TYPE evil counter\nevil 1\x1b[31m\"\\ \xff", time.Hour)
	if err := b.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := b.scrape()
	if s.families["evil"] != nil {
		t.Error("a name makes a metric")
	}
	if _, is := s.of("token_expiry_timestamp_seconds", "provider", engine.Claude, "store", "shelf", "id", "claude-1",
		"name", `x# TYPE evil counterevil 1[31m"\ `+"\uFFFD"); !is {
		t.Errorf("the name is not as it should be: %v", s.families["tokentray_token_expiry_timestamp_seconds"])
	}

	b = newBench(t, false)
	b.add("evil\n\x00provider", "x", 2*time.Hour)
	b.add("evil\x01provider", "x", time.Hour)
	if err := b.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	s = b.scrape()
	s.want(2, "accounts", "provider", "evilprovider", "status", "valid")
	s.count(1, "token_expiry_timestamp_seconds")
	s.want(in(time.Hour), "token_expiry_timestamp_seconds", "provider", "evilprovider")
}

// The end of a login is told of observed logins too, and of none that is off.
func TestLoginDeadline(t *testing.T) {
	b := newBench(t, false)
	for _, days := range []int{20, 30} {
		key, _ := b.add(engine.Claude, "a", time.Hour)
		b.store.Change(engine.Key{Provider: key.Provider, ID: key.ID}, func(a *engine.Account, _, _ *engine.Secret) {
			a.Observed = true
			a.LoginExpiresAt = time.Now().Add(time.Duration(days) * 24 * time.Hour)
			a.Active = days != 20
		})
	}
	if err := b.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := b.scrape()
	s.count(0, "token_expiry_timestamp_seconds")
	s.count(1, "login_deadline_timestamp_seconds")
	s.want(in(30*24*time.Hour), "login_deadline_timestamp_seconds", "provider", engine.Claude)
}

// docs/METRICS.md has every metric, and none that is not there.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/METRICS.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, name := range regexp.MustCompile(`\btokentray_[a-z_]+`).FindAllString(string(text), -1) {
		documented[name] = true
	}
	b := newBench(t, false)
	key, _ := b.add(engine.Claude, "a", time.Minute)
	b.store.Change(engine.Key{Provider: key.Provider, ID: key.ID}, func(a *engine.Account, _, _ *engine.Secret) {
		a.LoginExpiresAt = time.Now().Add(time.Hour)
	})
	b.pass()
	b.end()
	told := map[string]bool{}
	for name := range b.scrape().families {
		told[name] = true
	}
	if !maps.Equal(told, documented) {
		t.Errorf("told: %v\ndocumented: %v", told, documented)
	}
}
