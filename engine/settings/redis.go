package settings

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"tokentray/engine"
)

// Redis is how the relay's Redis is reached.
type Redis struct {
	Addrs          []string // host:port: one server, the sentinels, or nodes of the cluster
	SentinelMaster string   // set where Addrs are sentinels
	Cluster        bool
	Username       string
	Password       engine.Secret
	DB             int
	TLS            bool
	TLSCAFile      string // of PEM certificates; empty: the system's. Says nothing without TLS
}

// readRedis returns nil where no Redis is selected. All of its settings are
// checked even then: what is wrong now would be a surprise later.
func readRedis(r *reader) *Redis {
	redis := &Redis{
		Username:       read(r, "REDIS_USERNAME", word),
		Password:       read(r, "REDIS_PASSWORD", secret),
		DB:             read(r, "REDIS_DB", database),
		TLS:            read(r, "REDIS_ENABLE_TLS", boolean),
		TLSCAFile:      read(r, "REDIS_TLS_CA_FILE", certificates),
		SentinelMaster: read(r, "REDIS_SENTINEL_MASTER", word),
	}
	host, port := read(r, "REDIS_HOST", hostName), read(r, "REDIS_PORT", port)
	sentinels, nodes := read(r, "REDIS_SENTINEL_ADDRS", addresses), read(r, "REDIS_CLUSTER_ADDRS", addresses)
	u := read(r, "REDIS_URL", redisURL)

	switch selectedBy(r) {
	case "REDIS_HOST":
		redis.Addrs = []string{net.JoinHostPort(host, port)}
	case "REDIS_URL":
		refusePasswordFlag(r, u)
		redis.apply(u, port)
	case "REDIS_SENTINEL_MASTER":
		redis.Addrs = sentinels
	case "REDIS_CLUSTER_ADDRS":
		redis.Addrs, redis.Cluster = nodes, true
		if redis.DB != 0 {
			r.fail(r.values["REDIS_DB"].fault("a Redis Cluster has database 0 only"))
		}
	default:
		return nil
	}
	if !r.isSet("ENCRYPTION_KEY") {
		r.fail(engine.Errorf(engine.KindSettings, "ENCRYPTION_KEY is not set, and the accounts in Redis are encrypted with it: "+
			"copy it from the relay's .env into the environment or the env file", nil))
	}
	return redis
}

// selectedBy names the one setting that selects Redis; empty without one or
// after a fault.
func selectedBy(r *reader) string {
	const master, addrs = "REDIS_SENTINEL_MASTER", "REDIS_SENTINEL_ADDRS"
	for have, need := range map[string]string{master: addrs, addrs: master} {
		if r.isSet(have) && !r.isSet(need) {
			r.fail(engine.Errorf(engine.KindSettings,
				fmt.Sprintf("%s from %s needs %s too", have, r.values[have].source, need), nil))
		}
	}
	ways := []string{"REDIS_HOST", "REDIS_URL", master, "REDIS_CLUSTER_ADDRS"}
	ways = slices.DeleteFunc(ways, func(name string) bool { return !r.isSet(name) })
	if len(ways) > 1 {
		a, b := r.values[ways[0]], r.values[ways[1]]
		r.fail(engine.Errorf(engine.KindSettings,
			fmt.Sprintf("%s from %s and %s from %s are both set: keep one", a.Name, a.source, b.Name, b.source), nil))
	}
	if r.err != nil || len(ways) == 0 {
		return ""
	}
	return ways[0]
}

func refusePasswordFlag(r *reader, u *url.URL) {
	v := r.values["REDIS_URL"]
	if _, given := u.User.Password(); given && v.source.Kind == fromFlag {
		r.fail(v.fault("a password does not belong on a command line; put it in REDIS_PASSWORD, in the environment or the env file"))
	}
}

// apply takes from the URL what it names. What it leaves out stays as the
// other settings have it, so that its password can be kept out of it.
func (r *Redis) apply(u *url.URL, port string) {
	r.Addrs = []string{net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))}
	r.Username = cmp.Or(u.User.Username(), r.Username)
	if password, _ := u.User.Password(); password != "" {
		r.Password = engine.NewSecret(password)
	}
	if db, ok := database(strings.TrimPrefix(u.Path, "/")); ok {
		r.DB = db
	}
	r.TLS = r.TLS || u.Scheme == "rediss"
}
