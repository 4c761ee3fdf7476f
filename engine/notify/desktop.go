package notify

import (
	"iter"
	"time"

	"tokentray/engine"
)

// lastWords is how long the end waits for a notification.
const lastWords = 3 * time.Second

// Desktop shows a notification for each alert that Rules let through. Many at
// once become one. A notification service that is missing or hangs holds
// nobody up.
type Desktop struct {
	// Show shows one and may block.
	Show func(Note)
	// Text translates: view.Texts.Get.
	Text func(key string, args ...any) string
}

// Note is one notification, in plain text.
type Note struct {
	Title, Text string
	// Account is the one that it tells of; its ID is empty where there are
	// several.
	Account engine.Key
	// Offers are what can be done for it, what helps most first.
	Offers []Offer
}

// Offer is something that can be done for an account, in a word or two.
type Offer struct {
	Act   Act
	Label string
}

// Act is what an Offer does.
type Act string

const (
	ActSignIn  Act = "sign-in" // a person signs in to it again
	ActRetry   Act = "retry"   // it is refreshed now
	ActDetails Act = "details" // it is shown
)

// Asks says that a person has to do something.
func (n Note) Asks() bool { return len(n.Offers) > 0 && n.Offers[0].Act == ActSignIn }

// Run shows what there is to tell until there are no more events.
func (d Desktop) Run(events iter.Seq[engine.Event]) {
	alerts := make(chan engine.Event)
	done := make(chan struct{})
	go func() {
		defer close(done)
		together(alerts, func(events []engine.Event) { d.Show(d.note(events)) })
	}()
	for ev := range events {
		if alert, _ := engine.AlertOf(ev); alert != "" {
			alerts <- ev
		}
	}
	close(alerts)
	select {
	case <-done:
	case <-time.After(lastWords):
	}
}

func (d Desktop) note(events []engine.Event) Note {
	note := Note{}
	note.Title, note.Text = words{d.Text}.say(events)
	if len(events) > 1 {
		return note
	}
	note.Account = events[0].Account.Key
	switch events[0].Kind {
	case engine.EventNeedsLogin, engine.EventLoginEnds:
		note.Offers = []Offer{{ActSignIn, d.Text("Sign in again")}}
	case engine.EventExpired, engine.EventUnused:
		note.Offers = []Offer{{ActRetry, d.Text("Retry")}}
	default: // nothing is to be done
		return note
	}
	note.Offers = append(note.Offers, Offer{ActDetails, d.Text("Details")})
	return note
}
