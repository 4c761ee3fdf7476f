package relay

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"tokentray/engine"
)

const (
	// chunk is how many accounts one script reads: a millisecond or two of the
	// server's time (see BenchmarkReadScript).
	chunk = 128
	// indexStep is the COUNT of an SSCAN over an index.
	indexStep = 5000
	// emptyFor is how long an empty fallback scan is remembered, here and as
	// the relay's marker.
	emptyFor = time.Hour
)

var (
	//go:embed read.lua
	readText   string
	readScript = redis.NewScript(readText)
)

// member is one id of one platform.
type member struct {
	platform
	id string
}

// List implements engine.Store. It costs one command per index (and one for
// each that is empty) and one for every chunk accounts.
func (s *Store) List(ctx context.Context) (engine.Listing, error) {
	var listing engine.Listing
	var members []member
	for _, name := range slices.Sorted(maps.Keys(platforms)) {
		p := platforms[name]
		ids, err := s.ids(ctx, p)
		if err != nil && engine.KindOf(err) != engine.KindUnreadable {
			return listing, err
		}
		if err != nil {
			listing.Problems = append(listing.Problems, fmt.Errorf("the index %s cannot be used, its accounts were found by a scan: "+
				"remove the key and let the relay make it anew: %w", p.index(), err))
		}
		for _, id := range ids {
			members = append(members, member{p, id})
		}
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
// text that reading them gave, and its memo or nil.
func (s *Store) readAll(ctx context.Context, members []member, names []string) ([]any, error) {
	if _, cluster := s.client.(*redis.ClusterClient); cluster {
		return s.readPipelined(ctx, members, names)
	}
	keys := make([]string, 0, 2*len(members))
	for _, m := range members {
		keys = append(keys, m.hashKey(m.id), m.memoKey(m.id))
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

// readPipelined does the same where the keys lie in different Cluster slots.
func (s *Store) readPipelined(ctx context.Context, members []member, names []string) ([]any, error) {
	pipe := s.client.Pipeline()
	for _, m := range members {
		pipe.HMGet(ctx, m.hashKey(m.id), names...)
		pipe.Get(ctx, m.memoKey(m.id))
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
			if memo, err := c.Result(); err == nil {
				replies = append(replies, memo)
			} else {
				replies = append(replies, nil)
			}
		}
	}
	return replies, nil
}

// ids returns a platform's account ids: its index, or where that is empty or
// unusable what a scan of the keys finds. Of KindUnreadable, the error is told
// beside what was found.
func (s *Store) ids(ctx context.Context, p platform) ([]string, error) {
	ids, indexErr := s.indexed(ctx, p)
	if indexErr != nil && engine.KindOf(indexErr) != engine.KindUnreadable {
		return nil, indexErr
	}
	if len(ids) > 0 {
		return ids, nil
	}
	if indexErr == nil {
		empty, err := s.knownEmpty(ctx, p)
		if err != nil || empty {
			return nil, err
		}
	}
	ids, err := s.scan(ctx, p)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 && indexErr == nil {
		s.known.remember(p.provider)
		if err := s.client.Set(ctx, p.emptyMarker(), "1", emptyFor).Err(); err != nil {
			return nil, s.fault(err)
		}
	}
	return ids, indexErr
}

// indexed reads the index set in steps that do not hold the server up.
func (s *Store) indexed(ctx context.Context, p platform) ([]string, error) {
	var ids []string
	for cursor := uint64(0); ; {
		found, next, err := s.client.SScan(ctx, p.index(), cursor, "", indexStep).Result()
		if err != nil {
			return nil, s.fault(err)
		}
		ids = append(ids, found...)
		if cursor = next; cursor == 0 {
			break
		}
	}
	slices.Sort(ids) // a scan may return one twice
	return slices.Compact(ids), nil
}

func (s *Store) knownEmpty(ctx context.Context, p platform) (bool, error) {
	if s.known.empty(p.provider) {
		return true, nil
	}
	n, err := s.client.Exists(ctx, p.emptyMarker()).Result()
	return n > 0, s.fault(err)
}

// scan finds account keys without an index.
func (s *Store) scan(ctx context.Context, p platform) ([]string, error) {
	var mu sync.Mutex
	var ids []string
	scan := func(ctx context.Context, node redis.UniversalClient) error {
		for cursor := uint64(0); ; {
			keys, next, err := node.Scan(ctx, cursor, p.prefix+"*", 1000).Result()
			if err != nil {
				return err
			}
			mu.Lock()
			for _, key := range keys {
				if key != p.index() && !strings.HasPrefix(key, p.index()+":") {
					ids = append(ids, strings.TrimPrefix(key, p.prefix))
				}
			}
			mu.Unlock()
			if cursor = next; cursor == 0 {
				return nil
			}
		}
	}
	var err error
	if cluster, ok := s.client.(*redis.ClusterClient); ok {
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return scan(ctx, node) })
	} else {
		err = scan(ctx, s.client)
	}
	slices.Sort(ids)
	return slices.Compact(ids), s.fault(err)
}

// emptyIndexes remembers which platforms a scan found to have no account. An
// index that fills is seen all the same: it is read first.
type emptyIndexes struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func (e *emptyIndexes) remember(provider string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.until[provider] = time.Now().Add(emptyFor)
}

func (e *emptyIndexes) empty(provider string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Now().Before(e.until[provider])
}
