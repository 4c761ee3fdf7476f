package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Record is what is known of an account's line of refresh tokens: the newest,
// the ones it used up, and what is held against one of them. It is kept twice:
// in the journal of this machine's user, and beside the account in its store,
// where every keeper finds it. Both hold tokens and are encrypted.
//
// A line begins with a sign-in and goes on with every exchange. A stored token
// that is Head or used up belongs to it; any other is the begin of a new one.
type Record struct {
	// Head is the newest refresh token's fingerprint; zero: nothing is known.
	Head Fingerprint
	// Newest is that token and what came with it. In memory it is empty once
	// the store has it; AccessToken is empty where only the refresh token is
	// known.
	Newest   Token
	NewestAt time.Time // when an exchange gave it, or when it was first seen
	// Used are the tokens that were used up, the latest last, at most
	// usedUpLimit.
	Used []Fingerprint
	// Replaced are the tokens in whose place a person signed in, at most
	// usedUpLimit. They are not to come back here; elsewhere they may live.
	Replaced []Fingerprint
	// Sent is a token that was sent and whose answer is not known so far.
	Sent Sending
	// Settled is the ID of the last sending whose outcome became known, so
	// that a copy of it which could not be taken back counts for nothing.
	Settled string
	// Dead is a provider's final answer to one refresh token.
	Dead Verdict
	// RefreshedAt is the last refresh that a keeper made.
	RefreshedAt time.Time
	// Restored counts how often another program's write-back was undone.
	Restored int

	// What follows stays in the journal.

	// Seen is the time of the last refresh as the store has it, and Expiry that
	// of the access token beside Head.
	Seen, Expiry time.Time
	// Unsaved says that Newest is an answer the store does not have yet.
	Unsaved bool
	// Person says that Unsaved is a person's sign-in: it wins against what
	// another program stores meanwhile.
	Person bool
	// UsedAt is when a caller last asked for the access token, kept for the
	// stores that keep no such time.
	UsedAt time.Time
	// Exchanged is when this machine last exchanged a token, by its clock.
	Exchanged time.Time
	// Failure is the last try's, if it failed.
	Failure Failure
	// Choice is the user's.
	Choice Choice

	// Damaged, of a record that was read, says that it could not be opened:
	// nothing else is in it.
	Damaged bool
}

// Verdict is a provider's own final answer to one refresh token: it is not
// sent again until the token changes or a person asks for it. Code is empty
// where two sendings had no readable answer.
type Verdict struct {
	Token Fingerprint `json:"token,omitzero"`
	Code  string      `json:"code,omitempty"` // OAuth error code
	At    time.Time   `json:"at,omitzero"`
}

// Sending is a refresh token on its way to the provider.
type Sending struct {
	Token Fingerprint `json:"token,omitzero"`
	// Sends is how often it was sent without a known outcome.
	Sends int    `json:"sends,omitempty"`
	ID    string `json:"id,omitempty"`
	// At is when; zero once it is known that the sending has ended.
	At time.Time `json:"at,omitzero"`
}

// Failure is a failed try, remembered for the processes to come.
type Failure struct {
	Token    Fingerprint `json:"token,omitzero"` // what was to be sent
	Kind     Kind        `json:"kind,omitempty"`
	Message  string      `json:"message,omitempty"`
	Code     string      `json:"code,omitempty"`
	At       time.Time   `json:"at,omitzero"`
	Failures int         `json:"failures,omitempty"` // in a row
	RetryAt  time.Time   `json:"retry_at,omitzero"`
	// Settings are those of the provider that a KindSettings stands against.
	Settings Fingerprint `json:"settings,omitzero"`
}

const (
	usedUpLimit = 16
	maxRecord   = 512 << 10 // bytes of an encoded record; three tokens of 64 KiB fit
)

// spend notes a token as used up.
func (r *Record) spend(token Fingerprint) {
	if token.Zero() || r.usedUp(token) {
		return
	}
	r.Used = append(r.Used, token)
	if extra := len(r.Used) - usedUpLimit; extra > 0 {
		r.Used = slices.Delete(r.Used, 0, extra)
	}
}

func (r *Record) usedUp(token Fingerprint) bool { return slices.Contains(r.Used, token) }

// gone reports whether a token is not to come back to this account.
func (r *Record) gone(token Fingerprint) bool {
	return r.usedUp(token) || slices.Contains(r.Replaced, token)
}

