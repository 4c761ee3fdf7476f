package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// What waits is written together; of what fails nothing stays, of the others
// all; and who no longer waits is not begun with.
func TestWriter(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "tokentray.db"), nil)
	note := func(name string, err error) func(context.Context, *transaction) error {
		return func(ctx context.Context, tx *transaction) error {
			_, wrong := tx.exec(ctx, `INSERT INTO meta VALUES (?, '')`, name)
			return errors.Join(wrong, err)
		}
	}
	results := map[string]chan error{}
	begin := func(name string, run func(chan<- error)) {
		queued := s.writer.waiting()
		results[name] = make(chan error, 1)
		go run(results[name])
		eventually(t, func() bool { return s.writer.waiting() > queued || len(results[name]) > 0 })
	}
	held, inside := make(chan struct{}), make(chan struct{})
	results["first"] = make(chan error, 1)
	go func() {
		results["first"] <- s.writer.write(t.Context(), func(ctx context.Context, tx *transaction) error {
			close(inside)
			<-held
			return note("first", nil)(ctx, tx)
		})
	}()
	<-inside
	wrong := errors.New("no")
	ctx, giveUp := context.WithCancel(t.Context())
	begin("fails", func(r chan<- error) { r <- s.writer.write(t.Context(), note("fails", wrong)) })
	begin("stays", func(r chan<- error) { r <- s.writer.writeSoon(t.Context(), note("stays", nil)) })
	begin("twice", func(r chan<- error) { r <- s.writer.write(t.Context(), note("stays", nil)) })
	begin("given up", func(r chan<- error) { r <- s.writer.write(ctx, note("given up", nil)) })
	giveUp()
	if err := <-results["given up"]; !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	if n := s.writer.waiting(); n != 3 {
		t.Errorf("%d wait", n)
	}
	close(held)
	if err := errors.Join(<-results["first"], <-results["stays"]); err != nil {
		t.Error(err)
	}
	if err := <-results["fails"]; !errors.Is(err, wrong) {
		t.Errorf("what fails: %v", err)
	}
	if err := <-results["twice"]; err == nil {
		t.Error("one name twice")
	}
	for name, want := range map[string]int{"first": 1, "stays": 1, "fails": 0, "given up": 0} {
		n := -1
		if err := s.db.QueryRow(`SELECT COUNT(*) FROM meta WHERE name = ?`, name).Scan(&n); err != nil || n != want {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}

// Where SQLite takes everything back by itself, as on a full disk, nobody is
// told that it was written, and nothing stays.
func TestWriterDiskFull(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "tokentray.db"), nil)
	big := func(ctx context.Context, tx *transaction) error {
		_, err := tx.exec(ctx, `INSERT INTO meta VALUES ('big', hex(zeroblob(10000000)))`)
		return err
	}
	var pages int
	if err := s.writer.tx.conn.QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if _, err := s.writer.tx.conn.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages+10)); err != nil {
		t.Fatal(err)
	}
	small := func(name string) *write {
		return &write{done: make(chan struct{}), do: func(ctx context.Context, tx *transaction) error {
			_, err := tx.exec(ctx, `INSERT INTO meta VALUES (?, '')`, name)
			return err
		}}
	}
	batch := []*write{small("before"), {do: big, done: make(chan struct{})}, small("after")}
	s.writer.commit(batch)
	for i, one := range batch {
		written := 0
		if err := s.db.QueryRow(`SELECT COUNT(*) FROM meta WHERE name = ?`, []string{"before", "big", "after"}[i]).Scan(&written); err != nil {
			t.Fatal(err)
		}
		if (one.err == nil) != (written == 1) {
			t.Errorf("%d: %v, and there are %d", i, one.err, written)
		}
	}
	if batch[1].err == nil {
		t.Error("the disk was not full")
	}
	if err := s.writer.write(t.Context(), small("next").do); err != nil {
		t.Errorf("the next: %v", err)
	}
}

func (w *writer) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue)
}

func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never came about")
		}
	}
}

// A transaction that nothing ended is no end of all writing.
func TestWriterBeginsAnew(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "tokentray.db"), nil)
	note := func(ctx context.Context, tx *transaction) error {
		_, err := tx.exec(ctx, `INSERT INTO meta VALUES (?, '')`, rand.Text())
		return err
	}
	if err := s.writer.write(t.Context(), note); err != nil {
		t.Fatal(err)
	}
	if err := s.writer.tx.run(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	if err := s.writer.write(t.Context(), note); err == nil {
		t.Error("two transactions at once")
	}
	if err := s.writer.write(t.Context(), note); err != nil {
		t.Errorf("the next: %v", err)
	}
}
