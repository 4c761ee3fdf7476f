package local

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"
	_ "modernc.org/sqlite"

	"tokentray/engine"
)

// Store is the engine.Store and engine.Locker of one SQLite file. Close it
// when done.
type Store struct {
	path   string
	db     *sql.DB
	writer *writer
	info   os.FileInfo // of the file that was opened
	ring   ring

	mu     sync.Mutex
	cipher cipher.AEAD // once the key was had
}

// schema is what each version adds; PRAGMA user_version counts them.
var schema = []string{`
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE accounts (
	id              TEXT PRIMARY KEY,
	provider        TEXT NOT NULL,
	name            TEXT NOT NULL UNIQUE,
	client          TEXT NOT NULL,
	active          INTEGER NOT NULL,
	status          TEXT NOT NULL,
	error           TEXT NOT NULL,
	expires_at      INTEGER NOT NULL, -- milliseconds, 0: unknown; so all times
	last_refresh_at INTEGER NOT NULL,
	scopes          TEXT NOT NULL,
	organization    TEXT NOT NULL,
	proxy           BLOB NOT NULL,    -- sealed, or empty; so the tokens
	refresh_token   BLOB NOT NULL,
	access_token    BLOB NOT NULL,
	memo            TEXT NOT NULL     -- engine.Memo as JSON
) STRICT;
CREATE TABLE history (
	at       INTEGER NOT NULL,
	store    TEXT NOT NULL,
	provider TEXT NOT NULL,
	account  TEXT NOT NULL,
	name     TEXT NOT NULL,
	outcome  TEXT NOT NULL,
	reason   TEXT NOT NULL,
	error    TEXT NOT NULL,
	took_ms  INTEGER NOT NULL
) STRICT;
CREATE INDEX history_account ON history (store, provider, account, at);
CREATE INDEX history_at ON history (at);
CREATE TABLE waits ( -- until when a provider asked to be left alone
	store    TEXT NOT NULL,
	provider TEXT NOT NULL,
	account  TEXT NOT NULL,
	until    INTEGER NOT NULL,
	PRIMARY KEY (store, provider, account)
) STRICT;
CREATE TABLE told ( -- alerts that went out, for all processes
	store    TEXT NOT NULL,
	provider TEXT NOT NULL,
	account  TEXT NOT NULL,
	alert    TEXT NOT NULL,
	PRIMARY KEY (store, provider, account, alert)
) STRICT;
`, `
ALTER TABLE accounts DROP COLUMN memo;
ALTER TABLE accounts ADD COLUMN record BLOB NOT NULL DEFAULT x''; -- engine.Record, sealed
DROP TABLE waits; -- a record has them
CREATE TABLE journal ( -- what must not be lost: see engine.Journal
	store    TEXT NOT NULL,
	provider TEXT NOT NULL,
	account  TEXT NOT NULL,
	seq      INTEGER NOT NULL, -- rises with every write
	record   BLOB NOT NULL,    -- engine.Record, sealed
	PRIMARY KEY (store, provider, account)
) STRICT;
CREATE INDEX journal_seq ON journal (store, seq);
CREATE TABLE journal_damaged ( -- records that could not be opened, set aside
	at       INTEGER NOT NULL,
	store    TEXT NOT NULL,
	provider TEXT NOT NULL,
	account  TEXT NOT NULL,
	record   BLOB NOT NULL
) STRICT;
`, `
DROP INDEX journal_seq;
CREATE INDEX journal_seq ON journal (seq); -- one numbering for all stores
UPDATE history SET store = CASE WHEN store LIKE 'the embedded store %' THEN 'embedded' ELSE 'relay' END;
UPDATE OR REPLACE told SET store = CASE WHEN store LIKE 'the embedded store %' THEN 'embedded' ELSE 'relay' END;
`, `
ALTER TABLE accounts ADD COLUMN oauth BLOB NOT NULL DEFAULT x''; -- engine.Account.OAuth, sealed
`}

// Open opens the file, making it and its folder (for their owner only) where
// they are not there yet.
func Open(path string) (*Store, error) {
	s := &Store{path: path, ring: systemKeyring()}
	if err := s.open(); err != nil {
		return nil, s.fault(err)
	}
	return s, nil
}

func (s *Store) open() error {
	if err := os.MkdirAll(s.lockDir(), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(s.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	s.info, err = file.Stat()
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if s.db, err = sql.Open("sqlite", source(s.path)); err != nil {
		return err
	}
	s.db.SetMaxOpenConns(5) // one of them is the writer's
	s.writer = newWriter(s.db)
	if err := s.migrate(); err != nil {
		s.Close()
		return err
	}
	return nil
}

func source(path string) string {
	u := url.URL{Scheme: "file", Path: path, RawQuery: "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)" +
		"&_pragma=synchronous(FULL)"}
	return u.String()
}

// migrate brings the file to the newest schema, once among all processes.
func (s *Store) migrate() error {
	version := 0
	if err := s.db.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version == len(schema) {
		return nil
	}
	return s.alone(func() error {
		if err := s.db.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		if version > len(schema) {
			return fmt.Errorf("it was written by a newer Tokentray (version %d of its form, %d is known here): update", version, len(schema))
		}
		for ; version < len(schema); version++ {
			if _, err := s.writer.exec(context.Background(), schema[version]+fmt.Sprintf("; PRAGMA user_version = %d", version+1)); err != nil {
				return err
			}
		}
		return nil
	})
}

// alone runs do while no other process does the same.
func (s *Store) alone(do func() error) error {
	lock := flock.New(filepath.Join(s.lockDir(), "setup.lock"), flock.SetPermissions(0o600))
	if err := lock.Lock(); err != nil {
		return err
	}
	defer lock.Unlock()
	return do()
}

func (s *Store) lockDir() string { return s.path + ".locks" }

// Name is where the store is, for people.
func (s *Store) Name() string { return "the embedded store " + s.path }

// Close closes the file.
func (s *Store) Close() error { return errors.Join(s.writer.close(), s.db.Close()) }

// fault gives an error of the file its kind and says what to do.
func (s *Store) fault(err error) error {
	var kind *engine.Error
	if err == nil || errors.As(err, &kind) || errors.Is(err, context.Canceled) {
		return err
	}
	return engine.Errorf(engine.KindStore, fmt.Sprintf("the embedded store %s cannot be used: check the disk and the "+
		"folder's rights, or set TOKENTRAY_HOME to another folder", s.path), err)
}