// noToken stands in a record for a store that has no refresh token.
var noToken = NewSecret("").Fingerprint()

// owed reports whether Newest must be stored over token: because token is used
// up, or because an answer that left it as it is could not be stored so far.
func (r *Record) owed(token Fingerprint) bool {
	if token.Zero() {
		token = noToken
	}
	return r.gone(token) || r.Unsaved && (token == r.Head || token == noToken)
}

// rotate notes what an exchange of old gave, or a sign-in in its place, which is
// yet to be stored. The answer has a refresh token: the old one, where it stays.
func (r *Record) rotate(old Fingerprint, answer Token, now time.Time) {
	r.Head = answer.RefreshToken.Fingerprint()
	if r.Head != old {
		r.spend(old)
	}
	r.Newest, r.NewestAt, r.Unsaved, r.Person = answer, now, true, false
	if r.Sent.ID != "" {
		r.Settled = r.Sent.ID
	}
	r.Sent, r.Dead, r.Failure = Sending{}, Verdict{}, Failure{}
	r.Exchanged = now
	if !answer.AccessToken.Empty() {
		r.RefreshedAt, r.Expiry = now, answer.ExpiresAt
	}
}

// replace notes a person's sign-in in the place of old, which is yet to be
// stored.
func (r *Record) replace(old Fingerprint, login Token, now time.Time) {
	if r.rotate(Fingerprint{}, login, now); !old.Zero() && old != r.Head && !r.gone(old) {
		r.Replaced = append(r.Replaced, old)
		r.Replaced = r.Replaced[max(len(r.Replaced)-usedUpLimit, 0):]
	}
	r.Person = true
}

// see notes what the store holds: newest, a refresh token and where they are
// known what came with it, and the time of the last refresh. A token that is
// not of this line is either another program's refresh, which used up what was
// newest here, or a new sign-in; either way it is taken, and an answer that was
// still to be stored is not any more. A refresh shows by its time, or by a
// later expiry where the store keeps no time; that a sign-in may show so too
// does no harm: what it took the place of is not to come back.
func (r *Record) see(token Fingerprint, newest Token, refreshedAt, now time.Time) {
	if r.Damaged { // what it said may have been that this token was sent
		*r = Record{Sent: Sending{Token: token, Sends: 1, ID: "damaged"}, Choice: r.Choice}
	}
	if token.Zero() || token == noToken {
		return
	}
	if token == r.Head {
		if r.Newest.RefreshToken.Empty() && !newest.RefreshToken.Empty() || r.Newest.AccessToken.Empty() && !newest.AccessToken.Empty() && !r.Unsaved {
			r.Newest = newest
		}
		if newest.ExpiresAt.After(r.Expiry) {
			r.Expiry = newest.ExpiresAt
		}
		return
	}
	if r.gone(token) {
		return
	}
	if r.Unsaved && r.Person {
		r.Replaced = append(r.Replaced, token)
		return
	}
	dead := r.Dead.Token == r.Head && !r.Head.Zero()
	later := !r.Expiry.IsZero() && newest.ExpiresAt.After(r.Expiry)
	if dead || later || refreshedAt.After(r.RefreshedAt) && refreshedAt.After(r.Seen) {
		r.spend(r.Head)
	}
	if refreshedAt.After(r.Seen) {
		r.Seen = refreshedAt
	}
	r.Head, r.NewestAt, r.Unsaved, r.Expiry = token, now, false, newest.ExpiresAt
	if r.Newest = newest; newest.AccessToken.Empty() {
		r.Newest = Token{RefreshToken: newest.RefreshToken}
	}
}

// expiry is that of Head's access token, as far as it is known.
func (r *Record) expiry() time.Time {
	if r.Newest.ExpiresAt.After(r.Expiry) {
		return r.Newest.ExpiresAt
	}
	return r.Expiry
}

