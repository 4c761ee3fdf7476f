package notify

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"tokentray/engine"
)

// Chat tells channels of the alerts that Rules let through; many at once become
// one message. Each channel has three tries, and none holds up another.
type Chat struct {
	// Channels returns those there are now. Its error hides none of them.
	Channels func(context.Context) ([]Channel, error)
	// Text translates: view.Texts.Get.
	Text func(key string, args ...any) string
	// Failed is told of each delivery that failed for good.
	Failed func(error)
}

// Run tells until there are no more events and all is delivered or given up.
func (c Chat) Run(events iter.Seq[engine.Event]) {
	alerts, stop := pump(func(yield func(engine.Event) bool) {
		for ev := range events {
			if alert, _ := engine.AlertOf(ev); alert != "" && !yield(ev) {
				return
			}
		}
	})
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, atOnce)
	together(alerts, func(group []engine.Event) {
		m := Message{Events: group}
		m.Title, m.Text = words{c.Text}.say(group)
		channels, err := c.channels()
		if err != nil {
			c.Failed(err)
		}
		for _, channel := range channels {
			wg.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				err := again(context.Background(), func(ctx context.Context) error { return channel.Send(ctx, m) })
				if err != nil {
					c.Failed(fmt.Errorf("%s could not be told that %q: %w", channel.Name, m.Title, err))
				}
			})
		}
	})
}

func (c Chat) channels() ([]Channel, error) {
	ctx, cancel := context.WithTimeout(context.Background(), tryTimeout)
	defer cancel()
	return c.Channels(ctx)
}

// channelsKept is how long what is read of a relay's channels is used.
const channelsKept = time.Minute

// Cached reads channels at most once a minute.
func Cached(read func(context.Context) ([]Channel, error)) func(context.Context) ([]Channel, error) {
	var mu sync.Mutex
	var kept []Channel
	var at time.Time
	return func(ctx context.Context) ([]Channel, error) {
		mu.Lock()
		defer mu.Unlock()
		if !at.IsZero() && time.Since(at) < channelsKept {
			return kept, nil
		}
		channels, err := read(ctx)
		if err == nil {
			kept, at = channels, time.Now()
		}
		return channels, err
	}
}
