package local

import (
	"context"
	"strings"

	"tokentray/engine"
)

// Edit implements engine.Store. Names are unique.
func (s *Store) Edit(ctx context.Context, key engine.Key, edit engine.Edit) (engine.Account, error) {
	if _, err := s.Load(ctx, key); err != nil { // a file without accounts has no key either
		return engine.Account{}, err
	}
	var columns []string
	var values []any
	set := func(column string, value any) {
		columns = append(columns, column+" = ?")
		values = append(values, value)
	}
	name := ""
	if edit.Name != nil {
		name = *edit.Name
		set("name", name)
	}
	if edit.Active != nil {
		set("active", *edit.Active)
	}
	for column, secret := range map[string]*engine.Secret{"proxy": edit.Proxy, "oauth": edit.OAuth} {
		if secret == nil {
			continue
		}
		aead, err := s.aead(ctx, false)
		if err != nil {
			return engine.Account{}, err
		}
		set(column, seal(aead, *secret, key.ID, column))
	}
	if len(columns) > 0 {
		if _, err := s.writer.exec(ctx, `UPDATE accounts SET `+strings.Join(columns, ", ")+` WHERE id = ? AND provider = ?`,
			append(values, key.ID, key.Provider)...); err != nil {
			return engine.Account{}, s.fault(nameTaken(err, name))
		}
	}
	return s.Load(ctx, key)
}

// Remove implements engine.Store. The account's row holds all there is of it
// but its history, which stays for its 90 days.
func (s *Store) Remove(ctx context.Context, key engine.Key) error {
	done, err := s.writer.exec(ctx, `DELETE FROM accounts WHERE id = ? AND provider = ?`, key.ID, key.Provider)
	if err != nil {
		return s.fault(err)
	}
	if n, err := done.RowsAffected(); err != nil || n > 0 {
		return s.fault(err)
	}
	return notFound(key)
}
