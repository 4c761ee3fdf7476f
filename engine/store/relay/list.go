package relay

import (
	"context"
	_ "embed"
	"fmt"
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
	for part := range slices.Chunk(members, chunk) {
		accounts, err := s.read(ctx, part, listFields)
		if err != nil {
			return listing, err
		}
		listing.Accounts = append(listing.Accounts, accounts...)
	}
	return listing, nil
}

// Load implements engine.Store.
func (s *Store) Load(ctx context.Context, key engine.Key) (engine.Account, error) {
	p, ok := platforms[key.Provider]
	if !ok {
		return engine.Account{}, notFound(key)
	}
	accounts, err := s.read(ctx, []member{{p, key.ID}}, fields)
	if err != nil {
		return engine.Account{}, err
	}
	if len(accounts) == 0 {
		return engine.Account{}, notFound(key)
	}
	return accounts[0], nil
}

func notFound(key engine.Key) error {
	return engine.Errorf(engine.KindNotFound, fmt.Sprintf("the relay has no %s account %s (any more)", key.Provider, engine.Clean(key.ID)), nil)
}

// read returns those of the members that exist.
func (s *Store) read(ctx context.Context, members []member, names []string) ([]engine.Account, error) {
	replies, err := s.readAll(ctx, members, names)
	if err != nil {
		return nil, s.fault(err)
	}
	var accounts []engine.Account
	for i, m := range members {
		switch values := replies[2*i].(type) {
		case []any:
			if a, exists := s.account(m.platform, m.id, values, replies[2*i+1]); exists {
				accounts = append(accounts, a)
			}
		default:
			accounts = append(accounts, broken(m.platform, m.id, fmt.Sprint(values)))
		}
	}
	return accounts, nil
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
