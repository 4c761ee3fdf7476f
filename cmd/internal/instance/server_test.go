package instance

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
)

func TestToken(t *testing.T) {
	p := serve(t, time.Hour, "work", "home", "home2")
	a, access, err := p.client.Token(t.Context(), "work") // it was never scanned
	if err != nil || a.Name != "work" || access.Reveal() != plantedAccess {
		t.Errorf("%s: %v, %v", a.Name, access, err)
	}
	if _, _, err := p.client.Token(t.Context(), "nobody"); err == nil || !strings.HasPrefix(err.Error(), `no account has the name or id "nobody": there are claude:`) {
		t.Errorf("%v", err)
	}
	if _, err := errors.AsType[*NameError](err); err {
		t.Error("a token is no wrong name")
	}
	p.store.Change(a.Key, func(a *engine.Account, _, _ *engine.Secret) { a.Name = "home" })
	p.Scan(t.Context())
	if _, _, err := p.client.Token(t.Context(), "home"); err == nil || !strings.Contains(err.Error(), `"home" names 2 accounts`) {
		t.Errorf("%v", err)
	}
	p.store.Change(a.Key, func(a *engine.Account, _, _ *engine.Secret) { a.Active = false })
	p.Scan(t.Context())
	if got, access, err := p.client.Token(t.Context(), a.Key.String()); engine.KindOf(err) != engine.KindInactive || got.Key != a.Key || !access.Empty() {
		t.Errorf("%v, %v, %v", got, access, err)
	}
}

// A caller that goes away does not take the refresh along.
func TestAWaitEndsAndTheRefreshGoesOn(t *testing.T) {
	p := serve(t, -time.Minute, "work")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-p.provider.asked
		cancel()
	}()
	if _, _, err := p.client.Token(ctx, "work"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	p.provider.answer <- struct{}{}
	_, access, err := p.client.Token(t.Context(), "work")
	if err != nil || access.Reveal() != plantedAccess+"-new" {
		t.Errorf("%v, %v", access, err)
	}
}

func TestSnapshot(t *testing.T) {
	p := serve(t, time.Hour, "work")
	s, err := p.client.Snapshot(t.Context())
	if err != nil || s.Problems != nil || len(s.Views) != 1 || s.Views[0].Name != "work" || s.Views[0].Status != engine.StatusValid ||
		s.Store != "a test's store" || s.Policy.Window != time.Minute {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestRefreshTellsItsEvents(t *testing.T) {
	p := serve(t, -time.Minute, "work", "home")
	for range 3 {
		p.provider.answer <- struct{}{}
	}
	var told []engine.EventKind
	var names []string
	summary, err := p.client.Refresh(t.Context(), []string{"work"}, false, func(ev engine.Event) {
		told = append(told, ev.Kind)
		names = append(names, ev.Account.Name)
	})
	if err != nil || summary.Refreshed != 1 || summary.Checked != 1 || summary.ByProvider[engine.Claude].Refreshed != 1 {
		t.Errorf("%+v, %v", summary, err)
	}
	for _, kind := range []engine.EventKind{engine.EventScanned, engine.EventRefreshing, engine.EventRefreshed} {
		if !slices.Contains(told, kind) {
			t.Errorf("%s is not told: %v", kind, told)
		}
	}
	if told[len(told)-1] != engine.EventPass || slices.Contains(names, "home") {
		t.Errorf("%v of %v", told, names)
	}
	if summary, err := p.client.Refresh(t.Context(), nil, true, nil); err != nil || summary.Refreshed != 2 {
		t.Errorf("%+v, %v", summary, err)
	}
	if _, err := p.client.Refresh(t.Context(), []string{"nobody"}, false, nil); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("%v", err)
	}
}

// What an engine that closes cannot do any more is done directly.
func TestAnEngineThatCloses(t *testing.T) {
	p := serve(t, -time.Minute, "work")
	p.Scan(t.Context())
	p.Engine.Close()
	if _, _, err := p.client.Token(t.Context(), "work"); !errors.Is(err, ErrAway) {
		t.Errorf("%v", err)
	}
	if _, err := p.client.Refresh(t.Context(), nil, true, nil); !errors.Is(err, ErrAway) {
		t.Errorf("%v", err)
	}
}

func TestWatch(t *testing.T) {
	p := serve(t, time.Hour, "work")
	p.Scan(t.Context())
	events := func() (<-chan engine.EventKind, func()) {
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		seq, err := p.client.Watch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		kinds := make(chan engine.EventKind, 100)
		go func() {
			defer close(kinds)
			for ev := range seq {
				kinds <- ev.Kind
			}
		}()
		if kind := <-kinds; kind != engine.EventSnapshot {
			t.Errorf("the first is %s", kind)
		}
		return kinds, cancel
	}
	first, _ := events()
	second, leave := events()
	p.SetPolicy(engine.Policy{Proactive: true, Interval: time.Hour, Window: time.Minute})
	for _, kinds := range []<-chan engine.EventKind{first, second} {
		if kind := <-kinds; kind != engine.EventPolicy {
			t.Errorf("%s", kind)
		}
	}
	leave()
	for range second {
	}
	p.instance.Serve(Served{Engine: p.Engine, Identity: "ours"}) // another in its place
	for range first {
	}
	third, _ := events()
	p.instance.Release()
	for range third {
	}
}

func TestWhoIsNotAnswered(t *testing.T) {
	p := serve(t, time.Hour, "work")
	other := NewClient(p.instance.dir, "theirs")
	for name, ask := range map[string]func(*Client) error{
		"snapshot": func(c *Client) error { _, err := c.Snapshot(t.Context()); return err },
		"token":    func(c *Client) error { _, _, err := c.Token(t.Context(), "work"); return err },
		"refresh":  func(c *Client) error { _, err := c.Refresh(t.Context(), nil, false, nil); return err },
		"watch":    func(c *Client) error { _, err := c.Watch(t.Context()); return err },
	} {
		if err := ask(other); !errors.Is(err, ErrAway) {
			t.Errorf("%s with other settings: %v", name, err)
		}
		p.instance.Serve(Served{})
		if err := ask(p.client); !errors.Is(err, ErrAway) {
			t.Errorf("%s where nothing is served: %v", name, err)
		}
		p.instance.Serve(Served{Engine: p.Engine, Identity: "ours"})
	}
	if who, err := other.Who(t.Context()); err != nil || who != (Who{Serving: true}) {
		t.Errorf("%+v, %v", who, err)
	}
	if who, err := p.client.Who(t.Context()); err != nil || who != (Who{Serving: true, Same: true}) {
		t.Errorf("%+v, %v", who, err)
	}
}

// An instance that takes the call and says nothing is not waited for.
func TestASilentInstance(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, socketName))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	began := time.Now()
	if _, err := NewClient(dir, "").Snapshot(t.Context()); !errors.Is(err, ErrAway) || time.Since(began) > 5*headerWait {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

func TestARequestIsBounded(t *testing.T) {
	p := serve(t, time.Hour, "work")
	for body, want := range map[string]int{
		`{"names":["work"]}`: 200, `{"names":["work","home"]}`: 200, `nonsense`: 400,
		`{"names":["` + strings.Repeat("x", maxRequest) + `"]}`: 400,
	} {
		req, _ := http.NewRequest(http.MethodPost, "http://tokentray/v1/token", strings.NewReader(body))
		req.Header.Set(identityHeader, "ours")
		resp, err := p.client.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want || strings.Contains(string(answer), plantedRefresh) {
			t.Errorf("%.40s: %s %s", body, resp.Status, answer)
		}
	}
}
