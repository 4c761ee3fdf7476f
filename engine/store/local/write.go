package local

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"
	"sync"
)

// writer has what several write at the same time made durable by one commit,
// which waits for the disk. Who writes waits for its turn here: SQLite would have
// it sleep and try again.
type writer struct {
	db *sql.DB

	turn chan struct{} // has room for one: who puts in writes for all who wait
	tx   *transaction  // of whoever has the turn; nil until it is needed

	mu    sync.Mutex
	queue []*write
}

type write struct {
	do   func(context.Context, *transaction) error
	soon bool
	err  error
	done chan struct{} // closed when err is set
}

func newWriter(db *sql.DB) *writer {
	return &writer{db: db, turn: make(chan struct{}, 1)}
}

// close waits for what is being written.
func (w *writer) close() error {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	if w.tx == nil {
		return nil
	}
	tx := w.tx
	w.tx = nil
	return tx.close()
}

// write runs do in a transaction, perhaps with others' before and after it. On
// return without an error it is durable. Where do fails, what it wrote is taken
// back, and the others' stays. Once do has begun, ctx ends nothing.
func (w *writer) write(ctx context.Context, do func(context.Context, *transaction) error) error {
	return w.enter(ctx, &write{do: do, done: make(chan struct{})})
}

// writeSoon is write for what need not be durable before the next write is: a
// power cut may take it back, never a part of it.
func (w *writer) writeSoon(ctx context.Context, do func(context.Context, *transaction) error) error {
	return w.enter(ctx, &write{do: do, soon: true, done: make(chan struct{})})
}

// exec is write of one statement.
func (w *writer) exec(ctx context.Context, query string, args ...any) (done sql.Result, err error) {
	err = w.write(ctx, func(ctx context.Context, tx *transaction) error {
		done, err = tx.conn.ExecContext(ctx, query, args...) // seldom, or several at once
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
	tx, err := w.begin(ctx, durable)
	if err != nil {
		return err
	}
	for _, one := range batch {
		if err = tx.run(ctx, "SAVEPOINT one"); err != nil {
			break
		}
		if one.err = one.do(ctx, tx); one.err != nil {
			// Where SQLite took back everything by itself, as on a full disk,
			// this fails, and no other may begin.
			if err = tx.run(ctx, "ROLLBACK TO one"); err != nil {
				break
			}
		}
		if err = tx.run(ctx, "RELEASE one"); err != nil {
			break
		}
	}
	if err == nil {
		err = tx.run(ctx, "COMMIT")
	}
	if err != nil {
		tx.run(ctx, "ROLLBACK") // fails where SQLite has done that by itself
	}
	return err
}

// begin begins a transaction, with the write lock.
func (w *writer) begin(ctx context.Context, durable string) (*transaction, error) {
	if w.tx == nil {
		conn, err := w.db.Conn(ctx)
		if err != nil {
			return nil, err
		}
		w.tx = &transaction{conn, map[string]*sql.Stmt{}}
	}
	tx := w.tx
	err := tx.run(ctx, durable)
	if err == nil {
		err = tx.run(ctx, "BEGIN IMMEDIATE")
	}
	if err != nil { // the next has a new connection, whatever became of this one
		tx.close()
		w.tx = nil
	}
	return tx, err
}

// transaction is what is written, always on the same connection. It keeps its
// statements prepared: they are few, and parsing one takes longer than running it.
type transaction struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
}

func (t *transaction) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt := t.prepared[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := t.conn.PrepareContext(ctx, query)
	if err == nil {
		t.prepared[query] = stmt
	}
	return stmt, err
}

// close ends the connection too, with whatever is still open on it.
func (t *transaction) close() error {
	var err error
	for _, stmt := range t.prepared {
		err = errors.Join(err, stmt.Close())
	}
	t.conn.Raw(func(any) error { return driver.ErrBadConn }) // nobody is to use it again
	return err
}

// exec runs a statement.
func (t *transaction) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := t.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

func (t *transaction) run(ctx context.Context, query string) error {
	_, err := t.exec(ctx, query)
	return err
}

// scan reads one row, as sql.Row.Scan does.
func (t *transaction) scan(ctx context.Context, to []any, query string, args ...any) error {
	stmt, err := t.prepare(ctx, query)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(ctx, args...).Scan(to...)
}
