package main

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"tokentray/cmd/internal/instance"
	"tokentray/cmd/internal/wiring"
	"tokentray/engine"
	"tokentray/engine/provider"
	"tokentray/ui/view"
)

// diagnosed is one account as the doctor finds it. Trouble, Action and Cure are
// null where nothing is wrong.
type diagnosed struct {
	ID             string     `json:"id"`
	Name           string     `json:"name"`
	Provider       string     `json:"provider"`
	Source         string     `json:"source"`
	Status         string     `json:"status"`
	ExpiresAt      *time.Time `json:"expires_at"`
	LastRefreshAt  *time.Time `json:"last_refresh_at"`
	NextRefreshAt  *time.Time `json:"next_refresh_at"`
	RetryAt        *time.Time `json:"retry_at"`
	LoginExpiresAt *time.Time `json:"login_expires_at"`
	Proxy          *string    `json:"proxy"`   // without its password
	Reached        *bool      `json:"reached"` // whether its provider was, by its proxy; null: not tried
	Trouble        *string    `json:"trouble"` // in one sentence
	Action         *string    `json:"action"`
	Cure           *string    `json:"cure"` // what to type or to do

	OAuth *string `json:"oauth,omitempty"` // a generic account's provider and client, without a secret

	view  engine.View
	probe error
}

// needsPerson reports whether there is something to do.
func (a diagnosed) needsPerson() bool { return a.Action != nil && *a.Action != string(view.ActionNone) }

// know learns how the accounts are: from the running instance, which knows
// more, or by the stores.
func (d *doctor) know() {
	d.views = d.app.Snapshot()
	if live := d.live(d.set); live != nil {
		if seen, err := live.Snapshot(d.ctx); err == nil {
			d.views = seen.Views
		}
	}
	view.WorstFirst(d.views, !wiring.Policy(d.set).Proactive)
}

// examineNamed examines the accounts named, and tries the way to their
// providers: what did not get through lately is not known in every process.
func (d *doctor) examineNamed(names []string) error {
	known := make([]engine.Account, 0, len(d.views))
	for _, v := range d.views {
		known = append(known, v.Account)
	}
	found, err := instance.Find(known, names...)
	if err != nil {
		for _, away := range d.away { // it may be where nobody could look
			return away
		}
		return err
	}
	d.accounts = make([]diagnosed, len(found))
	var probes sync.WaitGroup
	for i, a := range found {
		v := d.views[slices.IndexFunc(d.views, func(v engine.View) bool { return v.Key == a.Key })]
		probes.Go(func() { d.accounts[i] = d.examineAccount(v, true) })
	}
	probes.Wait()
	for _, a := range d.accounts {
		d.troubled = d.troubled || a.Trouble != nil
		d.storeAway = d.storeAway || d.away[a.view.Store] != nil
	}
	return nil
}

// examineAccount says what is wrong with one.
func (d *doctor) examineAccount(v engine.View, probing bool) diagnosed {
	a := diagnosed{
		ID: v.ID, Name: v.Name, Provider: v.Provider, Source: v.Store, Status: string(v.Status), ExpiresAt: timeOrNull(v.ExpiresAt),
		LastRefreshAt: timeOrNull(view.LastRefresh(v)), NextRefreshAt: timeOrNull(v.NextRefresh), RetryAt: timeOrNull(v.RetryAt),
		LoginExpiresAt: timeOrNull(v.LoginExpiresAt), view: v,
	}
	around := view.Around{Store: d.away[v.Store], Clock: d.clock}
	var proxied bool
	if around.Store == nil {
		if account, err := d.app.Load(d.ctx, v.Key); err == nil {
			a.Proxy, proxied = proxyOf(account)
			if text := oauthText(account.OAuth); text != "" {
				a.OAuth = &text
			}
		}
	}
	kind := engine.KindOf(v.Err)
	refreshed := v.Active && v.Problem == nil && !v.Static() && (!v.Observed || v.Choice.Keep) // here, and so the way matters
	if probing && around.Store == nil && (refreshed || proxied) {
		a.probe = d.app.TestProxy(d.ctx, v.Key)
		a.Reached = new(a.probe == nil)
	}
	switch {
	case a.probe == nil:
	case v.Err == nil: // nothing was sent since it is so
		v.Err = a.probe
	case !proxied && engine.KindOf(a.probe) == engine.KindOffline:
		around.Network = a.probe
	}
	found, wrong := english.Diagnose(v, around, time.Now())
	if !wrong {
		return a
	}
	if a.Reached != nil && *a.Reached && (kind == engine.KindOffline || kind == engine.KindProxy) {
		found.Action = view.ActionRetry // it is over
	}
	trouble, action, cure := engine.CleanLine(found.Sentence), string(found.Action), cure(found.Action, v, nameOn(v, d.views), d.set)
	a.Trouble, a.Action, a.Cure = &trouble, &action, &cure
	return a
}

