package relay

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"tokentray/engine"
)

// channelsKey is where the relay keeps the channels of its own alerts.
const channelsKey = "webhook_config:default"

// AlertChannels returns the channels of the relay's own alerts, in its JSON; it
// is empty where there are none. They hold secrets, and are only read.
func (s *Store) AlertChannels(ctx context.Context) (engine.Secret, error) {
	text, err := s.client.Get(ctx, channelsKey).Result()
	if errors.Is(err, redis.Nil) {
		return engine.Secret{}, nil
	}
	return engine.NewSecret(text), s.fault(err)
}
