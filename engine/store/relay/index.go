package relay

import (
	"context"
	_ "embed"
	"errors"
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
	// indexAtOnce is how many members of an index one script returns; a larger
	// one is read by SSCAN in steps, so that the server is never held up.
	indexAtOnce = 1000
	indexStep   = 1000
	// emptyFor is how long an empty fallback scan is remembered, here and as
	// the relay's marker.
	emptyFor = time.Hour
)

var (
	//go:embed index.lua
	indexText   string
	indexScript = newScript(indexText)
)

// index is what a platform's index set says.
type index struct {
	platform
	ids   []string
	large bool  // too large to be read with the others
	empty bool  // the relay's marker says that there are none
	err   error // of KindUnreadable: the key holds something else
}

// members returns the ids of all accounts, and what is wrong with an index
// whose accounts had to be found by a scan.
func (s *Store) members(ctx context.Context) (members []member, problems []error, err error) {
	indexes, err := s.indexes(ctx)
	if err != nil {
		return nil, nil, s.fault(err)
	}
	for i := range indexes {
		ix := &indexes[i]
		ids, err := s.idsOf(ctx, ix)
		if err != nil {
			return nil, nil, s.fault(err)
		}
		for _, id := range ids {
			members = append(members, member{ix.platform, id})
		}
		if ix.err != nil {
			problems = append(problems, unreadable(fmt.Sprintf("the index %s cannot be used, its accounts were found by a scan: "+
				"remove the key and let the relay make it anew", ix.index()), ix.err))
		}
	}
	return members, problems, nil
}

// indexes reads all index sets in one command, or on a Cluster, where they lie
// in different slots, each on its own.
func (s *Store) indexes(ctx context.Context) ([]index, error) {
	var indexes []index
	var keys []string
	for _, name := range slices.Sorted(maps.Keys(platforms)) {
		p := platforms[name]
		indexes = append(indexes, index{platform: p})
		keys = append(keys, p.index(), p.emptyMarker())
	}
	if s.cluster() {
		for i := range indexes {
			n, err := s.client.Exists(ctx, indexes[i].emptyMarker()).Result()
			if err != nil {
				return nil, err
			}
			indexes[i].large, indexes[i].empty = true, n > 0
		}
		return indexes, nil
	}
	replies, err := indexScript.Run(ctx, s.client, keys, indexAtOnce).Slice()
	if err == nil && len(replies) != len(keys) {
		err = fmt.Errorf("%d replies to %d keys", len(replies), len(keys))
	}
	if err != nil {
		return nil, err
	}
	for i := range indexes {
		switch reply := replies[2*i].(type) {
		case []any:
			for _, id := range reply {
				indexes[i].ids = append(indexes[i].ids, fmt.Sprint(id))
			}
		case int64:
			indexes[i].large = true
		default:
			indexes[i].err = errors.New(engine.Clean(fmt.Sprint(reply)))
		}
		indexes[i].empty = replies[2*i+1] == int64(1)
	}
	return indexes, nil
}

// idsOf returns a platform's ids: those of its index, or where that is empty or
// unusable those that a scan of the keys finds.
func (s *Store) idsOf(ctx context.Context, ix *index) ([]string, error) {
	if ix.large {
		ids, err := s.scanIndex(ctx, ix.platform)
		if redis.HasErrorPrefix(err, "WRONGTYPE") {
			ix.err = err
		} else if err != nil {
			return nil, err
		}
		ix.ids = ids
	}
	if len(ix.ids) > 0 {
		return ix.ids, nil
	}
	if ix.err == nil && (ix.empty || s.known.empty(ix.provider)) {
		return nil, nil
	}
	ids, err := s.scanKeys(ctx, ix.platform)
	if err == nil && len(ids) == 0 && ix.err == nil {
		s.known.remember(ix.provider)
		// For the others' sake only: a server that takes no writes can be read.
		s.client.Set(ctx, ix.emptyMarker(), "1", emptyFor)
	}
	return ids, err
}

// scanIndex reads a large index set in steps.
func (s *Store) scanIndex(ctx context.Context, p platform) ([]string, error) {
	var ids []string
	for cursor := uint64(0); ; {
		found, next, err := s.client.SScan(ctx, p.index(), cursor, "", indexStep).Result()
		if err != nil {
			return nil, err
		}
		ids = append(ids, found...)
		if cursor = next; cursor == 0 {
			break
		}
	}
	slices.Sort(ids) // a scan may return one twice
	return slices.Compact(ids), nil
}

// scanKeys finds account keys without an index.
func (s *Store) scanKeys(ctx context.Context, p platform) ([]string, error) {
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
	return slices.Compact(ids), err
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
