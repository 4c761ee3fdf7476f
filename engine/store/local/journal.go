package local

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"errors"
	"time"

	"tokentray/engine"
)

// Journal is the engine.Journal of the accounts of all stores, in this file.
type Journal struct{ file *Store }

// Journal returns the journal in the file.
func (s *Store) Journal() *Journal { return &Journal{s} }

// place is bound into a sealed record, so that it cannot be moved to another
// account.
func place(key engine.Key) string { return key.Store + "/" + key.String() }

func (j *Journal) decode(aead cipher.AEAD, key engine.Key, text []byte) engine.Record {
	secret, err := sealed(aead, text, place(key), "journal").Open()
	if err == nil {
		var r engine.Record
		if r, err = engine.DecodeRecord(secret); err == nil {
			return r
		}
	}
	return engine.Record{Damaged: true}
}

// Since implements engine.Journal.
func (j *Journal) Since(ctx context.Context, mark int64) (map[engine.Key]engine.Record, int64, error) {
	rows, err := j.file.db.QueryContext(ctx, `SELECT store, provider, account, seq, record FROM journal WHERE seq > ?`, mark)
	if err != nil {
		return nil, mark, j.file.fault(err)
	}
	defer rows.Close()
	records := map[engine.Key]engine.Record{}
	for rows.Next() {
		var key engine.Key
		var seq int64
		var text []byte
		if err := rows.Scan(&key.Store, &key.Provider, &key.ID, &seq, &text); err != nil {
			return nil, mark, j.file.fault(err)
		}
		aead, err := j.file.aead(ctx, false)
		if err != nil {
			return nil, mark, err
		}
		records[key] = j.decode(aead, key, text)
		mark = max(mark, seq)
	}
	return records, mark, j.file.fault(rows.Err())
}

// Read implements engine.Journal.
func (j *Journal) Read(ctx context.Context, key engine.Key) (engine.Record, error) {
	_, r, err := j.read(ctx, j.file.scan, key)
	return r, j.file.fault(err)
}

type scan func(ctx context.Context, to []any, query string, args ...any) error

func (s *Store) scan(ctx context.Context, to []any, query string, args ...any) error {
	return s.db.QueryRowContext(ctx, query, args...).Scan(to...)
}

func (j *Journal) read(ctx context.Context, scan scan, key engine.Key) (text []byte, r engine.Record, err error) {
	err = scan(ctx, []any{&text}, `SELECT record FROM journal WHERE store = ? AND provider = ? AND account = ?`, key.Store, key.Provider, key.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, engine.Record{}, nil
	}
	if err != nil {
		return nil, engine.Record{}, err
	}
	aead, err := j.file.aead(ctx, false)
	if err != nil {
		return nil, engine.Record{}, err
	}
	return text, j.decode(aead, key, text), nil
}

// Update implements engine.Journal.
func (j *Journal) Update(ctx context.Context, change func(engine.Key, *engine.Record), keys ...engine.Key) error {
	return j.update(ctx, j.file.writer.write, change, keys)
}

// UpdateSoon implements engine.Journal.
func (j *Journal) UpdateSoon(ctx context.Context, change func(engine.Key, *engine.Record), keys ...engine.Key) error {
	return j.update(ctx, j.file.writer.writeSoon, change, keys)
}

func (j *Journal) update(ctx context.Context, write func(context.Context, func(context.Context, *transaction) error) error,
	change func(engine.Key, *engine.Record), keys []engine.Key) error {
	aead, err := j.file.aead(ctx, true)
	if err != nil {
		return err
	}
	if len(keys) == 1 { // often there is nothing to write, and so no turn to wait for
		if _, r, err := j.read(ctx, j.file.scan, keys[0]); err == nil {
			before, damaged := r.Encode(), r.Damaged
			if change(keys[0], &r); r.Encode() == before && r.Damaged == damaged {
				return nil
			}
		}
	}
	return j.file.fault(write(ctx, func(ctx context.Context, tx *transaction) error {
		for _, key := range keys {
			text, r, err := j.read(ctx, tx.scan, key)
			if err != nil {
				return err
			}
			before, damaged := r.Encode(), r.Damaged
			if change(key, &r); r.Encode() == before && r.Damaged == damaged {
				continue
			}
			if damaged {
				if _, err := tx.exec(ctx, `INSERT INTO journal_damaged VALUES (?, ?, ?, ?, ?)`, time.Now().UnixMilli(),
					key.Store, key.Provider, key.ID, text); err != nil {
					return err
				}
			}
			if err := j.write(ctx, tx, aead, key, r.Encode()); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (j *Journal) write(ctx context.Context, tx *transaction, aead cipher.AEAD, key engine.Key, record engine.Secret) error {
	if record == (engine.Record{}).Encode() {
		_, err := tx.exec(ctx, `DELETE FROM journal WHERE store = ? AND provider = ? AND account = ?`, key.Store, key.Provider, key.ID)
		return err
	}
	_, err := tx.exec(ctx, `INSERT INTO journal (store, provider, account, seq, record)
		VALUES (?1, ?2, ?3, MAX(?5, (SELECT COALESCE(MAX(seq), 0) + 1 FROM journal)), ?4)
		ON CONFLICT (store, provider, account) DO UPDATE SET seq = excluded.seq, record = excluded.record`,
		key.Store, key.Provider, key.ID, seal(aead, record, place(key), "journal"),
		time.Now().UnixMicro()) // the time, so that no number comes again where the last row was removed
	return err
}
