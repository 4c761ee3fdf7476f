// Package notify tells the outside of accounts that are in trouble.
package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"sync"
	"time"

	"tokentray/engine"
)

// Webhook posts each alert that Rules let through to one URL, in the body of
// the relay's "custom" channel (relay/INTEROP.md).
type Webhook struct {
	URL engine.Secret // it may hold a token
	// Recovered has it told of recoveries too.
	Recovered bool
	// Failed is told of each delivery that failed for good.
	Failed func(error)
}

// Run delivers until there are no more events and all is delivered or given
// up. It holds nobody else up.
func (w Webhook) Run(events iter.Seq[engine.Event]) {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, atOnce)
	for ev := range events {
		if alert, _ := engine.AlertOf(ev); alert == "" || alert == engine.AlertRecovered && !w.Recovered {
			continue
		}
		body := message(ev)
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			err := again(context.Background(), func(ctx context.Context) error { return post(ctx, w.URL, body) })
			if err != nil {
				w.Failed(fmt.Errorf("the webhook could not be told of %s: %w", cmp.Or(ev.Account.Name, string(ev.Kind)), err))
			}
		})
	}
}

var platforms = map[string]string{engine.Claude: "claude-oauth"}

// errorCodes are the relay's; of other providers it is NAME_TOKEN_REFRESH_FAILED.
var errorCodes = map[string]string{engine.Claude: "CLAUDE_OAUTH_ERROR", engine.Gemini: "GEMINI_ERROR"}

func errorCode(provider string) string {
	if provider == "" {
		return ""
	}
	return cmp.Or(errorCodes[provider], strings.ToUpper(provider)+"_TOKEN_REFRESH_FAILED")
}

// statuses are the body's, and codes the errorCode of what is no account's
// failure.
var (
	statuses = map[engine.EventKind]string{
		engine.EventExpired: "expired", engine.EventRecovered: "recovered", engine.EventLoginEnds: "login_ends", engine.EventUnused: "unused",
	}
	codes = map[engine.Alert]string{
		engine.AlertLoginEnds: "LOGIN_ENDS", engine.AlertUnused: "LOGIN_UNUSED", engine.AlertRecovered: "RECOVERED",
		engine.AlertStoreAway: "STORE_AWAY", engine.AlertNetwork: "NETWORK_AWAY", engine.AlertClock: "CLOCK_WRONG",
	}
)

const isoMillis = "2006-01-02T15:04:05.000Z"

func message(ev engine.Event) []byte {
	a, at := ev.Account, ev.Time.UTC().Format(isoMillis)
	platform := cmp.Or(platforms[a.Provider], a.Provider)
	kind, status := "accountAnomaly", cmp.Or(statuses[ev.Kind], "error")
	alert, over := engine.AlertOf(ev)
	reason := ""
	if ev.Err != nil {
		reason = ev.Err.Error()
	} else if ev.Kind == engine.EventLoginEnds || ev.Kind == engine.EventUnused {
		reason = "The login ends at " + ev.Time.Add(ev.Ahead).UTC().Format(time.RFC3339)
	}
	if a.ID == "" {
		kind = "systemError"
		if over {
			status = "recovered"
		}
	}
	return body(kind, at, map[string]string{
		"accountId": a.ID, "accountName": a.Name, "platform": platform, "status": status,
		"errorCode": cmp.Or(codes[alert], errorCode(a.Provider)), "reason": reason, "timestamp": at,
	})
}

func body(kind, at string, data map[string]string) []byte {
	text, err := json.Marshal(map[string]any{"type": kind, "service": "tokentray", "timestamp": at, "data": data})
	if err != nil {
		panic(err) // strings alone
	}
	return text
}

// Channel is the webhook as a channel among others.
func (w Webhook) Channel() Channel { return custom("webhook", w.URL) }

// custom is a channel that takes the webhook's body.
func custom(name string, url engine.Secret) Channel {
	return Channel{Name: name, Send: func(ctx context.Context, m Message) error {
		if len(m.Events) == 0 {
			at := time.Now().UTC().Format(isoMillis)
			return post(ctx, url, body("test", at, map[string]string{"message": m.whole(), "timestamp": at}))
		}
		for _, ev := range m.Events {
			if err := post(ctx, url, message(ev)); err != nil {
				return err
			}
		}
		return nil
	}}
}
