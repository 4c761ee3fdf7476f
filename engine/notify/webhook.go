// Package notify tells the outside of accounts that are in trouble.
package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"sync"
	"time"

	"tokentray/engine"
)

const (
	tries      = 3
	tryTimeout = 10 * time.Second
	atOnce     = 4 // deliveries under way
)

// Webhook posts to one URL, in the body of the relay's "custom" channel
// (relay/INTEROP.md), when an account turns to needing a login, and when a
// token expires while its refreshes keep failing.
type Webhook struct {
	URL engine.Secret // it may hold a token
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
		if ev.Kind != engine.EventNeedsLogin && ev.Kind != engine.EventExpired {
			continue
		}
		body := message(ev)
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := w.deliver(body); err != nil {
				w.Failed(fmt.Errorf("the webhook could not be told of %s: %w", ev.Account.Name, err))
			}
		})
	}
}

var platforms = map[string]string{engine.Claude: "claude-oauth"}

var errorCodes = map[string]string{
	engine.Claude: "CLAUDE_OAUTH_ERROR", engine.Gemini: "GEMINI_ERROR",
	engine.OpenAI: "OPENAI_TOKEN_REFRESH_FAILED", engine.Droid: "DROID_TOKEN_REFRESH_FAILED",
}

func message(ev engine.Event) []byte {
	a, at := ev.Account, ev.Time.UTC().Format("2006-01-02T15:04:05.000Z")
	platform := platforms[a.Provider]
	if platform == "" {
		platform = a.Provider
	}
	status := "error"
	if ev.Kind == engine.EventExpired {
		status = "expired"
	}
	reason := ""
	if ev.Err != nil {
		reason = ev.Err.Error()
	}
	body, err := json.Marshal(map[string]any{
		"type": "accountAnomaly", "service": "tokentray", "timestamp": at,
		"data": map[string]string{
			"accountId": a.ID, "accountName": a.Name, "platform": platform, "status": status,
			"errorCode": errorCodes[a.Provider], "reason": reason, "timestamp": at,
		},
	})
	if err != nil {
		panic(err) // strings alone
	}
	return body
}

func (w Webhook) deliver(body []byte) (err error) {
	for try := range tries {
		if try > 0 {
			time.Sleep(time.Duration(try) * time.Second)
		}
		if err = w.post(body); err == nil {
			return nil
		}
	}
	return err
}

// post makes one try. Its errors do not show the URL.
func (w Webhook) post(body []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), tryTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL.Reveal(), bytes.NewReader(body))
	if err != nil {
		return errors.New("WEBHOOK_URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer within 10 seconds")
	case err != nil:
		return errors.New("it cannot be reached")
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("it answered %d", resp.StatusCode)
	}
	return nil
}
