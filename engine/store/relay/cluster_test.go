package relay

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tokentray/engine"
	"tokentray/engine/store/relay/redistest"
	"tokentray/engine/store/storetest"
)

// startCluster starts one of three masters, whose user has the rights of
// docs/REDIS.md and no other.
func startCluster(t *testing.T) (c *redistest.Cluster, open func(t *testing.T) *Store) {
	t.Helper()
	c = redistest.StartCluster(t, 3)
	rights := redistest.ReadRights(t)
	c.Each(t, func(node *redis.Client) error {
		redistest.Grant(t, node, rights.All, rights.Cluster)
		return nil
	})
	return c, func(t *testing.T) *Store {
		s := Open(asUser(Config{Addrs: c.Addrs[:1], Cluster: true}))
		s.keys = testKeys()
		t.Cleanup(func() { s.Close() })
		return s
	}
}

func TestConformanceOnACluster(t *testing.T) {
	cluster, open := startCluster(t)
	flush := func() {
		cluster.Each(t, func(node *redis.Client) error { return node.FlushAll(t.Context()).Err() })
	}
	storetest.Run(t, func(t *testing.T) storetest.Subject {
		flush()
		return storetest.Subject{
			Store: open(t), Locker: open(t), OtherLocker: open(t),
			Remove: func(t *testing.T, key engine.Key) {
				if err := cluster.Client.Del(t.Context(), platforms[key.Provider].hashKey(key.ID)).Err(); err != nil {
					t.Fatal(err)
				}
			},
			Providers: slices.Sorted(maps.Keys(platforms)),
		}
	})
	// Found without an index, or with a broken one.
	flush()
	redistest.Relay(t).Load(t, cluster.Client)
	cluster.Client.Set(t.Context(), "claude:account:odd", "not a hash", 0)
	for _, broken := range []bool{false, true} {
		cluster.Client.Del(t.Context(), "claude:account:index")
		if broken {
			cluster.Client.Set(t.Context(), "claude:account:index", "not a set", 0)
		}
		listing, err := open(t).List(t.Context())
		if err != nil || len(listing.Accounts) != 9 || (len(listing.Problems) > 0) != broken {
			t.Errorf("%d accounts, %v, %v", len(listing.Accounts), err, listing.Problems)
		}
	}
}

// Accounts lie on all nodes, each with its record, and all are found, locked
// and written.
func TestAccountsOverAllSlots(t *testing.T) {
	const n = 300
	cluster, open := startCluster(t)
	s := open(t)
	for i := range n {
		a, err := s.Add(t.Context(), engine.NewAccount{Provider: []string{engine.Claude, engine.Gemini, engine.OpenAI}[i%3],
			Name: fmt.Sprint("account ", i), RefreshToken: engine.NewSecret("refresh-0")})
		if err != nil {
			t.Fatal(err)
		}
		lease, err := s.TryLock(t.Context(), a.Key)
		if err == nil {
			_, err = s.Write(t.Context(), a, engine.Change{Token: token("access-1"), At: time.Now(), Record: engine.NewSecret("{}")})
		}
		if err == nil {
			err = lease.Release(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	listing, err := open(t).List(t.Context())
	if err != nil || len(listing.Accounts) != n || len(listing.Problems) > 0 {
		t.Fatalf("%d accounts, %v, %v", len(listing.Accounts), err, listing.Problems)
	}
	for _, a := range listing.Accounts {
		if record, err := a.Record.Open(); err != nil || record.Reveal() != "{}" {
			t.Errorf("%s: the record %q, %v", a.Key, record.Reveal(), err)
		}
	}
	cluster.Each(t, func(node *redis.Client) error {
		accounts, records := 0, 0
		keys, err := node.Keys(t.Context(), "*").Result()
		for _, key := range keys {
			switch {
			case strings.HasPrefix(key, "tokentray:"):
				records++
			case strings.Contains(key, "account:") && !strings.Contains(key, ":index"):
				accounts++
			}
		}
		// Each slot is as likely: a third, which is 100 with a deviation of 8.
		if accounts < 50 || accounts != records {
			t.Errorf("%v: %d accounts, %d records", node, accounts, records)
		}
		return err
	})
}

// While an account's slot moves to another node it is read all the time, and
// afterwards written there, by a store that knew the old place.
func TestMovingSlot(t *testing.T) {
	cluster, open := startCluster(t)
	s := open(t)
	a, err := s.Add(t.Context(), engine.NewAccount{Provider: engine.Claude, Name: "moves", RefreshToken: engine.NewSecret("refresh-0")})
	if err == nil {
		a, err = s.Write(t.Context(), a, engine.Change{Record: engine.NewSecret("{}")})
	}
	if err != nil {
		t.Fatal(err)
	}
	step := 0
	for range cluster.Move(t, platforms[engine.Claude].hashKey(a.ID)) {
		step++
		found, err := s.Load(t.Context(), a.Key)
		if err != nil || found.RefreshToken.Stored() != a.RefreshToken.Stored() {
			t.Errorf("step %d: %v", step, err)
		}
		if record, err := found.Record.Open(); err != nil || record.Reveal() != "{}" {
			t.Errorf("step %d: the record %q, %v", step, record.Reveal(), err)
		}
		next, err := s.Write(t.Context(), found, engine.Change{Record: engine.NewSecret("{}")})
		switch {
		case err == nil:
			a = next
		case engine.KindOf(err) != engine.KindStore || !strings.Contains(err.Error(), "cannot serve now"):
			t.Errorf("step %d: %v", step, err)
		}
		t.Logf("step %d: written: %v", step, err)
	}
	found, err := s.Load(t.Context(), a.Key)
	if err == nil {
		_, err = s.Write(t.Context(), found, engine.Change{Token: token("access-1"), At: time.Now(), Record: engine.NewSecret("{}")})
	}
	if err != nil {
		t.Error(err)
	}
}

// What a user lacks on a Cluster is named too. (+command saves go-redis from
// asking again and again; it works without.)
func TestLeastRightsOnACluster(t *testing.T) {
	cluster, rights := redistest.StartCluster(t, 3), redistest.ReadRights(t)
	cfg := asUser(Config{Addrs: cluster.Addrs[:1], Cluster: true})
	grant := func(without string) {
		more := slices.DeleteFunc(slices.Clone(rights.Cluster), func(right string) bool { return right == without })
		cluster.Each(t, func(node *redis.Client) error {
			redistest.Grant(t, node, rights.All, rights.Webhooks, more)
			return nil
		})
	}
	if grant(""); everything(t, cfg) != nil {
		t.Error(everything(t, cfg))
	}
	if grant("+cluster|slots"); !strings.Contains(fmt.Sprint(everything(t, cfg)), "give it +cluster|slots") {
		t.Error(everything(t, cfg))
	}
	grant("+asking")
	s := Open(cfg)
	defer s.Close()
	s.keys = testKeys()
	a, err := s.Add(t.Context(), engine.NewAccount{Provider: engine.Claude, Name: "moves", RefreshToken: engine.NewSecret("refresh-0")})
	if err != nil {
		t.Fatal(err)
	}
	told := ""
	for range cluster.Move(t, platforms[engine.Claude].hashKey(a.ID)) {
		_, err := s.Load(t.Context(), a.Key)
		told += fmt.Sprint(err, "\n")
	}
	if !strings.Contains(told, "give this user +asking") {
		t.Error(told)
	}
}
