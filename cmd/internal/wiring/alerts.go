package wiring

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"tokentray/engine"
	"tokentray/engine/notify"
	"tokentray/engine/settings"
	"tokentray/engine/store/relay"
)

// Text translates a text of an alert: view.Texts.Get.
type Text func(key string, args ...any) string

// Rules is the settings' part of what is told, and when.
func Rules(s settings.Settings) notify.Rules {
	return notify.Rules{Kinds: s.AlertKinds, QuietFrom: s.QuietHours.From, QuietTo: s.QuietHours.To}
}

// Speak has messages to chat services in another language than English, which
// they are in before.
func (a *App) Speak(text Text) { a.text.Store(&text) }

func (a *App) say(key string, args ...any) string {
	if text := a.text.Load(); text != nil {
		return (*text)(key, args...)
	}
	if len(args) == 0 {
		return key
	}
	return fmt.Sprintf(key, args...)
}

// tellAlerts subscribes webhook and chat services to the alerts, each of which
// is told by one process of the user alone.
func (a *App) tellAlerts(s settings.Settings) {
	a.webhook = s.WebhookURL
	chats := notify.Shoutrrr(s.NotifyURLs)
	a.channels = func(context.Context) ([]notify.Channel, error) { return chats, nil }
	if s.RelayWebhooks {
		read := notify.Cached(a.relayChannels)
		a.channels = func(ctx context.Context) ([]notify.Channel, error) {
			theirs, err := read(ctx)
			return slices.Concat(chats, theirs), err
		}
	}
	var tellers []func(iter.Seq[engine.Event])
	if !a.webhook.Empty() {
		hook := notify.Webhook{URL: a.webhook, Failed: a.warn, Recovered: s.Sources["ALERT_KINDS"].Chosen()}
		tellers = append(tellers, hook.Run)
	}
	if len(chats) > 0 || s.RelayWebhooks {
		tellers = append(tellers, notify.Chat{Channels: a.channels, Text: a.say, Failed: a.warn}.Run)
	}
	if len(tellers) == 0 {
		return
	}
	rules := Rules(s)
	rules.Left = a.leave
	a.subscribe(func(events iter.Seq[engine.Event]) { each(a.once(rules.Filter(a.withLeft(events))), tellers) })
}

// each hands all events to each of the tellers.
func each(events iter.Seq[engine.Event], tellers []func(iter.Seq[engine.Event])) {
	var telling sync.WaitGroup
	defer telling.Wait()
	var to []chan engine.Event
	for _, tell := range tellers {
		alerts := make(chan engine.Event)
		to = append(to, alerts)
		telling.Go(func() {
			tell(func(yield func(engine.Event) bool) {
				for ev := range alerts {
					if !yield(ev) {
						return
					}
				}
			})
		})
	}
	for ev := range events {
		for _, alerts := range to {
			alerts <- ev // tellers deliver on the side
		}
	}
	for _, alerts := range to {
		close(alerts)
	}
}

// Channels are the ways by which alerts leave this machine, as they are now.
// The error hides none of them.
func (a *App) Channels(ctx context.Context) ([]notify.Channel, error) {
	channels, err := a.channels(ctx)
	if !a.webhook.Empty() {
		channels = slices.Concat([]notify.Channel{notify.Webhook{URL: a.webhook}.Channel()}, channels)
	}
	return channels, err
}

// SendTest sends a channel a test, in the language of the messages.
func (a *App) SendTest(ctx context.Context, c notify.Channel) error {
	return notify.SendTest(ctx, c, a.say)
}

// relayChannels reads the channels that each relay has for its own alerts.
func (a *App) relayChannels(ctx context.Context) ([]notify.Channel, error) {
	var channels []notify.Channel
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(a.Stores)) {
		store, ok := a.Stores[name].(*relay.Store)
		if !ok {
			continue
		}
		config, err := store.AlertChannels(ctx)
		if err != nil {
			faults = append(faults, fmt.Errorf("the relay's alert channels cannot be read: %w", err))
			continue
		}
		of := "the relay"
		if _, further, ok := strings.Cut(name, ":"); ok {
			of += " " + further
		}
		theirs, err := notify.RelayChannels(of, config)
		channels, faults = append(channels, theirs...), append(faults, err)
	}
	return channels, errors.Join(faults...)
}
