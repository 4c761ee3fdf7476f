package relay

import (
	"context"
	_ "embed"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"tokentray/engine"
)

var (
	//go:embed edit.lua
	editText string
	//go:embed remove.lua
	removeText string

	editScript   = newScript(editText)
	removeScript = newScript(removeText)
)

// Edit implements engine.Store: it writes what the relay itself writes when an
// administrator changes these fields.
func (s *Store) Edit(ctx context.Context, key engine.Key, edit engine.Edit) (engine.Account, error) {
	p, ok := platforms[key.Provider]
	if !ok {
		return engine.Account{}, notFound(key)
	}
	if edit.OAuth != nil {
		return engine.Account{}, engine.Errorf(engine.KindSettings, "a relay keeps no OAuth client of an account", nil)
	}
	var changes []any
	if edit.Name != nil {
		changes = append(changes, "name", *edit.Name)
	}
	if edit.Proxy != nil {
		changes = append(changes, "proxy", edit.Proxy.Reveal())
	}
	if edit.Active != nil {
		changes = append(changes, "isActive", strconv.FormatBool(*edit.Active))
	}
	if len(changes) > 0 {
		if p.provider == engine.Gemini || p.provider == engine.OpenAI {
			changes = append(changes, "updatedAt", iso(time.Now()))
		}
		exists, err := editScript.Run(ctx, s.client, []string{p.hashKey(key.ID)}, changes...).Bool()
		if err != nil {
			return engine.Account{}, s.fault(err)
		}
		if !exists {
			return engine.Account{}, notFound(key)
		}
	}
	return s.Load(ctx, key)
}

// Remove implements engine.Store. The hash goes first, in one atomic step, and
// what else names the account after it: an index that names a missing account
// is read over by everyone.
func (s *Store) Remove(ctx context.Context, key engine.Key) error {
	p, ok := platforms[key.Provider]
	if !ok {
		return notFound(key)
	}
	existed, err := removeScript.Run(ctx, s.client, []string{p.hashKey(key.ID), p.recordKey(key.ID)}).Bool()
	if err != nil {
		return s.fault(err)
	}
	if !existed {
		return notFound(key)
	}
	_, err = s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.SRem(ctx, p.index(), key.ID)
		if p.shared != "" {
			pipe.SRem(ctx, p.shared, key.ID)
		}
		return nil
	})
	if err != nil && !redis.HasErrorPrefix(err, "WRONGTYPE") { // a broken index names nobody
		return s.fault(err)
	}
	// Last: until then a removal that is repeated is known as one.
	return s.fault(s.client.Del(ctx, p.recordKey(key.ID)).Err())
}
