package relay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"tokentray/engine"
)

// Config says how the relay's Redis is reached.
type Config struct {
	// Addrs is one address (host:port), the sentinels' or the cluster nodes'.
	Addrs []string
	// SentinelMaster is the master's name where Addrs are sentinels.
	SentinelMaster string
	Cluster        bool
	Username       string
	Password       engine.Secret
	DB             int
	TLS            *tls.Config // nil: no TLS
	// EncryptionKey is the relay's.
	EncryptionKey engine.Secret
}

// Store is the engine.Store and engine.Locker of a relay's Redis. Close it
// when done.
type Store struct {
	client redis.UniversalClient
	name   string
	where  string // the settings that say where it is
	tls    bool
	keys   keyring
	known  emptyIndexes

	counter *counter

	unanswered sync.Map // lock key → value of a try whose reply did not come
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func init() { redis.SetLogger(silent{}) } // errors are returned; its log would go to standard error

// Open makes the store. It does not connect: the first use does, and again
// after every loss.
func Open(cfg Config) *Store {
	client := redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs:         cfg.Addrs,
		MasterName:    cfg.SentinelMaster,
		IsClusterMode: cfg.Cluster,
		Username:      cfg.Username,
		Password:      cfg.Password.Reveal(),
		DB:            cfg.DB,
		TLSConfig:     cfg.TLS,
		DialTimeout:   3 * time.Second,
		DialerRetries: 1,
		ReadTimeout:   5 * time.Second,
		WriteTimeout:  5 * time.Second,
		MaxRetries:    2,

		ContextTimeoutEnabled: true,
		DisableIdentity:       true, // CLIENT SETINFO costs two commands a connection
		MaintNotificationsConfig: &maintnotifications.Config{
			Mode: maintnotifications.ModeDisabled,
		},
	})
	sent := new(counter)
	client.AddHook(sent)
	s := &Store{client: client, name: "Redis at " + strings.Join(cfg.Addrs, ","), where: "REDIS_HOST and REDIS_PORT", tls: cfg.TLS != nil,
		keys: newKeyring(cfg.EncryptionKey), known: emptyIndexes{until: map[string]time.Time{}}, counter: sent}
	switch {
	case cfg.SentinelMaster != "":
		s.where = "REDIS_SENTINEL_ADDRS"
	case cfg.Cluster:
		s.where = "REDIS_CLUSTER_ADDRS"
	}
	return s
}

// Name is where the store is, for people.
func (s *Store) Name() string { return s.name }

// Close ends the connections.
func (s *Store) Close() error { return s.client.Close() }

// cluster reports whether it is a Cluster: no command may touch two slots there.
func (s *Store) cluster() bool {
	_, yes := s.client.(*redis.ClusterClient)
	return yes
}

// Time asks the server for its clock, which also shows whether it can be used.
func (s *Store) Time(ctx context.Context) (time.Time, error) {
	t, err := s.client.Time(ctx).Result()
	return t, s.fault(err)
}

// forbidden is how every Redis names a command that a user may not run, and
// call.lua as well.
var forbidden = regexp.MustCompile(`run the '([a-z|_-]+)' command`)

// fault gives a Redis error its kind and says what to do.
func (s *Store) fault(err error) error {
	if err == nil {
		return nil
	}
	var kind *engine.Error
	if errors.As(err, &kind) {
		return err
	}
	say := func(format string, args ...any) error {
		return engine.Errorf(engine.KindStore, s.name+" "+fmt.Sprintf(format, args...), nil)
	}
	var network *net.OpError
	var timeout net.Error
	var cert *tls.CertificateVerificationError
	var stranger x509.UnknownAuthorityError
	has := func(prefixes ...string) bool {
		for _, p := range prefixes {
			if redis.HasErrorPrefix(err, p) {
				return true
			}
		}
		return false
	}
	switch {
	case errors.As(err, &cert):
		if errors.As(err, &stranger) {
			return say("shows a TLS certificate that is not valid here: give its CA in REDIS_TLS_CA_FILE")
		}
		return say("shows a TLS certificate that is not valid here (%v): it needs a new one, or be called by a name that is in it, in %s", cert.Err, s.where)
	case errors.As(err, &network) && strings.Contains(network.Err.Error(), "certificate required"):
		return say("asks for a TLS certificate of ours, and there is none: set tls-auth-clients to no or optional in its redis.conf")
	case errors.Is(err, context.Canceled):
		return engine.Errorf(engine.KindClosed, "interrupted", nil)
	case errors.Is(err, io.EOF):
		if s.tls {
			return say("closed the connection: check that it runs")
		}
		return say("closed the connection: check that it runs, and whether it speaks TLS alone (REDIS_ENABLE_TLS)")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		if s.tls {
			return say("does not answer: check %s, that it speaks TLS there (REDIS_ENABLE_TLS), and that it is not overloaded", s.where)
		}
		return say("does not answer: check %s, and that it is not overloaded", s.where)
	case errors.As(err, &network):
		return say("cannot be reached (%v): check %s, and that it runs", network.Err, s.where)
	case strings.Contains(err.Error(), "all sentinels") && errors.Is(err, redis.Nil):
		return say("has no master of that name: check REDIS_SENTINEL_MASTER")
	case strings.Contains(err.Error(), "unknown command 'sentinel'"):
		return say("is no sentinel: check REDIS_SENTINEL_ADDRS")
	case strings.Contains(err.Error(), "cluster support disabled"):
		return say("is no Redis Cluster: name it in REDIS_HOST, not in REDIS_CLUSTER_ADDRS")
	case has("MOVED") && s.cluster():
		return say("is moving a slot to another node: if this lasts, give this user +asking, and all else that docs/REDIS.md names")
	case has("MOVED", "CROSSSLOT"):
		return say("is a node of a Redis Cluster: name it in REDIS_CLUSTER_ADDRS")
	case has("WRONGPASS", "NOAUTH", "ERR AUTH", "ERR invalid password", "ERR Client sent AUTH"),
		strings.Contains(err.Error(), "unauthenticated"): // a command too long for one who has not logged in
		return say("refuses the login: check REDIS_USERNAME and REDIS_PASSWORD")
	case strings.Contains(err.Error(), "NOPERM"), strings.Contains(err.Error(), "ACL failure"): // a script's has words before it
		if found := forbidden.FindStringSubmatch(err.Error()); found != nil {
			return say("does not let this user run %s: give it +%s, and all else that docs/REDIS.md names", strings.ToUpper(found[1]), found[1])
		}
		return say("does not let this user use a key: give it all keys that docs/REDIS.md names")
	case has("READONLY"):
		return say("is a replica that takes no writes: give the master's address, or use Sentinel")
	case has("LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS", "OOM", "MISCONF", "BUSY", "TRYAGAIN", "UNBLOCKED"):
		return say("cannot serve now (%v)", err)
	case strings.Contains(err.Error(), "DB index"):
		return say("has no database of that number: check REDIS_DB")
	case strings.Contains(err.Error(), "WRONGTYPE"): // older servers put words before it
		return unreadable("a Redis key is of the wrong type", err)
	}
	return say("failed: %s", engine.Clean(err.Error()))
}