// proxyOf shows an account's proxy without its password.
func proxyOf(account engine.Account) (shown *string, proxied bool) {
	if account.Proxy.Empty() {
		return nil, false
	}
	u, err := provider.ProxyURL(account.Proxy)
	switch {
	case err != nil:
		return new("malformed"), true
	case u == nil:
		return nil, false
	}
	user := ""
	if u.User != nil && u.User.Username() != "" {
		user = engine.Clean(u.User.Username()) + "@"
	}
	return new(u.Scheme + "://" + user + u.Host), true
}

// examineFailing finds the accounts that are in trouble.
func (d *doctor) examineFailing() {
	for _, v := range d.views {
		a := d.examineAccount(v, false)
		switch {
		case a.Trouble == nil, !v.Active, d.away[v.Store] != nil: // a store that is away has its line
		case *a.Action == string(view.ActionKeep): // nobody's fault
		default:
			d.accounts = append(d.accounts, a)
			d.troubled = d.troubled || a.needsPerson()
		}
	}
}

// printAccounts shows each account named: what is wrong, what to do, and the
// facts that matter.
func (d *doctor) printAccounts() {
	now := time.Now()
	when := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		if left := t.Sub(now); left > 0 {
			return t.Local().Format(time.DateTime) + ", in " + english.Span(left)
		}
		return t.Local().Format(time.DateTime) + ", " + english.Age(*t, now)
	}
	for i, a := range d.accounts {
		if i > 0 {
			fmt.Fprintln(d.stdout)
		}
		t := table{colour: d.coloured()}
		if a.Trouble == nil {
			t.toned(view.Valid, "ok", a.Name, "nothing is wrong")
		} else {
			t.toned(view.Person, "!!", a.Name, *a.Trouble)
			t.toned(view.Person, "→", "", *a.Cure)
		}
		t.write(d.stdout)
		reached := ""
		switch {
		case a.Reached != nil && *a.Reached:
			reached = "reached just now"
		case a.Reached != nil:
			reached = "not reached: " + a.probe.Error()
		}
		facts := table{}
		for _, fact := range [][2]string{
			{"store", d.app.Stores[a.Source].Name()}, {"id", a.Provider + ":" + a.ID}, {"status", english.Status(a.view, !wiring.Policy(d.set).Proactive)},
			{"expires", when(a.ExpiresAt)}, {"last refresh", when(a.LastRefreshAt)}, {"next refresh", when(a.NextRefreshAt)}, {"next try", when(a.RetryAt)},
			{"oauth", deref(a.OAuth)}, {"proxy", deref(a.Proxy)}, {"provider", reached}, {"login ends", when(a.LoginExpiresAt)},
		} {
			if fact[1] != "" {
				facts.toned(view.Dim, "  ", fact[0], fact[1])
			}
		}
		facts.write(d.stdout)
	}
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
