package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"tokentray/engine"
)

// JournalSubject is one journal under test, empty at the start.
type JournalSubject struct {
	// Journal and Other are those of two processes.
	Journal, Other engine.Journal
	// Damage makes the account's record unreadable.
	Damage func(t *testing.T, key engine.Key)
}

// RunJournal is the conformance suite that every engine.Journal passes.
func RunJournal(t *testing.T, open func(t *testing.T) JournalSubject) {
	for name, test := range map[string]func(*testing.T, JournalSubject){
		"Update":  testJournalUpdate,
		"Since":   testJournalSince,
		"Soon":    testJournalSoon,
		"Remove":  testJournalRemove,
		"Damaged": testJournalDamaged,
		"Writers": testJournalWriters,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

var journaled = engine.Key{Store: "relay", Provider: engine.Claude, ID: "id/1"}

func update(t *testing.T, j engine.Journal, change func(*engine.Record), keys ...engine.Key) {
	t.Helper()
	if err := j.Update(t.Context(), func(_ engine.Key, r *engine.Record) { change(r) }, keys...); err != nil {
		t.Fatal(err)
	}
}

func readRecord(t *testing.T, j engine.Journal, key engine.Key) engine.Record {
	t.Helper()
	r, err := j.Read(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func testJournalUpdate(t *testing.T, s JournalSubject) {
	if r := readRecord(t, s.Journal, journaled); r.Encode() != (engine.Record{}).Encode() {
		t.Errorf("a record before there was one: %+v", r)
	}
	want := engine.Record{
		Newest: token("refresh-1", "access-1", soon), NewestAt: soon, Unsaved: true, Restored: 3, Settled: "id", Exchanged: soon,
		Used: []engine.Fingerprint{engine.NewSecret("refresh-0").Fingerprint()},
		Sent: engine.Sending{Token: engine.NewSecret("x").Fingerprint(), Sends: 1, ID: "y"},
	}
	want.Head = want.Newest.RefreshToken.Fingerprint()
	update(t, s.Journal, func(r *engine.Record) { *r = want }, journaled)
	for _, j := range []engine.Journal{s.Journal, s.Other} {
		if r := readRecord(t, j, journaled); r.Encode() != want.Encode() {
			t.Errorf("read %s", r.Encode().Reveal())
		}
	}
	update(t, s.Other, func(r *engine.Record) { r.Unsaved = false }, journaled)
	if r := readRecord(t, s.Journal, journaled); r.Unsaved || r.Newest.AccessToken.Reveal() != "access-1" {
		t.Errorf("after the other's update: %s", r.Encode().Reveal())
	}
}

// What need not be durable at once is there for all at once.
func testJournalSoon(t *testing.T, s JournalSubject) {
	key := engine.Key{Provider: engine.Claude, ID: "a"}
	update(t, s.Journal, func(r *engine.Record) { r.Restored = 1 }, key)
	if err := s.Journal.UpdateSoon(t.Context(), func(_ engine.Key, r *engine.Record) { r.Restored++ }, key); err != nil {
		t.Fatal(err)
	}
	if r := readRecord(t, s.Other, key); r.Restored != 2 {
		t.Errorf("%+v", r)
	}
	update(t, s.Other, func(r *engine.Record) { r.Restored++ }, key)
	if r := readRecord(t, s.Journal, key); r.Restored != 3 {
		t.Errorf("%+v", r)
	}
}

func testJournalSince(t *testing.T, s JournalSubject) {
	keys := []engine.Key{journaled, {Provider: engine.Gemini, ID: "id/1"}, {Provider: engine.Claude, ID: "id/2"}}
	update(t, s.Journal, func(r *engine.Record) { r.Restored = 1 }, keys...)
	since := func(mark int64, want int) int64 {
		t.Helper()
		records, next, err := s.Other.Since(t.Context(), mark)
		if err != nil || len(records) != want {
			t.Errorf("%d records, want %d, %v", len(records), want, err)
		}
		return next
	}
	mark := since(0, 3)
	since(mark, 0)
	update(t, s.Journal, func(r *engine.Record) { r.Restored = 1 }, keys[1]) // no change, no write
	since(mark, 0)
	update(t, s.Journal, func(r *engine.Record) { r.Restored++ }, keys[1])
	mark = since(mark, 1)
	since(mark, 0)
	since(0, 3)
}

func testJournalRemove(t *testing.T, s JournalSubject) {
	update(t, s.Journal, func(r *engine.Record) { r.Restored = 1 }, journaled)
	_, mark, _ := s.Other.Since(t.Context(), 0)
	update(t, s.Journal, func(r *engine.Record) { *r = engine.Record{} }, journaled)
	if records, _, err := s.Journal.Since(t.Context(), 0); err != nil || len(records) != 0 {
		t.Errorf("%d records, %v", len(records), err)
	}
	// What is written afterwards is not taken for old.
	update(t, s.Journal, func(r *engine.Record) { r.Restored = 2 }, journaled)
	if records, _, _ := s.Other.Since(t.Context(), mark); records[journaled].Restored != 2 {
		t.Error("a write after a removal was not seen")
	}
}

func testJournalDamaged(t *testing.T, s JournalSubject) {
	other := engine.Key{Provider: engine.Claude, ID: "whole"}
	update(t, s.Journal, func(r *engine.Record) { r.Restored = 7 }, journaled, other)
	s.Damage(t, journaled)
	records, _, err := s.Journal.Since(t.Context(), 0)
	if err != nil || !records[journaled].Damaged || records[other].Restored != 7 {
		t.Errorf("%+v, %v", records, err)
	}
	update(t, s.Journal, func(r *engine.Record) {
		if !r.Damaged || r.Restored != 0 {
			t.Errorf("handed over as %+v", *r)
		}
		*r = engine.Record{Restored: 1}
	}, journaled)
	if r := readRecord(t, s.Journal, journaled); r.Damaged || r.Restored != 1 {
		t.Errorf("afterwards %+v", r)
	}
}

// testJournalWriters: no update is lost, whoever makes it.
func testJournalWriters(t *testing.T, s JournalSubject) {
	const writers, times = 8, 5
	var wg sync.WaitGroup
	for i := range writers {
		j := []engine.Journal{s.Journal, s.Other}[i%2]
		wg.Go(func() {
			for n := range times {
				if err := j.Update(t.Context(), func(_ engine.Key, r *engine.Record) {
					r.Restored++
					r.Used = append(r.Used, engine.NewSecret(fmt.Sprint(i, n)).Fingerprint())[max(0, len(r.Used)-15):]
					r.NewestAt = time.Now().UTC()
				}, journaled); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if r := readRecord(t, s.Journal, journaled); r.Restored != writers*times {
		t.Errorf("%d of %d updates are there", r.Restored, writers*times)
	}
}
