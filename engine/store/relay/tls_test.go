package relay

import (
	"crypto/tls"
	"maps"
	"slices"
	"strings"
	"testing"

	"tokentray/engine"
	"tokentray/engine/store/relay/redistest"
	"tokentray/engine/store/storetest"
)

// Over TLS, as a user with the rights of docs/REDIS.md and no other.
func TestConformanceOverTLS(t *testing.T) {
	ca := redistest.NewAuthority(t)
	server := redistest.StartTLS(t, ca)
	redistest.Grant(t, server.Client, redistest.ReadRights(t).All)
	open := func(t *testing.T) *Store {
		s := Open(asUser(Config{Addrs: []string{server.Addr}, TLS: &tls.Config{RootCAs: ca.Pool()}}))
		s.keys = testKeys()
		t.Cleanup(func() { s.Close() })
		return s
	}
	storetest.Run(t, func(t *testing.T) storetest.Subject {
		if err := server.Client.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		s := open(t)
		return storetest.Subject{
			Store: s, Locker: s, OtherLocker: open(t),
			Remove: func(t *testing.T, key engine.Key) {
				if err := server.Client.Del(t.Context(), platforms[key.Provider].hashKey(key.ID)).Err(); err != nil {
					t.Fatal(err)
				}
			},
			Providers: slices.Sorted(maps.Keys(platforms)),
		}
	})
}

// A way to Redis that is not as the settings say is told with its cure.
func TestWrongWays(t *testing.T) {
	ca := redistest.NewAuthority(t)
	plain, secure := redistest.Start(t), redistest.StartTLS(t, ca)
	asking := redistest.StartTLS(t, ca, "--tls-auth-clients", "yes")
	node := redistest.StartCluster(t, 1).Nodes[0]
	replica := redistest.Start(t, "--replicaof", "127.0.0.1 "+plain.Port)
	sentinels := redistest.StartSentinels(t, plain, 1)
	trust := &tls.Config{RootCAs: ca.Pool()}
	for name, test := range map[string]struct {
		cfg  Config
		says string
	}{
		"another's CA":      {Config{Addrs: []string{secure.Addr}, TLS: &tls.Config{RootCAs: redistest.NewAuthority(t).Pool()}}, "give its CA in REDIS_TLS_CA_FILE"},
		"the system's CAs":  {Config{Addrs: []string{secure.Addr}, TLS: &tls.Config{}}, "give its CA in REDIS_TLS_CA_FILE"},
		"another name":      {Config{Addrs: []string{"localhost:" + secure.Port}, TLS: trust}, "wanted to match localhost): it needs a new one, or be called by a name that is in it, in REDIS_HOST"},
		"asked for ours":    {Config{Addrs: []string{asking.Addr}, TLS: trust}, "set tls-auth-clients to no"},
		"it has no TLS":     {Config{Addrs: []string{plain.Addr}, TLS: trust}, "that it speaks TLS there (REDIS_ENABLE_TLS)"},
		"it has TLS alone":  {Config{Addrs: []string{secure.Addr}}, "whether it speaks TLS alone (REDIS_ENABLE_TLS)"},
		"a replica":         {Config{Addrs: []string{replica.Addr}}, "use Sentinel"},
		"no sentinels":      {Config{Addrs: []string{"127.0.0.1:1", "127.0.0.1:2"}, SentinelMaster: "m"}, "connection refused): check REDIS_SENTINEL_ADDRS"},
		"a server":          {Config{Addrs: []string{plain.Addr}, SentinelMaster: "m"}, "is no sentinel: check REDIS_SENTINEL_ADDRS"},
		"another's master":  {Config{Addrs: sentinels, SentinelMaster: "m"}, "has no master of that name: check REDIS_SENTINEL_MASTER"},
		"no cluster":        {Config{Addrs: []string{plain.Addr}, Cluster: true}, "name it in REDIS_HOST"},
		"no nodes":          {Config{Addrs: []string{"127.0.0.1:1"}, Cluster: true}, "connection refused): check REDIS_CLUSTER_ADDRS"},
		"a cluster's node":  {Config{Addrs: []string{node.Addr}}, "name it in REDIS_CLUSTER_ADDRS"},
		"a cluster's right": {asUser(Config{Addrs: []string{node.Addr}, Cluster: true}), "check REDIS_USERNAME and REDIS_PASSWORD"},
	} {
		t.Run(name, func(t *testing.T) {
			s := Open(test.cfg)
			defer s.Close()
			s.keys = testKeys()
			_, err := s.List(t.Context())
			if err == nil { // it can be read
				_, err = s.TryLock(t.Context(), engine.Key{Provider: engine.Claude, ID: "x"})
			}
			if engine.KindOf(err) != engine.KindStore || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v\nshould say: %s", err, test.says)
			}
		})
	}
}
