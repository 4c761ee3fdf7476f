package engine

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func fp(name string) Fingerprint { return NewSecret(name).Fingerprint() }

// line is a record whose newest token is the last of the names, the others used
// up.
func line(at time.Time, names ...string) Record {
	var r Record
	for i, name := range names {
		r.rotate(NewSecret(append([]string{""}, names...)[i]).Fingerprint(), Token{RefreshToken: NewSecret(name), AccessToken: NewSecret("access " + name),
			ExpiresAt: at.Add(time.Hour)}, at.Add(time.Duration(i)*time.Second))
	}
	r.Unsaved = false
	return r
}

func names(r Record) string {
	all := []string{}
	for _, name := range []string{"a", "b", "c", "d", "e", "x"} {
		if r.usedUp(fp(name)) {
			all = append(all, name)
		}
	}
	newest := "nothing"
	for _, name := range []string{"a", "b", "c", "d", "e", "x"} {
		if r.Head == fp(name) {
			newest = name
		}
	}
	return fmt.Sprint(all, " ", newest)
}

var early = time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)

// What two keepers know of one account becomes what both know.
func TestMerge(t *testing.T) {
	later := early.Add(time.Hour)
	for name, test := range map[string]struct {
		here, there Record
		stored      string
		want        string
	}{
		"nothing known here":             {Record{}, line(early, "a", "b"), "b", "[a] b"},
		"nothing known there":            {line(early, "a", "b"), Record{}, "b", "[a] b"},
		"the other is ahead":             {line(early, "a", "b"), line(early, "b", "c", "d"), "d", "[a b c] d"},
		"this one is ahead":              {line(early, "a", "b", "c"), line(early, "a"), "a", "[a b] c"},
		"the store fell back":            {line(early, "a", "b", "c"), line(later, "a", "b"), "b", "[a b] c"},
		"the other saw a new sign-in":    {line(early, "a", "b"), line(later, "x"), "x", "[a] x"},
		"this one saw a new sign-in":     {line(later, "x"), line(early, "a", "b"), "x", "[a] x"},
		"a sign-in before, stored again": {line(later, "x"), line(early, "a", "b"), "b", "[a] b"},
	} {
		r := test.here
		r.merge(test.there, fp(test.stored))
		if got := names(r); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// However often an old copy is merged in, the latest used-up tokens stay.
func TestMergeKeepsTheLatest(t *testing.T) {
	var all []string
	for i := range 40 {
		all = append(all, fmt.Sprint("token ", i))
	}
	r, old := line(early, all...), line(early, all[:20]...)
	for range 5 {
		r.merge(old, r.Head)
	}
	if len(r.Used) != usedUpLimit {
		t.Fatalf("%d used-up tokens are kept", len(r.Used))
	}
	for _, name := range all[40-1-usedUpLimit : 39] {
		if !r.usedUp(fp(name)) {
			t.Errorf("%s was forgotten", name)
		}
	}
}

// An answer that is not stored yet is not given up for what a store that fell
// back, or is behind, says; only a new sign-in ends it.
func TestMergeKeepsUnsaved(t *testing.T) {
	pending := line(early, "a", "b")
	pending.Unsaved = true
	for name, test := range map[string]struct {
		there   Record
		stored  string
		unsaved bool
	}{
		"behind":                   {line(early.Add(time.Hour), "a"), "a", true},
		"nothing there":            {Record{}, "a", true},
		"stored by another keeper": {line(early, "a", "b"), "b", false},
		"renewed":                  {line(early, "x"), "x", false},
	} {
		r := pending
		r.merge(test.there, fp(test.stored))
		if r.Unsaved != test.unsaved {
			t.Errorf("%s: unsaved %v", name, r.Unsaved)
		}
	}
}

func TestSee(t *testing.T) {
	for name, test := range map[string]struct {
		stored      string
		refreshedAt time.Time
		want        string
		owed        bool
	}{
		"the newest":                     {"b", early, "[a] b", false},
		"one that is used up":            {"a", early.Add(-time.Hour), "[a] b", true},
		"a new sign-in":                  {"x", time.Time{}, "[a] x", false},
		"another program's refresh of b": {"x", early.Add(time.Hour), "[a b] x", false},
	} {
		r := line(early, "a", "b")
		r.see(fp(test.stored), Token{RefreshToken: NewSecret(test.stored)}, test.refreshedAt, early.Add(2*time.Hour))
		if got := names(r); got != test.want || r.owed(fp(test.stored)) != test.owed {
			t.Errorf("%s: %s, owed %v", name, got, r.owed(fp(test.stored)))
		}
	}
}

// What another keeper rotated has its own expiry: an older token that nobody
// knows is not taken for a refresh of it.
func TestMergeTakesTheExpiry(t *testing.T) {
	r := line(early, "a", "b")
	r.merge(line(early.Add(8*time.Hour), "b", "c"), fp("c"))
	r.see(fp("x"), Token{RefreshToken: NewSecret("x"), ExpiresAt: early.Add(2 * time.Hour)}, time.Time{}, early.Add(9*time.Hour))
	if r.usedUp(fp("c")) {
		t.Error("the newest counts as used up")
	}
	r = line(early, "a", "b")
	r.see(fp("x"), Token{RefreshToken: NewSecret("x"), ExpiresAt: early.Add(2 * time.Hour)}, time.Time{}, early.Add(9*time.Hour))
	if !r.usedUp(fp("b")) {
		t.Error("a later expiry does not show that another program refreshed")
	}
}

// A record comes back as it went, and what could not be read says so.
func TestRecordEncoding(t *testing.T) {
	r := line(early, "a", "b", "c")
	r.Sent, r.Dead = Sending{Token: fp("x"), Sends: 1, ID: "id"}, Verdict{Token: fp("y"), Code: "invalid_grant", At: early}
	r.Failure = Failure{Token: fp("c"), Kind: KindRateLimited, Message: "429", Failures: 3, RetryAt: early, At: early}
	r.Seen, r.Unsaved, r.Settled, r.Restored = early, true, "settled", 4
	again, err := DecodeRecord(r.Encode())
	if err != nil || again.Encode() != r.Encode() || !again.same(r) || again.Failure != r.Failure {
		t.Errorf("%+v, %v", again, err)
	}
	shared := r.shared()
	if shared.Unsaved || shared.Settled != "settled" || !shared.Exchanged.IsZero() || shared.Failure != (Failure{}) || shared.Newest.AccessToken.Empty() {
		t.Errorf("shared: %+v", shared)
	}
	if text := fmt.Sprintf("%+v %v", r, r.Newest); slices.ContainsFunc([]string{"access c"}, func(s string) bool { return containsAny(text, s) }) {
		t.Error("a token shows when a record is printed")
	}
	for _, bad := range []string{"", "{", "[]", `{"head":"zz"}`, `{"newest":{"refresh":"other"}}`, string(make([]byte, maxRecord+1))} {
		if _, err := DecodeRecord(NewSecret(bad)); err == nil {
			t.Errorf("%.20q was read", bad)
		}
	}
}
