package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"tokentray/engine"
)

const (
	tries      = 3
	tryTimeout = 10 * time.Second
	atOnce     = 4 // deliveries under way
)

// Message is what a channel is told: alerts in words, or a test.
type Message struct {
	Title, Text string         // a line each; Text may be empty
	Events      []engine.Event // none in a test
}

// whole is the message in one text, for where there are no titles.
func (m Message) whole() string {
	if m.Text == "" {
		return m.Title
	}
	return m.Title + "\n" + m.Text
}

// Channel is one way by which people are told.
type Channel struct {
	// Name is for people. It shows no secret.
	Name string
	// Send makes one try, within 10 seconds where it is given no less. Its error
	// says what is wrong, and shows no secret either.
	Send func(context.Context, Message) error
}

// SendTest sends a channel something to be seen by.
func SendTest(ctx context.Context, c Channel, text func(key string, args ...any) string) error {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	return c.Send(ctx, testMessage(words{text}))
}

func testMessage(w words) Message {
	return Message{Title: w.Text("A test by Tokentray"), Text: w.Text("What accounts need you for comes here.")}
}

// errLate is of a try that goes on, and is not made again beside itself.
var errLate = errors.New("no answer within 10 seconds, the message may come late")

// again makes up to three tries.
func again(ctx context.Context, try func(context.Context) error) (err error) {
	for n := range tries {
		if n > 0 {
			time.Sleep(time.Duration(n) * time.Second)
		}
		limited, cancel := context.WithTimeout(ctx, tryTimeout)
		err = try(limited)
		cancel()
		if err == nil || errors.Is(err, errLate) {
			return err
		}
	}
	return err
}

// post sends JSON.
func post(ctx context.Context, url engine.Secret, body []byte) error {
	_, err := ask(ctx, url, body)
	return err
}

// ask sends JSON and returns the answer. Its errors show neither that nor the
// URL.
func ask(ctx context.Context, url engine.Secret, body []byte) (answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url.Reveal(), bytes.NewReader(body))
	if err != nil || req.URL.Host == "" {
		return nil, errors.New("its URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, errors.New("no answer within 10 seconds")
	case err != nil:
		return nil, errors.New("it cannot be reached")
	}
	defer resp.Body.Close()
	answer, _ = io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("it answered %d", resp.StatusCode)
	}
	return answer, nil
}

// refusal reads the answers of services that say 200 and no: DingTalk, WeCom,
// Feishu and Bark have a code for it.
func refusal(answer []byte) error {
	var said struct {
		ErrCode int `json:"errcode"`
		Code    int `json:"code"`
	}
	if json.Unmarshal(answer, &said) != nil { // it says something else
		return nil
	}
	for _, code := range []int{said.ErrCode, said.Code} {
		if code != 0 && code/100 != 2 {
			return fmt.Errorf("it did not take the message (code %d)", code)
		}
	}
	return nil
}
