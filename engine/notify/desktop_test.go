package notify

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tokentray/engine"
)

func TestDesktop(t *testing.T) {
	one := alert(engine.EventNeedsLogin, engine.Claude, errors.New("Invalid refresh token"))
	for name, test := range map[string]struct {
		events []engine.Event
		want   string
	}{
		"nothing to tell": {[]engine.Event{{Kind: engine.EventRefreshed}}, "[]"},
		"needs a person":  {[]engine.Event{one}, "[团队 needs you to sign in again: Invalid refresh token]"},
		"expired":         {[]engine.Event{alert(engine.EventExpired, engine.Claude, errors.New("503"))}, "[The token of 团队 has expired: 503]"},
		"hostile":         {[]engine.Event{alert(engine.EventExpired, engine.Claude, errors.New("a\x1b[31m\u202eb\nc"))}, "[The token of 团队 has expired: a[31mbc]"},
		"recovered":       {[]engine.Event{alert(engine.EventRecovered, engine.Claude, nil)}, "[团队 is well again: Its token was refreshed.]"},
		"many": {slices.Repeat([]engine.Event{one}, 7),
			"[7 accounts need attention: 团队, 团队, 团队, 团队, 团队 and 2 more]"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := []string{}
				Desktop{Text: fmt.Sprintf, Show: func(title, text string) { got = append(got, title+": "+text) }}.Run(slices.Values(test.events))
				if fmt.Sprint(got) != test.want {
					t.Errorf("%v, want %s", got, test.want)
				}
			})
		})
	}
}

// A service that hangs holds up neither the events nor, for long, the end.
func TestHangingService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		began := time.Now()
		Desktop{Text: fmt.Sprintf, Show: func(string, string) { <-release }}.Run(slices.Values(
			slices.Repeat([]engine.Event{alert(engine.EventExpired, engine.Claude, nil)}, 200)))
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("held up for %v", took)
		}
		close(release)
	})
}
