package local

import (
	"cmp"
	"context"
	"crypto/cipher"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"tokentray/engine"
)

const columns = `id, provider, name, client, active, status, error, expires_at, last_refresh_at, scopes, organization, proxy, oauth, record, refresh_token`

// List implements engine.Store. Where there are accounts and no key it is an
// error of KindStore: nothing could be done with them.
func (s *Store) List(ctx context.Context) (engine.Listing, error) {
	accounts, err := s.read(ctx, `SELECT `+columns+`, x'' FROM accounts`)
	return engine.Listing{Accounts: accounts}, err
}

// Load implements engine.Store.
func (s *Store) Load(ctx context.Context, key engine.Key) (engine.Account, error) {
	accounts, err := s.read(ctx, `SELECT `+columns+`, access_token FROM accounts WHERE id = ? AND provider = ?`, key.ID, key.Provider)
	if err != nil {
		return engine.Account{}, err
	}
	if len(accounts) == 0 {
		return engine.Account{}, notFound(key)
	}
	return accounts[0], nil
}

func notFound(key engine.Key) error {
	return engine.Errorf(engine.KindNotFound, fmt.Sprintf("there is no %s account %s (any more)", key.Provider, engine.Clean(key.ID)), nil)
}

func (s *Store) read(ctx context.Context, query string, args ...any) ([]engine.Account, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	var accounts []engine.Account
	for rows.Next() {
		var a engine.Account
		var expires, refreshed int64
		var proxy, oauth, record, refresh, access []byte
		if err := rows.Scan(&a.ID, &a.Provider, &a.Name, &a.Client, &a.Active, &a.StoreStatus, &a.StoreError, &expires, &refreshed,
			&a.Scopes, &a.Organization, &proxy, &oauth, &record, &refresh, &access); err != nil {
			return nil, s.fault(err)
		}
		aead, err := s.aead(ctx, false)
		if err != nil {
			return nil, err
		}
		a.ExpiresAt, a.LastRefreshAt = fromMillis(expires), fromMillis(refreshed)
		a.RefreshToken = sealed(aead, refresh, a.ID, "refresh_token")
		a.AccessToken = sealed(aead, access, a.ID, "access_token")
		if a.Proxy, err = sealed(aead, proxy, a.ID, "proxy").Open(); err != nil {
			a.Problem = err
		}
		if a.OAuth, err = sealed(aead, oauth, a.ID, "oauth").Open(); err != nil {
			a.Problem = err
		}
		a.Record = sealed(aead, record, a.ID, "record")
		accounts = append(accounts, a)
	}
	return accounts, s.fault(rows.Err())
}

// seal encrypts; the account and the column are bound in, so that a value
// cannot be moved to another place.
func seal(aead cipher.AEAD, secret engine.Secret, id, column string) []byte {
	if secret.Empty() {
		return []byte{}
	}
	return aead.Seal(nil, nil, []byte(secret.Reveal()), []byte(id+"/"+column))
}

func sealed(aead cipher.AEAD, text []byte, id, column string) engine.Sealed {
	return engine.Seal(string(text), func(text string) (engine.Secret, error) {
		plain, err := aead.Open(nil, nil, []byte(text), []byte(id+"/"+column))
		if err != nil {
			return engine.Secret{}, engine.Errorf(engine.KindUnreadable, "its "+column+" in the embedded store is damaged: add the account anew", nil)
		}
		return engine.NewSecret(string(plain)), nil
	})
}

func toMillis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms <= 0 || ms > 253402300799999 { // unknown, or past the year 9999
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Write implements engine.Store. It need not be durable at once: what it stores
// is in the journal, which is in the same file, and is durable there.
func (s *Store) Write(ctx context.Context, old engine.Account, c engine.Change) (engine.Account, error) {
	aead, err := s.aead(ctx, false)
	if err != nil {
		return engine.Account{}, err
	}
	return s.swap(ctx, old, func(set func(column string, value any)) {
		set("record", seal(aead, c.Record, old.ID, "record"))
		if !c.Token.RefreshToken.Empty() {
			set("refresh_token", seal(aead, c.Token.RefreshToken, old.ID, "refresh_token"))
		}
		if !c.Token.AccessToken.Empty() {
			set("access_token", seal(aead, c.Token.AccessToken, old.ID, "access_token"))
			set("expires_at", toMillis(c.Token.ExpiresAt))
			set("last_refresh_at", toMillis(c.At))
			if c.Token.Scope != "" {
				set("scopes", c.Token.Scope)
			}
			if c.Token.Organization != "" {
				set("organization", c.Token.Organization)
			}
			if !c.Restored {
				set("status", "active")
				set("error", "")
			}
		}
		if c.Dead != "" {
			set("status", "error")
			set("error", engine.CodeText(c.Dead))
		}
	})
}

// swap changes columns if the stored refresh token still is old's.
func (s *Store) swap(ctx context.Context, old engine.Account, change func(set func(column string, value any))) (engine.Account, error) {
	var columns []string
	var values []any
	change(func(column string, value any) {
		columns = append(columns, column+" = ?")
		values = append(values, value)
	})
	err := s.writer.writeSoon(ctx, func(ctx context.Context, tx *transaction) error {
		var stored []byte
		err := tx.scan(ctx, []any{&stored}, `SELECT refresh_token FROM accounts WHERE id = ?`, old.ID)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return notFound(old.Key)
		case err != nil:
			return err
		case string(stored) != old.RefreshToken.Stored():
			return engine.Errorf(engine.KindConflict, "another program changed the account's refresh token", nil)
		}
		_, err = tx.exec(ctx, `UPDATE accounts SET `+strings.Join(columns, ", ")+` WHERE id = ?`, append(values, old.ID)...)
		return err
	})
	if err != nil {
		return engine.Account{}, s.fault(err)
	}
	return s.Load(ctx, old.Key)
}

// Add implements engine.Store. Names are unique.
func (s *Store) Add(ctx context.Context, n engine.NewAccount) (engine.Account, error) {
	aead, err := s.aead(ctx, true)
	if err != nil {
		return engine.Account{}, err
	}
	id := cmp.Or(n.ID, uuid.NewString())
	_, err = s.writer.exec(ctx, `INSERT INTO accounts (`+columns+`, access_token) VALUES (?, ?, ?, ?, ?, ?, '', ?, 0, ?, ?, ?, ?, x'', ?, ?)
		ON CONFLICT (id) DO NOTHING`, // it was done, and its end was not heard of
		id, n.Provider, n.Name, n.Client, !n.Inactive, "active", toMillis(n.ExpiresAt), n.Scopes, n.Organization,
		seal(aead, n.Proxy, id, "proxy"), seal(aead, n.OAuth, id, "oauth"),
		seal(aead, n.RefreshToken, id, "refresh_token"), seal(aead, n.AccessToken, id, "access_token"))
	if err != nil {
		return engine.Account{}, s.fault(nameTaken(err, n.Name))
	}
	return s.Load(ctx, engine.Key{Provider: n.Provider, ID: id})
}

// nameTaken says so where err is the file's refusal of a name that it has.
func nameTaken(err error, name string) error {
	if fault, ok := errors.AsType[*sqlite.Error](err); !ok || fault.Code() != sqlite3.SQLITE_CONSTRAINT_UNIQUE {
		return err
	}
	return engine.Errorf(engine.KindSettings, fmt.Sprintf("there is an account named %q already: choose another name", name), nil)
}
