package wiring

import (
	"context"
	"fmt"
	"os"

	"tokentray/engine"
	"tokentray/engine/store/local"
)

// localFile opens the embedded store's file, which has the journal and the
// history of any store's accounts. Where the accounts lie elsewhere, a damaged
// file is set aside and a new one begun: what was on its way to a provider is
// noted beside the account too.
func (a *App) localFile() (*local.Store, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.file != nil {
		if Store(a.file) == a.Store || !a.file.Moved() {
			return a.file, nil
		}
		a.drop() // another process set it aside
	}
	file, err := local.Open(a.database)
	if local.Damaged(err) && a.setAside() {
		file, err = local.Open(a.database)
	}
	if err == nil {
		a.file = file
	}
	return file, err
}

// drop leaves the file to those who are at work on it. With a.mu held.
func (a *App) drop() {
	a.dropped = append(a.dropped, a.file)
	a.file = nil
}

// setAside moves the damaged file out of the way. With a.mu held.
func (a *App) setAside() bool {
	kept, err := local.SetAside(a.database)
	switch {
	case err != nil:
		a.warn(err)
	case kept != "":
		a.warn(fmt.Errorf("the journal in %s was damaged: it is kept as %s, and a new one is begun. "+
			"Of what was on its way to a provider, the records beside the accounts tell; accounts of the embedded store, "+
			"choices for accounts and what was known of tools' logins are in the damaged file alone", a.database, kept))
	}
	return err == nil
}

// journal is the engine.Journal in that file. The store is named there as the
// engine names it: a relay's accounts have ids that are unique everywhere, so
// they are known again where its Redis, or a backup of it, has another address. What is only read does not make
// the file.
type journal struct{ app *App }

// Journal is what the app's engine keeps its records in.
func (a *App) Journal() engine.Journal { return journal{a} }

// with runs do on the journal, again where it was damaged and could be set
// aside.
func (j journal) with(do func(*local.Journal) error) error {
	for try := 1; ; try++ {
		file, err := j.app.localFile()
		if err == nil {
			err = do(file.Journal())
		}
		if !local.Damaged(err) || try == 2 || engine.Store(file) == engine.Store(j.app.Store) {
			return err
		}
		j.app.mu.Lock()
		if file != nil && j.app.file == file {
			j.app.drop()
			j.app.setAside()
		}
		j.app.mu.Unlock()
	}
}

func (j journal) absent() bool {
	_, err := os.Stat(j.app.database)
	return os.IsNotExist(err)
}

// Since implements engine.Journal.
func (j journal) Since(ctx context.Context, mark int64) (records map[engine.Key]engine.Record, next int64, err error) {
	if j.absent() {
		return nil, 0, nil
	}
	err = j.with(func(file *local.Journal) error {
		records, next, err = file.Since(ctx, mark)
		return err
	})
	return records, next, err
}

// Read implements engine.Journal.
func (j journal) Read(ctx context.Context, key engine.Key) (r engine.Record, err error) {
	if j.absent() {
		return r, nil
	}
	err = j.with(func(file *local.Journal) error {
		r, err = file.Read(ctx, key)
		return err
	})
	return r, err
}

// Update implements engine.Journal.
func (j journal) Update(ctx context.Context, change func(engine.Key, *engine.Record), keys ...engine.Key) error {
	return j.with(func(file *local.Journal) error { return file.Update(ctx, change, keys...) })
}

// UpdateSoon implements engine.Journal.
func (j journal) UpdateSoon(ctx context.Context, change func(engine.Key, *engine.Record), keys ...engine.Key) error {
	return j.with(func(file *local.Journal) error { return file.UpdateSoon(ctx, change, keys...) })
}
