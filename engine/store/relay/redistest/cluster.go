package redistest

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

const slots = 16384

// Cluster is a Redis Cluster: masters that share the slots evenly.
type Cluster struct {
	Nodes    []*Server // the masters
	Replicas []*Server // as many, or none
	Addrs    []string  // of the masters
	Client   *redis.ClusterClient
}

// StartCluster starts one.
func StartCluster(t testing.TB, masters int, args ...string) *Cluster {
	t.Helper()
	ctx := context.Background()
	c := &Cluster{}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range masters {
		s := Start(t, append([]string{"--cluster-enabled", "yes"}, args...)...)
		c.Nodes, c.Addrs = append(c.Nodes, s), append(c.Addrs, s.Addr)
		do(s.Client.ClusterAddSlotsRange(ctx, i*slots/masters, (i+1)*slots/masters-1).Err())
		do(s.Client.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err())
	}
	for _, s := range c.Nodes[1:] {
		do(s.Client.ClusterMeet(ctx, c.Nodes[0].Host, c.Nodes[0].Port).Err())
	}
	for _, s := range c.Nodes {
		Until(t, "the cluster comes up", func(ctx context.Context) bool {
			info, _ := s.Client.ClusterInfo(ctx).Result()
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:"+strconv.Itoa(masters))
		})
	}
	c.Client = redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addrs})
	t.Cleanup(func() { c.Client.Close() })
	return c
}

// Replicate gives each master a replica, and waits until it would take over.
func (c *Cluster) Replicate(t testing.TB, args ...string) {
	t.Helper()
	ctx := context.Background()
	for _, master := range c.Nodes {
		s := Start(t, append([]string{"--cluster-enabled", "yes"}, args...)...)
		c.Replicas = append(c.Replicas, s)
		if err := s.Client.ClusterMeet(ctx, master.Host, master.Port).Err(); err != nil {
			t.Fatal(err)
		}
		id := master.Client.Do(ctx, "CLUSTER", "MYID").Val()
		Until(t, "a node knows the one to be its master", func(ctx context.Context) bool {
			return s.Client.Do(ctx, "CLUSTER", "REPLICATE", id).Err() == nil
		})
		Until(t, "a replica has what its master has", func(ctx context.Context) bool {
			info, _ := s.Client.Info(ctx, "replication").Result()
			return strings.Contains(info, "master_link_status:up")
		})
	}
	for _, s := range slices.Concat(c.Nodes, c.Replicas) {
		Until(t, "every node knows who follows whom", func(ctx context.Context) bool {
			nodes, _ := s.Client.ClusterNodes(ctx).Result()
			return strings.Count(nodes, "slave ") == len(c.Replicas)
		})
	}
}

// Each does something on every node.
func (c *Cluster) Each(t testing.TB, do func(node *redis.Client) error) {
	t.Helper()
	for _, s := range slices.Concat(c.Nodes, c.Replicas) {
		if err := do(s.Client); err != nil {
			t.Fatal(err)
		}
	}
}

// Move moves the key's slot to another node, key by key, as resharding does,
// and yields between the steps.
func (c *Cluster) Move(t testing.TB, key string) iter.Seq[struct{}] {
	return func(yield func(struct{}) bool) {
		ctx := context.Background()
		do := func(node *Server, args ...any) any {
			t.Helper()
			reply, err := node.Client.Do(ctx, args...).Result()
			if err != nil {
				t.Fatal(err)
			}
			return reply
		}
		id := func(node *Server) any { return do(node, "CLUSTER", "MYID") }
		slot := do(c.Nodes[0], "CLUSTER", "KEYSLOT", key).(int64)
		keysIn := func(node *Server) []any { return do(node, "CLUSTER", "GETKEYSINSLOT", slot, 1000).([]any) }
		from := slices.IndexFunc(c.Nodes, func(node *Server) bool { return len(keysIn(node)) > 0 })
		source, target := c.Nodes[from], c.Nodes[(from+1)%len(c.Nodes)]
		do(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", id(source))
		do(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", id(target))
		for _, key := range keysIn(source) {
			if !yield(struct{}{}) {
				return
			}
			do(source, "MIGRATE", target.Host, target.Port, key, 0, 5000)
		}
		if !yield(struct{}{}) {
			return
		}
		for _, node := range []*Server{target, source} {
			do(node, "CLUSTER", "SETSLOT", slot, "NODE", id(target))
		}
		yield(struct{}{})
	}
}
