package instance

import (
	"encoding/json"
	"errors"
	"time"

	"tokentray/engine"
)

// What crosses the socket. None of these forms has a place for a secret but
// wireToken.

// line is one line of an answer: an event, or the end.
type line struct {
	Event    *wireEvent    `json:"event,omitempty"`
	Snapshot *wireSnapshot `json:"snapshot,omitempty"`
	Summary  *wireSummary  `json:"summary,omitempty"`
	Token    *wireToken    `json:"token,omitempty"`
	// Names says that a name is no account's, or several'.
	Names string     `json:"names,omitempty"`
	Err   *wireError `json:"error,omitempty"`
	End   bool       `json:"end,omitempty"`
}

type wireToken struct {
	Store    string `json:"store,omitempty"`
	Provider string `json:"provider"`
	ID       string `json:"id"`
	Name     string `json:"name"`
	Access   string `json:"access,omitempty"`
}

// instant is a time, whatever its year.
type instant time.Time

func (t instant) IsZero() bool { return time.Time(t).IsZero() }

func (t instant) MarshalJSON() ([]byte, error) {
	return json.Marshal([2]int64{time.Time(t).Unix(), int64(time.Time(t).Nanosecond())})
}

func (t *instant) UnmarshalJSON(text []byte) error {
	var parts [2]int64
	err := json.Unmarshal(text, &parts)
	*t = instant(time.Unix(parts[0], parts[1]).UTC())
	return err
}

type wireError struct {
	Kind       string        `json:"kind"`
	Code       string        `json:"code,omitempty"`
	Message    string        `json:"message"`
	RetryAfter time.Duration `json:"retry_after,omitempty"`
}

// kinds are the error kinds by name: their numbers are no promise.
var kinds = map[engine.Kind]string{
	engine.KindInternal: "internal", engine.KindLoginDead: "login_dead", engine.KindSettings: "settings", engine.KindRateLimited: "rate_limited",
	engine.KindTransient: "transient", engine.KindOffline: "offline", engine.KindUnknownOutcome: "unknown_outcome", engine.KindProxy: "proxy",
	engine.KindStore: "store", engine.KindUnreadable: "unreadable", engine.KindConflict: "conflict", engine.KindNotFound: "not_found",
	engine.KindLocked: "locked", engine.KindInactive: "inactive", engine.KindNoRefreshToken: "no_refresh_token", engine.KindClosed: "closed",
	engine.KindObserved: "observed", engine.KindShared: "shared",
}

func toError(err error) *wireError {
	if err == nil {
		return nil
	}
	w := wireError{Kind: kinds[engine.KindOf(err)], Message: err.Error()}
	if e, ok := errors.AsType[*engine.Error](err); ok {
		w.Code, w.RetryAfter = e.Code, e.RetryAfter
	}
	return &w
}

func (w *wireError) error() error {
	if w == nil {
		return nil
	}
	e := engine.Error{Code: w.Code, Message: w.Message, RetryAfter: w.RetryAfter}
	for kind, name := range kinds {
		if name == w.Kind {
			e.Kind = kind
		}
	}
	return &e
}

// wireRival is the other place of a login.
type wireRival struct {
	Store    string `json:"store,omitempty"`
	Provider string `json:"provider"`
	ID       string `json:"id"`
	Name     string `json:"name"`
	Leads    bool   `json:"leads,omitempty"`
}

type wireView struct {
	Store         string     `json:"store,omitempty"`
	Provider      string     `json:"provider"`
	ID            string     `json:"id"`
	Name          string     `json:"name"`
	Client        string     `json:"client,omitempty"`
	Active        bool       `json:"active,omitempty"`
	StoreStatus   string     `json:"store_status,omitempty"`
	StoreError    string     `json:"store_error,omitempty"`
	ExpiresAt     instant    `json:"expires_at,omitzero"`
	LastRefreshAt instant    `json:"last_refresh_at,omitzero"`
	LastUsedAt    instant    `json:"last_used_at,omitzero"`
	Refreshable   bool       `json:"refreshable,omitempty"` // it has a refresh token
	Scopes        string     `json:"scopes,omitempty"`
	Organization  string     `json:"organization,omitempty"`
	Doubted       bool       `json:"doubted,omitempty"`
	Problem       *wireError `json:"problem,omitempty"`

	LoginExpiresAt   instant       `json:"login_expires_at,omitzero"`
	RateLimitedUntil instant       `json:"rate_limited_until,omitzero"`
	Observed         bool          `json:"observed,omitempty"`
	Choice           engine.Choice `json:"choice,omitzero"`
	Rival            *wireRival    `json:"rival,omitempty"`

	Result    string        `json:"result,omitempty"`
	Err       *wireError    `json:"error,omitempty"`
	At        instant       `json:"at,omitzero"`
	Took      time.Duration `json:"took,omitempty"`
	Succeeded instant       `json:"succeeded,omitzero"`
	Failures  int           `json:"failures,omitempty"`
	RetryAt   instant       `json:"retry_at,omitzero"`
	Dead      bool          `json:"dead,omitempty"`
	Stuck     bool          `json:"stuck,omitempty"`
	Lane      uint8         `json:"lane,omitempty"`

	Status      string  `json:"status"`
	Refreshing  bool    `json:"refreshing,omitempty"`
	NextRefresh instant `json:"next_refresh,omitzero"`
	Restored    int     `json:"restored,omitempty"`
}

