package notify

import (
	"iter"
	"slices"
	"strings"
	"time"

	"tokentray/engine"
)

const (
	groupFor    = 2 * time.Second // alerts this close together become one
	namedAtMost = 5
	lastWords   = 3 * time.Second // how long the end waits for a notification
)

// Desktop shows notifications: once when an account needs a person, once when
// a token expired while its refreshes keep failing, once on recovery. Many at
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
	// SignIn is the button by which a person signs in to it again, in words; ""
	// where nobody has to.
	SignIn string
}

// Run shows what there is to tell until there are no more events.
func (d Desktop) Run(events iter.Seq[engine.Event]) {
	alerts := make(chan engine.Event, 64)
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.group(alerts)
	}()
	for ev := range events {
		switch ev.Kind {
		case engine.EventNeedsLogin, engine.EventExpired, engine.EventRecovered:
			select {
			case alerts <- ev:
			default: // the service hangs: what it did not take is not told
			}
		}
	}
	close(alerts)
	select {
	case <-done:
	case <-time.After(lastWords):
	}
}

// group shows alerts, those that come together as one.
func (d Desktop) group(alerts <-chan engine.Event) {
	for ev := range alerts {
		together := []engine.Event{ev}
		for timer := time.After(groupFor); timer != nil; {
			select {
			case next, more := <-alerts:
				if !more {
					timer = nil
					break
				}
				together = slices.DeleteFunc(together, func(ev engine.Event) bool { return ev.Account.Key == next.Account.Key })
				together = append(together, next) // of each account the latest
			case <-timer:
				timer = nil
			}
		}
		note := Note{}
		note.Title, note.Text = d.say(together)
		note.Title, note.Text = engine.CleanLine(note.Title), engine.CleanLine(note.Text) // a cause may hold what a stranger sent
		if len(together) == 1 {
			note.Account = together[0].Account.Key
			if together[0].Kind == engine.EventNeedsLogin {
				note.SignIn = d.Text("Sign in again")
			}
		}
		d.Show(note)
	}
}

func (d Desktop) say(events []engine.Event) (title, text string) {
	if len(events) == 1 {
		ev := events[0]
		if ev.Err != nil {
			text = ev.Err.Error()
		}
		switch ev.Kind {
		case engine.EventNeedsLogin:
			return d.Text("%s needs you to sign in again", ev.Account.Name), text
		case engine.EventExpired:
			return d.Text("The token of %s has expired", ev.Account.Name), text
		}
		return d.Text("%s is well again", ev.Account.Name), d.Text("Its token was refreshed.")
	}
	var names []string
	trouble := false
	for i, ev := range events {
		trouble = trouble || ev.Kind != engine.EventRecovered
		if i < namedAtMost {
			names = append(names, ev.Account.Name)
		}
	}
	text = strings.Join(names, ", ")
	if more := len(events) - namedAtMost; more > 0 {
		text = d.Text("%s and %d more", text, more)
	}
	if trouble {
		return d.Text("%d accounts need attention", len(events)), text
	}
	return d.Text("%d accounts are well again", len(events)), text
}
