package notify

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
)

func alert(kind engine.EventKind, provider string, err error) engine.Event {
	return engine.Event{Kind: kind, Time: time.Date(2026, 11, 23, 10, 0, 0, 5e6, time.UTC), Err: err,
		Account: engine.View{Account: engine.Account{Key: engine.Key{Provider: provider, ID: "id-1"}, Name: "团队"}}}
}

func TestBody(t *testing.T) {
	bodies := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- r.Method + r.Header.Get("Content-Type") + string(body)
	}))
	defer server.Close()
	hook := Webhook{URL: engine.NewSecret(server.URL), Failed: func(err error) { t.Error(err) }}
	hook.Run(slices.Values([]engine.Event{
		{Kind: engine.EventRefreshed}, {Kind: engine.EventRecovered}, {Kind: engine.EventPass}, // told to nobody
		alert(engine.EventNeedsLogin, engine.Claude, errors.New("Invalid refresh token")),
	}))
	close(bodies)
	var got []string
	for b := range bodies {
		got = append(got, b)
	}
	want := `POSTapplication/json{"data":{"accountId":"id-1","accountName":"团队","errorCode":"CLAUDE_OAUTH_ERROR","platform":"claude-oauth",` +
		`"reason":"Invalid refresh token","status":"error","timestamp":"2026-11-23T10:00:00.005Z"},"service":"tokentray",` +
		`"timestamp":"2026-11-23T10:00:00.005Z","type":"accountAnomaly"}`
	if len(got) != 1 || got[0] != want {
		t.Errorf("posted %v\nwant %s", got, want)
	}

	for provider, want := range map[string][2]string{
		engine.Gemini: {"gemini", "GEMINI_ERROR"}, engine.OpenAI: {"openai", "OPENAI_TOKEN_REFRESH_FAILED"},
		engine.Droid: {"droid", "DROID_TOKEN_REFRESH_FAILED"},
	} {
		var body struct{ Data map[string]string }
		if err := json.Unmarshal(message(alert(engine.EventExpired, provider, nil)), &body); err != nil {
			t.Fatal(err)
		}
		if body.Data["platform"] != want[0] || body.Data["errorCode"] != want[1] || body.Data["status"] != "expired" {
			t.Errorf("%s: %v", provider, body.Data)
		}
	}
}

// Every alert has a body; those of no account are the system's.
func TestBodies(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		ev   engine.Event
		want string // type, status, code, reason
	}{
		{ends(alert(engine.EventLoginEnds, engine.Claude, nil), 24*time.Hour), "accountAnomaly login_ends LOGIN_ENDS The login ends at 2026-11-24T10:00:00Z"},
		{ends(alert(engine.EventUnused, engine.Gemini, nil), time.Hour), "accountAnomaly unused LOGIN_UNUSED The login ends at 2026-11-23T11:00:00Z"},
		{alert(engine.EventRecovered, engine.Claude, nil), "accountAnomaly recovered RECOVERED "},
		{engine.Event{Kind: engine.EventStoreDown, Time: at, Err: errors.New("away")}, "systemError error STORE_AWAY away"},
		{engine.Event{Kind: engine.EventNetworkUp, Time: at}, "systemError recovered NETWORK_AWAY "},
		{engine.Event{Kind: engine.EventClock, Time: at}, "systemError recovered CLOCK_WRONG "},
	} {
		var got struct {
			Type string
			Data map[string]string
		}
		if err := json.Unmarshal(message(test.ev), &got); err != nil {
			t.Fatal(err)
		}
		if said := strings.Join([]string{got.Type, got.Data["status"], got.Data["errorCode"], got.Data["reason"]}, " "); said != test.want {
			t.Errorf("%s: %s, want %s", test.ev.Kind, said, test.want)
		}
	}
}

// Three tries; then it is given up, without showing the URL, and the others go on.
func TestTries(t *testing.T) {
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n++; n < 3 {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer server.Close()
	var failures []error
	hook := Webhook{URL: engine.NewSecret(server.URL + "/hook-secret"), Failed: func(err error) { failures = append(failures, err) }}
	hook.Run(slices.Values([]engine.Event{alert(engine.EventNeedsLogin, engine.Claude, nil)}))
	if n != 3 || len(failures) != 0 {
		t.Errorf("%d tries, %v", n, failures)
	}
	server.Close()
	hook.Run(slices.Values([]engine.Event{alert(engine.EventNeedsLogin, engine.Claude, nil)}))
	if len(failures) != 1 || strings.Contains(failures[0].Error(), "hook-secret") || !strings.Contains(failures[0].Error(), "团队") {
		t.Errorf("given up with %v", failures)
	}
}

// A redirect is not followed: the URL was chosen, its target was not.
func TestNoRedirects(t *testing.T) {
	followed := false
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed = true }))
	defer target.Close()
	server := httptest.NewServer(http.RedirectHandler(target.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	if err := post(t.Context(), engine.NewSecret(server.URL), nil); err == nil || followed {
		t.Errorf("%v, followed: %v", err, followed)
	}
}
