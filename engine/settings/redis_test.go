package settings

import (
	"encoding/pem"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"tokentray/engine"
)

type env = map[string]string

func TestRedis(t *testing.T) {
	pw := engine.NewSecret("pw")
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	ca := newBench(t).write(t.TempDir(), "ca.pem",
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))

	for name, test := range map[string]struct {
		env  env
		want *Redis
	}{
		"none": {env{}, nil},
		"what selects nothing": {env{"REDIS_PORT": "1", "REDIS_PASSWORD": "pw", "REDIS_DB": "1", "REDIS_USERNAME": "u",
			"REDIS_ENABLE_TLS": "true", "REDIS_TLS_CA_FILE": ca}, nil},
		"host": {env{"REDIS_HOST": "h"}, &Redis{Addrs: []string{"h:6379"}}},
		"host with all": {env{"REDIS_HOST": "::1", "REDIS_PORT": "1", "REDIS_PASSWORD": "pw", "REDIS_DB": "3", "REDIS_USERNAME": "u", "REDIS_ENABLE_TLS": "true"},
			&Redis{Addrs: []string{"[::1]:1"}, Password: pw, DB: 3, Username: "u", TLS: true}},
		"a CA alone does not mean TLS": {env{"REDIS_HOST": "h", "REDIS_TLS_CA_FILE": ca}, &Redis{Addrs: []string{"h:6379"}, TLSCAFile: ca}},

		"url":              {env{"REDIS_URL": "redis://h"}, &Redis{Addrs: []string{"h:6379"}}},
		"url with all":     {env{"REDIS_URL": "rediss://u:p%77@h:1/2"}, &Redis{Addrs: []string{"h:1"}, Username: "u", Password: pw, DB: 2, TLS: true}},
		"url without user": {env{"REDIS_URL": "redis://:pw@[::1]"}, &Redis{Addrs: []string{"[::1]:6379"}, Password: pw}},
		"url leaves to the others what it does not say": {
			env{"REDIS_URL": "redis://h", "REDIS_PORT": "1", "REDIS_USERNAME": "u", "REDIS_PASSWORD": "pw", "REDIS_DB": "4", "REDIS_ENABLE_TLS": "true"},
			&Redis{Addrs: []string{"h:1"}, Username: "u", Password: pw, DB: 4, TLS: true}},
		"url wins where it says something": {
			env{"REDIS_URL": "rediss://u:pw@h:1/0", "REDIS_PORT": "2", "REDIS_USERNAME": "v", "REDIS_PASSWORD": "x", "REDIS_DB": "4", "REDIS_ENABLE_TLS": "false"},
			&Redis{Addrs: []string{"h:1"}, Username: "u", Password: pw, TLS: true}},

		"sentinel": {env{"REDIS_SENTINEL_MASTER": "m", "REDIS_SENTINEL_ADDRS": "a:1, [::1]:2", "REDIS_PASSWORD": "pw", "REDIS_DB": "1"},
			&Redis{Addrs: []string{"a:1", "[::1]:2"}, SentinelMaster: "m", Password: pw, DB: 1}},
		"cluster": {env{"REDIS_CLUSTER_ADDRS": "a:1,b:2"}, &Redis{Addrs: []string{"a:1", "b:2"}, Cluster: true}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			for k, v := range test.env {
				b.env[k] = v
			}
			b.env["ENCRYPTION_KEY"] = "key"
			if got := b.load().Redis; !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestRedisRefused(t *testing.T) {
	const key = "ENCRYPTION_KEY"
	for name, test := range map[string]struct {
		env, flags env
		want       []string
	}{
		"without the relay's key": {env{"REDIS_HOST": "h"}, nil, []string{"ENCRYPTION_KEY is not set", "the relay's .env"}},
		"host and url": {env{key: "k", "REDIS_URL": "redis://:hidden@h"}, env{"REDIS_HOST": "h"},
			[]string{"REDIS_HOST from --redis-host and REDIS_URL from environment are both set"}},
		"host and cluster":     {env{key: "k", "REDIS_HOST": "h", "REDIS_CLUSTER_ADDRS": "a:1"}, nil, []string{"REDIS_HOST", "REDIS_CLUSTER_ADDRS"}},
		"cluster and sentinel": {env{key: "k", "REDIS_CLUSTER_ADDRS": "a:1", "REDIS_SENTINEL_MASTER": "m", "REDIS_SENTINEL_ADDRS": "a:1"}, nil, []string{"REDIS_SENTINEL_MASTER", "REDIS_CLUSTER_ADDRS"}},
		"a master alone":       {env{key: "k", "REDIS_SENTINEL_MASTER": "m"}, nil, []string{"REDIS_SENTINEL_MASTER from environment needs REDIS_SENTINEL_ADDRS"}},
		"sentinels alone":      {env{key: "k", "REDIS_HOST": "h", "REDIS_SENTINEL_ADDRS": "a:1"}, nil, []string{"REDIS_SENTINEL_ADDRS from environment needs REDIS_SENTINEL_MASTER"}},
		"a cluster's database": {env{key: "k", "REDIS_CLUSTER_ADDRS": "a:1", "REDIS_DB": "2"}, nil, []string{`REDIS_DB from environment is "2"`, "database 0 only"}},
		"a password in a flag": {env{key: "k"}, env{"REDIS_URL": "redis://u:hidden@h"}, []string{"REDIS_URL from --redis-url", "command line", "REDIS_PASSWORD"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.flags = test.flags
			for k, v := range test.env {
				b.env[k] = v
			}
			got := b.refused()
			contains(t, got, test.want...)
			if strings.Contains(got, "hidden") {
				t.Error(got)
			}
		})
	}
}

func TestUserInURLFlag(t *testing.T) {
	b := newBench(t)
	b.env["ENCRYPTION_KEY"], b.env["REDIS_PASSWORD"] = "k", "pw"
	b.flags["REDIS_URL"] = "redis://u@h"
	if r := b.load().Redis; r.Username != "u" || r.Password.Reveal() != "pw" {
		t.Errorf("%+v", r)
	}
}