// merge takes in what another keeper left beside the account, where stored is
// the refresh token.
func (r *Record) merge(o Record, stored Fingerprint) {
	if o.Damaged {
		r.Damaged = r.Damaged || r.Head.Zero()
		return
	}
	if !o.Head.Zero() || o.Sent.Sends > 0 {
		r.Damaged = false // the other copy is whole
	}
	older, newer := o.Used, r.Used
	switch {
	case o.Head.Zero(), r.gone(o.Head): // nothing newer
	case o.Head == r.Head:
		if !r.Unsaved && (r.Newest.RefreshToken.Empty() || o.Newest.ExpiresAt.After(r.Newest.ExpiresAt)) {
			r.Newest, r.NewestAt = o.Newest, o.NewestAt
		}
		if at := o.expiry(); at.After(r.Expiry) {
			r.Expiry = at
		}
		if r.Unsaved && !o.Unsaved && stored == r.Head && o.Newest.ExpiresAt.Equal(r.Newest.ExpiresAt) { // stored, though nobody here heard of it
			r.Unsaved = false
		}
	case r.Head.Zero(), slices.Contains(o.Used, r.Head), o.Head == stored,
		r.Head != stored && !r.Unsaved && o.NewestAt.After(r.NewestAt):
		r.Head, r.Newest, r.NewestAt, r.Unsaved, r.Expiry = o.Head, o.Newest, o.NewestAt, false, o.expiry()
		older, newer = newer, older
	}
	r.Used = nil
	for _, token := range older {
		if !slices.Contains(newer, token) && token != r.Head {
			r.spend(token)
		}
	}
	for _, token := range newer {
		r.spend(token)
	}
	for _, token := range o.Replaced {
		if token != r.Head && !r.gone(token) {
			r.Replaced = append(r.Replaced, token)
		}
	}
	r.Replaced = r.Replaced[max(len(r.Replaced)-usedUpLimit, 0):]
	if o.Settled != "" && o.Settled == r.Sent.ID {
		r.Sent, r.Settled = Sending{}, o.Settled
	}
	if o.Sent.ID != "" && o.Sent.ID != r.Settled && o.Sent.Token == stored && (r.Sent.Token != stored || o.Sent.Sends > r.Sent.Sends) {
		r.Sent = o.Sent
	}
	if o.Dead.Token == stored || r.Dead.Token.Zero() {
		r.Dead = o.Dead
	}
	if o.RefreshedAt.After(r.RefreshedAt) {
		r.RefreshedAt = o.RefreshedAt
	}
	r.Restored = max(r.Restored, o.Restored)
}

// recall is the journal's record j together with what memory knows beyond it:
// what was seen since, and an answer that the journal did not take.
func (mem Record) recall(j Record, stored Fingerprint) Record {
	if mem.Unsaved && !j.gone(mem.Head) && (mem.Head != j.Head || mem.NewestAt.After(j.NewestAt)) {
		mem.merge(j, stored)
		mem.Choice = j.Choice
		return mem
	}
	j.merge(mem, stored)
	return j
}

// same reports whether two records say the same of the line.
func (r Record) same(o Record) bool {
	return r.Head == o.Head && slices.Equal(r.Used, o.Used) && slices.Equal(r.Replaced, o.Replaced) && r.Sent == o.Sent && r.Dead.Token == o.Dead.Token &&
		r.Dead.Code == o.Dead.Code && r.RefreshedAt.Equal(o.RefreshedAt) && r.Seen.Equal(o.Seen) && r.Expiry.Equal(o.Expiry) && r.Restored == o.Restored &&
		r.Unsaved == o.Unsaved && r.Damaged == o.Damaged
}

// shared is what lies beside the account.
func (r Record) shared() Record {
	r.Seen, r.Expiry, r.Unsaved, r.Exchanged, r.Failure, r.Choice = time.Time{}, time.Time{}, false, time.Time{}, Failure{}, Choice{}
	r.Person, r.UsedAt, r.Damaged = false, time.Time{}, false
	return r
}

// kept is what stays in memory: no token that the store has.
func (r Record) kept() Record {
	r.Used, r.Replaced = slices.Clone(r.Used), slices.Clone(r.Replaced)
	if !r.Unsaved {
		r.Newest = Token{}
	}
	return r
}

// wireRecord is a Record with its tokens in the open, for sealing.
type wireRecord struct {
	Head        Fingerprint   `json:"head,omitzero"`
	Newest      wireToken     `json:"newest,omitzero"`
	NewestAt    time.Time     `json:"newest_at,omitzero"`
	Used        []Fingerprint `json:"used,omitempty"`
	Sent        Sending       `json:"sent,omitzero"`
	Dead        Verdict       `json:"dead,omitzero"`
	RefreshedAt time.Time     `json:"refreshed_at,omitzero"`
	Restored    int           `json:"restored,omitempty"`
	Seen        time.Time     `json:"seen,omitzero"`
	Expiry      time.Time     `json:"expiry,omitzero"`
	Unsaved     bool          `json:"unsaved,omitempty"`
	Settled     string        `json:"settled,omitempty"`
	Exchanged   time.Time     `json:"exchanged,omitzero"`
	Failure     Failure       `json:"failure,omitzero"`
	Choice      Choice        `json:"choice,omitzero"`
	Replaced    []Fingerprint `json:"replaced,omitempty"`
	Person      bool          `json:"person,omitempty"`
	UsedAt      time.Time     `json:"used_at,omitzero"`
	Damaged     bool          `json:"damaged,omitempty"`
}

