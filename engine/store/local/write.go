package local

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
)

// writer has what several write at the same time made durable by one commit,
// which waits for the disk. Who writes waits for its turn here: SQLite would have
// it sleep and try again.
type writer struct {
	db *sql.DB // of one connection

	turn chan struct{} // has room for one: who puts in writes for all who wait

	mu    sync.Mutex
	queue []*write
}

type write struct {
	do   func(context.Context, *sql.Tx) error
	soon bool
	err  error
	done chan struct{} // closed when err is set
}

func newWriter(db *sql.DB) *writer {
	db.SetMaxOpenConns(1)
	return &writer{db: db, turn: make(chan struct{}, 1)}
}

// write runs do in a transaction, perhaps with others' before and after it. On
// return without an error it is durable. Where do fails, what it wrote is taken
// back, and the others' stays. Once do has begun, ctx ends nothing.
func (w *writer) write(ctx context.Context, do func(context.Context, *sql.Tx) error) error {
	return w.enter(ctx, &write{do: do, done: make(chan struct{})})
}

// writeSoon is write for what need not be durable before the next write is: a
// power cut may take it back, never a part of it.
func (w *writer) writeSoon(ctx context.Context, do func(context.Context, *sql.Tx) error) error {
	return w.enter(ctx, &write{do: do, soon: true, done: make(chan struct{})})
}

// exec is write of one statement.
func (w *writer) exec(ctx context.Context, query string, args ...any) (done sql.Result, err error) {
	err = w.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		done, err = tx.ExecContext(ctx, query, args...)
		return err
	})
	return done, err
}

func (w *writer) enter(ctx context.Context, ours *write) error {
	w.mu.Lock()
	w.queue = append(w.queue, ours)
	w.mu.Unlock()
	select {
	case w.turn <- struct{}{}:
		w.mu.Lock()
		batch := w.queue
		w.queue = nil
		w.mu.Unlock()
		w.commit(batch)
		<-w.turn
	case <-ours.done:
	case <-ctx.Done():
		if w.withdraw(ours) {
			return ctx.Err()
		}
	}
	<-ours.done
	return ours.err
}

// withdraw reports whether nobody has begun with one that waits, and nobody
// will.
func (w *writer) withdraw(one *write) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.queue, one)
	if i >= 0 {
		w.queue = slices.Delete(w.queue, i, i+1)
	}
	return i >= 0
}

// commit writes the batch, which may be empty: another's turn may have had it.
func (w *writer) commit(batch []*write) {
	if len(batch) == 0 {
		return
	}
	err := w.try(context.Background(), batch)
	for _, one := range batch {
		if one.err == nil {
			one.err = err
		}
		close(one.done)
	}
}

func (w *writer) try(ctx context.Context, batch []*write) error {
	durable := "PRAGMA synchronous = NORMAL"
	if slices.ContainsFunc(batch, func(one *write) bool { return !one.soon }) {
		durable = "PRAGMA synchronous = FULL"
	}
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err = conn.ExecContext(ctx, durable); err != nil {
		return err
	}
	tx, err := conn.BeginTx(ctx, nil) // with the write lock
	if err != nil {
		return err
	}
	for _, one := range batch {
		if _, err = tx.ExecContext(ctx, "SAVEPOINT one"); err != nil {
			break
		}
		if one.err = one.do(ctx, tx); one.err != nil {
			// Where SQLite took back everything by itself, as on a full disk,
			// this fails, and no other may begin.
			if _, err = tx.ExecContext(ctx, "ROLLBACK TO one"); err != nil {
				break
			}
		}
		if _, err = tx.ExecContext(ctx, "RELEASE one"); err != nil {
			break
		}
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
