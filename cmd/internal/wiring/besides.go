package wiring

import (
	"context"

	"tokentray/engine"
	"tokentray/engine/store/local"
)

// besides is the embedded store beside a relay. Its file is opened when it is
// needed, and is not made to be read.
type besides struct{ app *App }

// Name implements Store.
func (b besides) Name() string { return "the embedded store " + b.app.database }

// Close implements Store: the app closes its file.
func (b besides) Close() error { return nil }

// List implements engine.Store.
func (b besides) List(ctx context.Context) (engine.Listing, error) {
	if journal(b).absent() {
		return engine.Listing{}, nil
	}
	file, err := b.app.localFile()
	if err != nil {
		return engine.Listing{}, err
	}
	return file.List(ctx)
}

// Load implements engine.Store.
func (b besides) Load(ctx context.Context, key engine.Key) (engine.Account, error) {
	return in(b, func(file *local.Store) (engine.Account, error) { return file.Load(ctx, key) })
}

// Write implements engine.Store.
func (b besides) Write(ctx context.Context, old engine.Account, change engine.Change) (engine.Account, error) {
	return in(b, func(file *local.Store) (engine.Account, error) { return file.Write(ctx, old, change) })
}

// Add implements engine.Store.
func (b besides) Add(ctx context.Context, account engine.NewAccount) (engine.Account, error) {
	return in(b, func(file *local.Store) (engine.Account, error) { return file.Add(ctx, account) })
}

// TryLock implements engine.Locker.
func (b besides) TryLock(ctx context.Context, key engine.Key) (engine.Lease, error) {
	return in(b, func(file *local.Store) (engine.Lease, error) { return file.TryLock(ctx, key) })
}

// in does something with the file.
func in[T any](b besides, do func(*local.Store) (T, error)) (T, error) {
	file, err := b.app.localFile()
	if err != nil {
		var none T
		return none, err
	}
	return do(file)
}

// Edit implements engine.Store.
func (b besides) Edit(ctx context.Context, key engine.Key, edit engine.Edit) (engine.Account, error) {
	return in(b, func(file *local.Store) (engine.Account, error) { return file.Edit(ctx, key, edit) })
}

// Remove implements engine.Store.
func (b besides) Remove(ctx context.Context, key engine.Key) error {
	_, err := in(b, func(file *local.Store) (struct{}, error) { return struct{}{}, file.Remove(ctx, key) })
	return err
}
