package redistest

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// MasterName is what the sentinels call their master.
const MasterName = "mymaster"

// StartSentinels starts sentinels that watch the master, more than half of
// which decide, and returns their addresses once each knows a replica and all
// the others.
func StartSentinels(t testing.TB, master *Server, n int) []string {
	t.Helper()
	var addrs []string
	for range n {
		dir, port := t.TempDir(), freePort(t)
		conf := filepath.Join(dir, "sentinel.conf")
		text := fmt.Sprintf("port %s\nbind 127.0.0.1\ndir %s\nsentinel monitor %s 127.0.0.1 %s %d\n"+
			"sentinel down-after-milliseconds %[3]s 500\nsentinel failover-timeout %[3]s 3000\n", port, dir, MasterName, master.Port, n/2+1)
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(begin(t, master.binary, conf, "--sentinel").Kill)
		addrs = append(addrs, net.JoinHostPort("127.0.0.1", port))
	}
	for _, addr := range addrs {
		client := redis.NewSentinelClient(&redis.Options{Addr: addr, DialerRetries: 1})
		defer client.Close()
		Until(t, "a sentinel knows the replica and its peers", func(ctx context.Context) bool {
			m, _ := client.Master(ctx, MasterName).Result()
			replicas, _ := strconv.Atoi(m["num-slaves"])
			return replicas > 0 && m["num-other-sentinels"] == strconv.Itoa(n-1)
		})
	}
	return addrs
}

// Until waits until it holds.
func Until(t testing.TB, what string, holds func(ctx context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	for !holds(ctx) {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("never: " + what)
		}
	}
}
