package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// hosts is a provider of generic accounts: each OAuth is a token endpoint.
type hosts map[Secret]*issuer

func (h hosts) Exchange(ctx context.Context, req ExchangeRequest) (Token, error) {
	return h[req.OAuth].Exchange(ctx, req)
}
func (h hosts) Reach(ctx context.Context, oauth Secret) error { return h[oauth].Reach(ctx, oauth) }
func (h hosts) Settings(_ string, oauth Secret) Fingerprint   { return oauth.Fingerprint() }

func (d *desk) signInAt(name string, oauth Secret, at *issuer, left time.Duration) Key {
	a, _ := d.store.Add(context.Background(), NewAccount{Provider: Generic, Name: name, RefreshToken: at.login(), ExpiresAt: wall().Add(left)})
	d.store.change(a.Key, func(a *Account) { a.OAuth = oauth })
	return a.Key
}

// Of generic accounts each waits for its own provider alone, and one whose
// provider went away for good with its last account holds nothing up.
func TestOfflineIsTheEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		here, away := newIssuer(), newIssuer()
		away.away = errNoNetwork
		away.login() // or their tokens are the same
		one, two := NewSecret("one"), NewSecret("two")
		d.providers[Generic] = hosts{one: here, two: away}
		d.limits[Generic] = d.limits[Claude]
		a, b := d.signInAt("a", one, here, time.Minute), d.signInAt("b", two, away, time.Minute)
		running(t, d)
		events := collect(d.Engine, EventNetworkUp)
		time.Sleep(time.Minute)
		if v := d.view(a); v.Status != StatusValid {
			t.Errorf("a is %s: %v", v.Status, v.Err)
		}
		if v := d.view(b); v.Status != StatusFailing || v.Failures > 1 {
			t.Errorf("b is %s after %d tries", v.Status, v.Failures)
		}
		if err := d.Remove(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * StoreRetry)
		if got := events(); len(got) != 1 {
			t.Errorf("%d events after the last account was removed", len(got))
		}
	})
}

// A wrong client secret stands until there is another, whoever gave it.
func TestAnotherClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		at := newIssuer()
		wrong, right := NewSecret("wrong"), NewSecret("right")
		d.providers[Generic] = hosts{wrong: at, right: at}
		d.limits[Generic] = d.limits[Claude]
		at.fail(Errorf(KindSettings, "wrong client secret", nil))
		key := d.signInAt("a", wrong, at, time.Minute)
		running(t, d)
		time.Sleep(time.Hour)
		if v := d.view(key); !v.Stuck || len(at.asked()) != 1 {
			t.Fatalf("stuck %v after %d requests", v.Stuck, len(at.asked()))
		}
		d.store.change(key, func(a *Account) { a.OAuth = right })
		d.Scan(t.Context())
		time.Sleep(LookEvery + time.Second)
		if v := d.view(key); v.Status != StatusValid {
			t.Errorf("it is %s: %v", v.Status, v.Err)
		}
	})
}

// A token that came without a lifetime is not refreshed by itself, and is
// served; a person may have it refreshed, and the later one is the newer.
func TestEndless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		d.provider.lifetime = Forever
		key := d.signIn("a", time.Minute)
		running(t, d)
		time.Sleep(30 * 24 * time.Hour)
		if n, _ := d.provider.count(); n != 1 {
			t.Errorf("%d refreshes in a month", n)
		}
		v := d.view(key)
		if v.Status != StatusValid || !v.NextRefresh.IsZero() || !Endless(v.ExpiresAt) {
			t.Errorf("it is %s until %v, and next refreshed at %v", v.Status, v.ExpiresAt, v.NextRefresh)
		}
		if access, err := d.ValidAccessToken(t.Context(), key); err != nil || access.Reveal() != "access-2" {
			t.Errorf("%q, %v", access.Reveal(), err)
		}
		if r := one(t, pass(t, d, PassParams{Keys: []Key{key}})); r.Outcome != ResultRefreshed || !r.ExpiresAt.After(v.ExpiresAt) {
			t.Errorf("a person's wish: %+v", r)
		}
		if access, err := d.ValidAccessToken(t.Context(), key); err != nil || access.Reveal() != "access-3" {
			t.Errorf("%q, %v", access.Reveal(), err)
		}
	})
}

func TestProviderTitle(t *testing.T) {
	for name, want := range map[string]string{Claude: "Claude", Gemini: "Gemini", OpenAI: "OpenAI", Droid: "Droid", Generic: "OAuth 2", "acme": "Acme", "": ""} {
		if got := ProviderTitle(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
