package relay

import (
	"context"
	"errors"
	"net"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// counter is a redis.Hook that counts the commands that are sent. Those of a
// connection's beginning (HELLO, SELECT), and the client's repetitions after a
// lost reply, do not pass it.
type counter struct{ sent atomic.Uint64 }

// Commands is how many commands were sent to Redis so far.
func (s *Store) Commands() uint64 { return s.counter.sent.Load() }

func (c *counter) count(n int, err error) {
	var network *net.OpError
	if errors.As(err, &network) && network.Op == "dial" { // there was nobody to send them to
		return
	}
	c.sent.Add(uint64(n))
}

// DialHook implements redis.Hook.
func (c *counter) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements redis.Hook.
func (c *counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		err := next(ctx, command)
		c.count(1, err)
		return err
	}
}

// ProcessPipelineHook implements redis.Hook.
func (c *counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, commands []redis.Cmder) error {
		err := next(ctx, commands)
		c.count(len(commands), err)
		return err
	}
}
