package local

import (
	"context"
	"time"

	"tokentray/engine"
)

// historyKept is how long the history goes back.
const historyKept = 90 * 24 * time.Hour

// ReasonStoredLate is the reason of an entry whose token could not be stored
// when it came.
const ReasonStoredLate = "stored_late"

// ReasonSignedIn is the reason of an entry that was a person's sign-in.
const ReasonSignedIn = "signed_in"

// Entry is one refresh of the past.
type Entry struct {
	engine.Key
	At              time.Time
	Name            string
	Outcome, Reason string // as in engine.Result, and the two above
	Error           string // for people, "" unless it failed
	Took            time.Duration
}

// EntryOf is what a history keeps of the refresh that an engine.EventRefreshed
// tells of.
func EntryOf(ev engine.Event) Entry {
	r := ev.Result
	e := Entry{Key: r.Key, At: kept(ev.Time.UnixMilli()), Name: r.Name, Outcome: r.Outcome, Reason: string(r.Reason), Took: r.Took.Truncate(time.Millisecond)}
	if r.Err != nil {
		e.Error = engine.CleanLine(r.Err.Error())
	}
	if r.Reason == engine.ReasonRestored && !r.Healed {
		e.Reason = ReasonStoredLate
	}
	if r.Why == engine.WhySignIn {
		e.Reason = ReasonSignedIn
	}
	return e
}

func kept(at int64) time.Time { return time.UnixMilli(at).UTC() }

// Record keeps the refresh that an engine.EventRefreshed tells of.
func (s *Store) Record(ev engine.Event) error {
	e := EntryOf(ev)
	return s.fault(s.writer.writeSoon(context.Background(), func(ctx context.Context, tx *transaction) error {
		_, err := tx.exec(ctx, `INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, e.At.UnixMilli(), e.Store, e.Provider, e.ID,
			e.Name, e.Outcome, e.Reason, e.Error, e.Took.Milliseconds())
		if err == nil {
			_, err = tx.exec(ctx, `DELETE FROM history WHERE at < ?`, ev.Time.Add(-historyKept).UnixMilli())
		}
		return err
	}))
}

// FirstTold reports whether no process of the user has told this alert of the
// account before, and notes that it is told now. It takes the place of those
// that begin with one of the words over.
func (s *Store) FirstTold(ctx context.Context, key engine.Key, alert string, over ...string) (bool, error) {
	first := false
	err := s.writer.write(ctx, func(ctx context.Context, tx *transaction) error {
		done, err := tx.exec(ctx, `INSERT INTO told VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`, key.Store, key.Provider, key.ID, alert)
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		first = n == 1
		for _, word := range over {
			if err == nil && first {
				_, err = tx.exec(ctx, `DELETE FROM told WHERE store = ? AND provider = ? AND account = ? AND alert <> ?
					AND substr(alert || ' ', 1, length(?) + 1) = ? || ' '`, key.Store, key.Provider, key.ID, alert, word, word)
			}
		}
		return err
	})
	return first, s.fault(err)
}

// Told returns the accounts of which this alert is the one told.
func (s *Store) Told(ctx context.Context, alert string) ([]engine.Key, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT store, provider, account FROM told WHERE alert = ?`, alert)
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	var keys []engine.Key
	for rows.Next() {
		var key engine.Key
		if err := rows.Scan(&key.Store, &key.Provider, &key.ID); err != nil {
			return nil, s.fault(err)
		}
		keys = append(keys, key)
	}
	return keys, s.fault(rows.Err())
}

// History returns an account's latest refreshes, the newest first.
func (s *Store) History(ctx context.Context, key engine.Key, limit int) ([]Entry, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT at, name, outcome, reason, error, took_ms FROM history
		WHERE store = ? AND provider = ? AND account = ? ORDER BY at DESC, rowid DESC LIMIT ?`, key.Store, key.Provider, key.ID, limit)
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	var entries []Entry
	for rows.Next() {
		var at, took int64
		e := Entry{Key: key}
		if err := rows.Scan(&at, &e.Name, &e.Outcome, &e.Reason, &e.Error, &took); err != nil {
			return nil, s.fault(err)
		}
		e.At, e.Took = kept(at), time.Duration(took)*time.Millisecond
		entries = append(entries, e)
	}
	return entries, s.fault(rows.Err())
}

// HistorySince returns the refreshes of all accounts since then, the oldest
// first, at most limit of the latest.
func (s *Store) HistorySince(ctx context.Context, since time.Time, limit int) ([]Entry, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT store, provider, account, at, name, outcome, reason, error, took_ms FROM
		(SELECT * FROM history WHERE at >= ? ORDER BY at DESC LIMIT ?) ORDER BY at`, since.UnixMilli(), limit)
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	var entries []Entry
	for rows.Next() {
		var at, took int64
		var e Entry
		if err := rows.Scan(&e.Store, &e.Provider, &e.ID, &at, &e.Name, &e.Outcome, &e.Reason, &e.Error, &took); err != nil {
			return nil, s.fault(err)
		}
		e.At, e.Took = kept(at), time.Duration(took)*time.Millisecond
		entries = append(entries, e)
	}
	return entries, s.fault(rows.Err())
}
