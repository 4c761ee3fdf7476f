package relay

import (
	"context"
	_ "embed"
	"fmt"
	"iter"
	"slices"

	"github.com/redis/go-redis/v9"

	"tokentray/engine"
)

// chunk is how many accounts one script reads: well below a millisecond of the
// server's time (BenchmarkReadScript).
const chunk = 128

var (
	//go:embed read.lua
	readText   string
	readScript = newScript(readText)
)

// member is one id of one platform.
type member struct {
	platform
	id string
}

// List implements engine.Store. It costs one command for the indexes and one
// for every chunk accounts.
func (s *Store) List(ctx context.Context) (engine.Listing, error) {
	members, problems, err := s.members(ctx)
	listing := engine.Listing{Problems: problems}
	if err != nil {
		return listing, err
	}
	listing.Accounts = make([]engine.Account, 0, len(members))
	for part := range s.ahead(ctx, members) {
		if part.err != nil {
			return listing, s.fault(part.err)
		}
		listing.Accounts = s.decode(listing.Accounts, part)
	}
	return listing, nil
}

// part is some members and what the server said of them.
type part struct {
	members []member
	replies []any
	err     error
}

// ahead reads the members in parts: the server is at the next part while the
// last one is looked at here.
func (s *Store) ahead(ctx context.Context, members []member) iter.Seq[part] {
	return func(yield func(part) bool) {
		ctx, cancel := context.WithCancel(ctx)
		parts := make(chan part)
		defer func() {
			cancel()
			for range parts { // until it is closed
			}
		}()
		go func() {
			defer close(parts)
			for some := range slices.Chunk(members, chunk) {
				replies, err := s.readAll(ctx, some, listFields)
				parts <- part{some, replies, err}
				if err != nil {
					return
				}
			}
		}()
		for p := range parts {
			if !yield(p) {
				return
			}
		}
	}
}

// Load implements engine.Store.
func (s *Store) Load(ctx context.Context, key engine.Key) (engine.Account, error) {
	p, ok := platforms[key.Provider]
	if !ok {
		return engine.Account{}, notFound(key)
	}
	one := []member{{p, key.ID}}
	replies, err := s.readAll(ctx, one, fields)
	if err != nil {
		return engine.Account{}, s.fault(err)
	}
	accounts := s.decode(nil, part{one, replies, nil})
	if len(accounts) == 0 {
		return engine.Account{}, notFound(key)
	}
	return accounts[0], nil
}

func notFound(key engine.Key) error {
	return engine.Errorf(engine.KindNotFound, fmt.Sprintf("the relay has no %s account %s (any more)", key.Provider, engine.Clean(key.ID)), nil)
}

// decode appends those of the part's members that exist.
func (s *Store) decode(accounts []engine.Account, p part) []engine.Account {
	for i, m := range p.members {
		switch values := p.replies[2*i].(type) {
		case []any:
			if a, exists := s.account(m.platform, m.id, values, p.replies[2*i+1]); exists {
				accounts = append(accounts, a)
			}
		default:
			accounts = append(accounts, broken(m.platform, m.id, fmt.Sprint(values)))
		}
	}
	return accounts
}

// readAll returns two values for each member: its fields' values, or the error
// text that reading them gave, and the record beside it or nil.
func (s *Store) readAll(ctx context.Context, members []member, names []string) ([]any, error) {
	if s.cluster() {
		return s.readPipelined(ctx, members, names)
	}
	keys := make([]string, 0, 2*len(members))
	for _, m := range members {
		keys = append(keys, m.hashKey(m.id), m.recordKey(m.id))
	}
	args := make([]any, len(names))
	for i, name := range names {
		args[i] = name
	}
	replies, err := readScript.Run(ctx, s.client, keys, args...).Slice()
	if err == nil && len(replies) != len(keys) {
		err = fmt.Errorf("%d replies to %d keys", len(replies), len(keys))
	}
	return replies, err
}

// noRecord stands where a record should be and something else is: it opens as
// a damaged one. read.lua has the same.
const noRecord = "?"

// readPipelined does the same where the keys lie in different Cluster slots.
func (s *Store) readPipelined(ctx context.Context, members []member, names []string) ([]any, error) {
	pipe := s.client.Pipeline()
	for _, m := range members {
		pipe.HMGet(ctx, m.hashKey(m.id), names...)
		pipe.Get(ctx, m.recordKey(m.id))
	}
	commands, _ := pipe.Exec(ctx) // each command has its own error
	replies := make([]any, 0, len(commands))
	for _, c := range commands {
		switch c := c.(type) {
		case *redis.SliceCmd:
			values, err := c.Result()
			if redis.HasErrorPrefix(err, "WRONGTYPE") {
				replies = append(replies, err.Error())
				continue
			}
			if err != nil {
				return nil, err
			}
			replies = append(replies, values)
		case *redis.StringCmd:
			record, err := c.Result()
			switch {
			case err == nil:
				replies = append(replies, record)
			case err == redis.Nil:
				replies = append(replies, nil)
			case redis.HasErrorPrefix(err, "WRONGTYPE"):
				replies = append(replies, noRecord)
			default:
				return nil, err
			}
		}
	}
	return replies, nil
}