func toView(v engine.View) wireView {
	w := wireView{
		Store: v.Store, Provider: v.Provider, ID: v.ID, Name: v.Name, Client: v.Client, Active: v.Active, StoreStatus: v.StoreStatus, StoreError: v.StoreError,
		ExpiresAt: instant(v.ExpiresAt), LastRefreshAt: instant(v.LastRefreshAt), LastUsedAt: instant(v.LastUsedAt),
		Refreshable: !v.Static(), Scopes: v.Scopes, Organization: v.Organization, Doubted: v.Doubted, Problem: toError(v.Problem),
		Result: v.Result, Err: toError(v.Err), At: instant(v.At), Took: v.Took, Succeeded: instant(v.Succeeded), Failures: v.Failures,
		RetryAt: instant(v.RetryAt), Dead: v.Dead, Stuck: v.Stuck, Lane: v.Lane,
		Status: string(v.Status), Refreshing: v.Refreshing, NextRefresh: instant(v.NextRefresh), Restored: v.Restored,
		LoginExpiresAt: instant(v.LoginExpiresAt), RateLimitedUntil: instant(v.RateLimitedUntil), Observed: v.Observed, Choice: v.Choice,
	}
	if r := v.Rival; r != (engine.Rival{}) {
		w.Rival = &wireRival{r.Store, r.Provider, r.ID, r.Name, r.Leads}
	}
	return w
}

// view is the view again. Of the refresh token it knows whether there is one.
func (w wireView) view() engine.View {
	v := engine.View{
		Account: engine.Account{
			Key: engine.Key{Store: w.Store, Provider: w.Provider, ID: w.ID}, Name: w.Name, Client: w.Client, Active: w.Active, StoreStatus: w.StoreStatus, StoreError: w.StoreError,
			ExpiresAt: time.Time(w.ExpiresAt), LastRefreshAt: time.Time(w.LastRefreshAt), LastUsedAt: time.Time(w.LastUsedAt),
			Scopes: w.Scopes, Organization: w.Organization, Doubted: w.Doubted, Problem: w.Problem.error(),
			LoginExpiresAt: time.Time(w.LoginExpiresAt), RateLimitedUntil: time.Time(w.RateLimitedUntil), Observed: w.Observed, Choice: w.Choice,
		},
		Tries: engine.Tries{Result: w.Result, Err: w.Err.error(), At: time.Time(w.At), Took: w.Took, Succeeded: time.Time(w.Succeeded), Failures: w.Failures,
			RetryAt: time.Time(w.RetryAt), Dead: w.Dead, Stuck: w.Stuck, Lane: w.Lane},
		Status: engine.Status(w.Status), Refreshing: w.Refreshing, NextRefresh: time.Time(w.NextRefresh), Restored: w.Restored,
	}
	if r := w.Rival; r != nil {
		v.Rival = engine.Rival{Key: engine.Key{Store: r.Store, Provider: r.Provider, ID: r.ID}, Name: r.Name, Leads: r.Leads}
	}
	if w.Refreshable {
		v.RefreshToken = engine.Seal("elsewhere", func(string) (engine.Secret, error) {
			return engine.Secret{}, engine.Errorf(engine.KindUnreadable, "the refresh token is not here", nil)
		})
	}
	return v
}

func toViews(views []engine.View) []wireView {
	var wire []wireView
	for _, v := range views {
		wire = append(wire, toView(v))
	}
	return wire
}

func views(wire []wireView) []engine.View {
	var all []engine.View
	for _, w := range wire {
		all = append(all, w.view())
	}
	return all
}