type wireToken struct {
	Access       string    `json:"access,omitempty"`
	Refresh      string    `json:"refresh,omitempty"`
	ID           string    `json:"id,omitempty"`
	ExpiresAt    time.Time `json:"expires_at,omitzero"`
	Scope        string    `json:"scope,omitempty"`
	Type         string    `json:"type,omitempty"`
	Organization string    `json:"organization,omitempty"`
	AuthMethod   string    `json:"auth_method,omitempty"`
}

// Encode returns the record as JSON, tokens included: it is for sealing.
func (r Record) Encode() Secret {
	t := r.Newest
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // or a token could take six times its length
	err := enc.Encode(wireRecord{
		r.Head, wireToken{t.AccessToken.Reveal(), t.RefreshToken.Reveal(), t.IDToken.Reveal(), t.ExpiresAt, t.Scope, t.Type,
			t.Organization, t.AuthMethod},
		r.NewestAt, r.Used, r.Sent, r.Dead, r.RefreshedAt, r.Restored, r.Seen, r.Expiry, r.Unsaved, r.Settled, r.Exchanged, r.Failure, r.Choice,
		r.Replaced, r.Person, r.UsedAt, r.Damaged,
	})
	if err != nil {
		panic(err) // texts, numbers and times of four-digit years
	}
	return NewSecret(strings.TrimSuffix(text.String(), "\n"))
}

// DecodeRecord reads what Encode wrote. Its error shows nothing of it.
func DecodeRecord(text Secret) (Record, error) {
	var w wireRecord
	switch {
	case len(text.Reveal()) > maxRecord:
		return Record{}, fmt.Errorf("the record is longer than %d bytes", maxRecord)
	case json.Unmarshal([]byte(text.Reveal()), &w) != nil:
		return Record{}, fmt.Errorf("the record cannot be read")
	}
	for _, at := range []*time.Time{&w.Newest.ExpiresAt, &w.NewestAt, &w.Sent.At, &w.Dead.At, &w.RefreshedAt, &w.Seen, &w.Expiry, &w.Exchanged,
		&w.Failure.At, &w.Failure.RetryAt, &w.UsedAt} {
		if *at = at.UTC(); at.Year() < 1 || at.Year() > 9999 {
			return Record{}, fmt.Errorf("the record cannot be read")
		}
	}
	t := w.Newest
	r := Record{
		Head: w.Head, NewestAt: w.NewestAt, Used: w.Used, Sent: w.Sent, Dead: w.Dead, RefreshedAt: w.RefreshedAt, Restored: w.Restored,
		Seen: w.Seen, Expiry: w.Expiry, Unsaved: w.Unsaved, Settled: w.Settled, Exchanged: w.Exchanged, Failure: w.Failure, Choice: w.Choice,
		Replaced: w.Replaced, Person: w.Person, UsedAt: w.UsedAt, Damaged: w.Damaged,
		Newest: Token{AccessToken: NewSecret(t.Access), RefreshToken: NewSecret(t.Refresh), IDToken: NewSecret(t.ID), ExpiresAt: t.ExpiresAt,
			Scope: t.Scope, Type: t.Type, Organization: t.Organization, AuthMethod: t.AuthMethod},
	}
	if !r.Newest.RefreshToken.Empty() && r.Newest.RefreshToken.Fingerprint() != r.Head {
		return Record{}, fmt.Errorf("the record contradicts itself")
	}
	if extra := len(r.Used) - usedUpLimit; extra > 0 {
		r.Used = r.Used[extra:]
	}
	if extra := len(r.Replaced) - usedUpLimit; extra > 0 {
		r.Replaced = r.Replaced[extra:]
	}
	r.Used = slices.DeleteFunc(r.Used, func(f Fingerprint) bool { return f == r.Head })
	r.Replaced = slices.DeleteFunc(r.Replaced, func(f Fingerprint) bool { return f == r.Head })
	return r, nil
}
