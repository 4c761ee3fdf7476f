package wiring

import (
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/provider/strict"
	"tokentray/engine/settings"
	"tokentray/engine/store/relay/redistest"
)

// hooks keeps what is posted, by path.
type hooks struct {
	*httptest.Server
	mu   sync.Mutex
	came []string
}

func newHooks(t *testing.T) *hooks {
	h := &hooks{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.came = append(h.came, r.URL.Path+" "+string(body))
	}))
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		h.Close()
	})
	return h
}

// told is how often each path was told of something that contains part.
func (h *hooks) told(part string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	counts := map[string]int{}
	for _, post := range h.came {
		if path, body, _ := strings.Cut(post, " "); strings.Contains(body, part) {
			counts[path]++
		}
	}
	return strings.Trim(fmt.Sprint(counts), "map[]")
}

// everywhere tells webhook, a chat service and the relay's own channel.
func (h *hooks) everywhere(s settings.Settings) settings.Settings {
	s.WebhookURL = engine.NewSecret(h.URL + "/webhook")
	s.NotifyURLs = []engine.Secret{engine.NewSecret("generic+" + h.URL + "/chat")}
	s.RelayWebhooks = true
	return s
}

// A dead login is told by every channel, in the chosen language, by one of the
// processes that find it dead.
func TestAlertsGoOutOnce(t *testing.T) {
	server, h := redistest.Start(t), newHooks(t)
	server.Client.Set(t.Context(), "webhook_config:default", `{"enabled":true,"platforms":[{"type":"slack","url":"`+h.URL+`/relay","enabled":true}]}`, 0)
	tokens, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	defer tokens.Close()
	k := keeper{Redis: server.Addr, Home: t.TempDir(), TokenURL: tokens.URL(engine.Claude)}
	var apps []*App
	for range 2 {
		app, err := Open(h.everywhere(k.settings()), discard)
		if err != nil {
			t.Fatal(err)
		}
		app.Speak(func(key string, args ...any) string { return "说 " + fmt.Sprintf(key, args...) })
		apps = append(apps, app)
	}
	login := tokens.SignIn(engine.Claude, "")
	addLogin(t, apps[0], login, -time.Minute)
	tokens.Kill(login)
	for _, app := range apps {
		if _, err := app.Pass(t.Context(), engine.PassParams{Once: true}); err != nil {
			t.Fatal(err)
		}
	}
	for _, app := range apps {
		app.Close()
	}
	if got := h.told(""); got != "/chat:1 /relay:1 /webhook:1" {
		t.Errorf("told %s: %q", got, h.came)
	}
	if got := h.told("说 "); got != "/chat:1 /relay:1" {
		t.Errorf("in the chosen language: %s", got)
	}
}

// Each alert is told once among two processes, and again when there is news. A
// login's end is shown on the desktop once, whether it was told elsewhere or not.
func TestOnceAmongProcesses(t *testing.T) {
	k := keeper{Home: t.TempDir()}
	a, b := k.open(t), k.open(t)
	defer a.Close()
	defer b.Close()
	now := time.Now()
	event := func(kind engine.EventKind, change func(*engine.Event)) engine.Event {
		ev := engine.Event{Kind: kind, Time: now}
		ev.Account.Key = engine.Key{Store: Embedded, Provider: engine.Gemini, ID: "x"}
		ev.Account.LoginExpiresAt, ev.Account.ExpiresAt, ev.Account.At = now.AddDate(0, 0, 10), now, now
		if change != nil {
			change(&ev)
		}
		return ev
	}
	expired, recovered := event(engine.EventExpired, nil), event(engine.EventRecovered, nil)
	dead := event(engine.EventNeedsLogin, nil)
	ends, unused := event(engine.EventLoginEnds, nil), event(engine.EventUnused, nil)
	soon := event(engine.EventLoginEnds, func(ev *engine.Event) { ev.Account.LoginExpiresAt = now.AddDate(0, 0, 2) })
	away, back := engine.Event{Kind: engine.EventStoreDown, Store: Relay, Time: now}, engine.Event{Kind: engine.EventStoreUp, Store: Relay, Time: now}
	for i, step := range []struct {
		ev    engine.Event
		first bool
	}{
		{expired, true}, {ends, true}, {expired, false}, {ends, false}, {soon, true}, {unused, true}, {unused, false},
		{recovered, true}, {recovered, false}, {dead, true}, {dead, false}, {recovered, true},
		{event(engine.EventNeedsLogin, func(ev *engine.Event) { ev.Account.At = now.Add(time.Hour) }), true},
		{away, true}, {away, false}, {back, true}, {back, false},
	} {
		app := []*App{a, b}[i%2]
		if got := count(app.once(slices.Values([]engine.Event{step.ev}))); (got == 1) != step.first {
			t.Errorf("%d, %s: told %d times", i, step.ev.Kind, got)
		}
	}
	offline, wrong := engine.Event{Kind: engine.EventNetworkDown, Time: now}, engine.Event{Kind: engine.EventClock, Ahead: time.Hour, Time: now}
	for i, want := range []int{7, 1} { // the second run shows what was not there before
		if got := count([]*App{a, b}[i].OnceOnDesktop(slices.Values([]engine.Event{expired, ends, unused, dead, away, offline, wrong}))); got != want {
			t.Errorf("run %d of the app shows %d alerts, want %d", i, got, want)
		}
	}
	away.Time = now.Add(time.Hour)
	again := event(engine.EventExpired, func(ev *engine.Event) { ev.Account.ExpiresAt = now.Add(8 * time.Hour) })
	if got := count(a.OnceOnDesktop(slices.Values([]engine.Event{away, again}))); got != 2 {
		t.Errorf("of the next troubles %d are shown", got)
	}
}

func count(events iter.Seq[engine.Event]) (n int) {
	for range events {
		n++
	}
	return n
}

// The relay's channels that cannot be read hide no other, and no secret shows.
func TestChannelsThere(t *testing.T) {
	server, h := redistest.Start(t), newHooks(t)
	server.Client.Set(t.Context(), "webhook_config:default", "s3cret", 0)
	app, err := Open(h.everywhere(keeper{Redis: server.Addr, Home: t.TempDir()}.settings()), discard)
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	channels, err := app.Channels(t.Context())
	if err == nil || err.Error() != "the alert channels of the relay cannot be read" || len(channels) != 2 {
		t.Errorf("%d channels, %v", len(channels), err)
	}
	for _, c := range channels {
		if err := app.SendTest(t.Context(), c); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
	if got := h.told("A test by Tokentray"); got != "/chat:1 /webhook:1" {
		t.Error(got)
	}
}
