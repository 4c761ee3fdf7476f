package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
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
	return &Store{client: client, name: "Redis at " + strings.Join(cfg.Addrs, ","), keys: newKeyring(cfg.EncryptionKey),
		known: emptyIndexes{until: map[string]time.Time{}}, counter: sent}
}

// Name is where the store is, for people.
func (s *Store) Name() string { return s.name }

// Close ends the connections.
func (s *Store) Close() error { return s.client.Close() }

// Time asks the server for its clock, which also shows whether it can be used.
func (s *Store) Time(ctx context.Context) (time.Time, error) {
	t, err := s.client.Time(ctx).Result()
	return t, s.fault(err)
}

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
		return say("shows a TLS certificate that is not valid here: give its CA in REDIS_TLS_CA_FILE")
	case errors.Is(err, context.Canceled):
		return engine.Errorf(engine.KindClosed, "interrupted", nil)
	case errors.Is(err, io.EOF):
		return say("closed the connection: check that it runs")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return say("does not answer: check REDIS_HOST and REDIS_PORT, and that it is not overloaded")
	case errors.As(err, &network):
		return say("cannot be reached (%v): check REDIS_HOST and REDIS_PORT, and that it runs", network.Err)
	case has("WRONGPASS", "NOAUTH", "ERR AUTH", "ERR invalid password", "ERR Client sent AUTH"),
		strings.Contains(err.Error(), "unauthenticated"): // a command too long for one who has not logged in
		return say("refuses the login: check REDIS_USERNAME and REDIS_PASSWORD")
	case has("NOPERM"):
		return say("does not let this user run a command: it needs the relay's keys, token_refresh_lock:* and tokentray:*, and EVAL (%v)", err)
	case has("READONLY"):
		return say("is a replica that takes no writes: give the master's address, or use Sentinel")
	case has("LOADING", "MASTERDOWN", "CLUSTERDOWN", "OOM", "MISCONF", "BUSY", "TRYAGAIN", "UNBLOCKED"):
		return say("cannot serve now (%v)", err)
	case strings.Contains(err.Error(), "DB index"):
		return say("has no database of that number: check REDIS_DB")
	case strings.Contains(err.Error(), "WRONGTYPE"): // older servers put words before it
		return unreadable("a Redis key is of the wrong type", err)
	}
	return say("failed: %s", engine.Clean(err.Error()))
}
