package storetest

import (
	"strings"
	"sync"
	"testing"
	"time"

	"tokentray/engine"
)

// clientOf is a generic account's.
const clientOf = `{"token_url":"https://as.example/token","client_id":"us","client_secret":"hunter2"}`

const proxy = `{"type":"socks5","host":"127.0.0.1","port":1080,"username":"u","password":"p"}`

// Google's are long.
var scopes = "one" + strings.Repeat(" https://www.googleapis.com/auth/one", 20)

// testAddEverything: what an account is added with is what it is read with. A
// store need keep scopes only where the provider has them, and an organisation
// only where it is sent.
func testAddEverything(t *testing.T, s Subject) {
	for _, p := range s.Providers {
		n := engine.NewAccount{
			Provider: p, Name: "all of " + p, RefreshToken: engine.NewSecret("refresh-0"), AccessToken: engine.NewSecret("access-0"), ExpiresAt: soon,
			Proxy: engine.NewSecret(proxy), Scopes: scopes, IDToken: engine.NewSecret("id"), Organization: "org_1", Inactive: true,
		}
		if p == engine.Generic {
			n.OAuth = engine.NewSecret(clientOf)
		}
		added, err := s.Store.Add(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range []engine.Account{added, load(t, s, added.Key)} {
			check(t, a, "refresh-0", "access-0")
			if a.Active || a.Proxy.Reveal() != proxy {
				t.Errorf("%s: active %v, proxy %q", p, a.Active, a.Proxy.Reveal())
			}
			if a.OAuth != n.OAuth {
				t.Errorf("%s: another OAuth client: %s", p, a.OAuth.Reveal())
			}
			if (p == engine.Claude || p == engine.Gemini) && a.Scopes != scopes {
				t.Errorf("%s: scopes %q", p, a.Scopes)
			}
			if p == engine.Droid && a.Organization != "org_1" {
				t.Errorf("%s: organisation %q", p, a.Organization)
			}
		}
	}
}

// testEdit: what is edited changes, alone or together, and nothing else does.
func testEdit(t *testing.T, s Subject) {
	name, off, on, secret, none := "改名 🚀", false, true, engine.NewSecret(proxy), engine.Secret{}
	for _, p := range s.Providers {
		old := add(t, s, p)
		if _, err := write(t, s, old, token("refresh-1", "access-1", soon), time.Now()); err != nil {
			t.Fatal(err)
		}
		want := load(t, s, old.Key)
		own := name + p
		for _, edit := range []engine.Edit{{Name: &own}, {Proxy: &secret}, {Active: &off}, {}, {Proxy: &none, Active: &on},
			{Name: &own, Proxy: &secret, Active: &off}} {
			if edit.Name != nil {
				want.Name = *edit.Name
			}
			if edit.Proxy != nil {
				want.Proxy = *edit.Proxy
			}
			if edit.Active != nil {
				want.Active = *edit.Active
			}
			edited, err := s.Store.Edit(t.Context(), old.Key, edit)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range []engine.Account{edited, load(t, s, old.Key)} {
				check(t, a, "refresh-1", "access-1")
				s.checkRecord(t, a, "record of refresh-1")
				if a.Name != want.Name || a.Proxy.Reveal() != want.Proxy.Reveal() || a.Active != want.Active {
					t.Errorf("%s: %q, %q, active %v; want %q, %q, %v", p, a.Name, a.Proxy.Reveal(), a.Active, want.Name, want.Proxy.Reveal(), want.Active)
				}
				if a.RefreshToken.Stored() != want.RefreshToken.Stored() || a.StoreStatus != want.StoreStatus || !a.ExpiresAt.Equal(want.ExpiresAt) ||
					!a.LastRefreshAt.Equal(want.LastRefreshAt) || a.Scopes != want.Scopes || a.Client != want.Client {
					t.Errorf("%s: more was changed: %+v, not %+v", p, a, want)
				}
			}
		}
	}
}

// testEditOAuth: a generic account's client can be changed, and no other's.
func testEditOAuth(t *testing.T, s Subject) {
	for _, p := range s.Providers {
		old, client := add(t, s, p), engine.NewSecret(clientOf)
		edited, err := s.Store.Edit(t.Context(), old.Key, engine.Edit{OAuth: &client})
		if p != engine.Generic && engine.KindOf(err) == engine.KindSettings {
			continue // a store without such accounts
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range []engine.Account{edited, load(t, s, old.Key)} {
			check(t, a, "refresh-0", "access-0")
			if a.OAuth != client || a.Name != old.Name || a.Proxy != old.Proxy {
				t.Errorf("%s: %+v", p, a)
			}
		}
		listing, err := s.Store.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range listing.Accounts {
			if a.Key == old.Key && a.OAuth != client { // it is refreshed by what is listed
				t.Errorf("%s: listed without its client", p)
			}
		}
	}
}

func testEditMissing(t *testing.T, s Subject) {
	name, off, secret := "another", false, engine.NewSecret(proxy)
	for _, p := range s.Providers {
		never := engine.Key{Provider: p, ID: "none"}
		for _, edit := range []engine.Edit{{}, {Name: &name}, {Proxy: &secret, Active: &off}} {
			_, err := s.Store.Edit(t.Context(), never, edit)
			wantKind(t, err, engine.KindNotFound)
		}
		wantKind(t, s.Store.Remove(t.Context(), never), engine.KindNotFound)
		a := add(t, s, p)
		s.Remove(t, a.Key)
		_, err := s.Store.Edit(t.Context(), a.Key, engine.Edit{Name: &name, Proxy: &secret, Active: &off})
		wantKind(t, err, engine.KindNotFound)
		_, err = s.Store.Load(t.Context(), a.Key) // an edit creates no account
		wantKind(t, err, engine.KindNotFound)
		_, err = s.Store.Edit(t.Context(), engine.Key{Provider: "another", ID: a.ID}, engine.Edit{Name: &name})
		wantKind(t, err, engine.KindNotFound)
	}
}

// testEditAndWrite: an edit is no reason for a swap to lose, and a swap undoes
// no edit.
func testEditAndWrite(t *testing.T, s Subject) {
	for _, p := range s.Providers {
		old := add(t, s, p)
		name, off := "meanwhile "+p, false
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := s.Store.Edit(t.Context(), old.Key, engine.Edit{Name: &name, Active: &off}); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if _, err := write(t, s, old, token("refresh-1", "access-1", soon), time.Now()); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		a := load(t, s, old.Key)
		check(t, a, "refresh-1", "access-1")
		if a.Name != name || a.Active {
			t.Errorf("%s: %q, active %v", p, a.Name, a.Active)
		}
	}
}

// testRemove: the account is gone, with its record, and no other is.
func testRemove(t *testing.T, s Subject) {
	for _, p := range s.Providers {
		other, err := s.Store.Add(t.Context(), engine.NewAccount{Provider: p, Name: "stays " + p, RefreshToken: engine.NewSecret("refresh-0"),
			AccessToken: engine.NewSecret("access-0"), ExpiresAt: soon})
		if err != nil {
			t.Fatal(err)
		}
		old, err := write(t, s, add(t, s, p), token("refresh-1", "access-1", soon), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Store.Remove(t.Context(), old.Key); err != nil {
			t.Fatal(err)
		}
		wantKind(t, s.Store.Remove(t.Context(), old.Key), engine.KindNotFound)
		_, err = s.Store.Load(t.Context(), old.Key)
		wantKind(t, err, engine.KindNotFound)
		_, err = write(t, s, old, token("refresh-2", "access-2", soon), time.Now())
		wantKind(t, err, engine.KindNotFound)
		check(t, load(t, s, other.Key), "refresh-0", "access-0")
		add(t, s, p) // its name is free
		if err := s.Store.Remove(t.Context(), other.Key); err != nil {
			t.Fatal(err)
		}
	}
	listing, err := s.Store.List(t.Context())
	if err != nil || len(listing.Accounts) != len(s.Providers) || len(listing.Problems) > 0 {
		t.Errorf("%d accounts are left, want %d, %v, %v", len(listing.Accounts), len(s.Providers), err, listing.Problems)
	}
}
