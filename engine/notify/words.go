package notify

import (
	"slices"
	"strings"
	"time"

	"tokentray/engine"
)

const (
	groupFor    = 2 * time.Second // alerts that come within this become one
	namedAtMost = 5
)

// together hands alerts over, those that come together at once, of each subject
// the latest. While tell has not returned, more gather.
func together(alerts <-chan engine.Event, tell func([]engine.Event)) {
	groups, told := make(chan []engine.Event), make(chan struct{})
	go func() {
		defer close(told)
		for group := range groups {
			tell(group)
		}
	}()
	var group []engine.Event
	var timer <-chan time.Time
	var out chan<- []engine.Event // nil: more may come
	for more := true; more || len(group) > 0; {
		select {
		case ev, ok := <-alerts:
			if more = ok; !more {
				alerts = nil
				if len(group) > 0 {
					out = groups
				}
				break
			}
			if len(group) == 0 {
				timer = time.After(groupFor)
			}
			group = slices.DeleteFunc(group, func(old engine.Event) bool { return subjectOf(old) == subjectOf(ev) })
			group = append(group, ev)
		case <-timer:
			out = groups
		case out <- group:
			group, timer, out = nil, nil, nil
		}
	}
	close(groups)
	<-told
}

// words say what alerts tell, in the language of Text.
type words struct {
	Text func(key string, args ...any) string
}

// say puts a group of alerts into a title and a text, a safe line each.
func (w words) say(events []engine.Event) (title, text string) {
	if len(events) == 1 {
		title, text = w.one(events[0])
	} else {
		title, text = w.many(events)
	}
	return engine.CleanLine(title), engine.CleanLine(text) // a cause may hold what a stranger sent
}

func (w words) one(ev engine.Event) (title, text string) {
	name := ev.Account.Name
	if ev.Err != nil {
		text = ev.Err.Error()
	}
	switch ev.Kind {
	case engine.EventNeedsLogin:
		return w.Text("%s needs you to sign in again", name), text
	case engine.EventExpired:
		return w.Text("The token of %s has expired", name), text
	case engine.EventLoginEnds:
		text = w.Text("Sign in again before %s.", ev.Account.LoginExpiresAt.Local().Format("2006-01-02 15:04"))
		if days := int((ev.Ahead + day - 1) / day); days > 1 {
			return w.Text("The login of %s ends in %d days", name, days), text
		}
		return w.Text("The login of %s ends within a day", name), text
	case engine.EventUnused:
		title = w.Text("The login of %s has not been refreshed for months", name)
		if ev.Ahead <= 0 {
			return title, w.Text("Google drops a login that is not refreshed for 6 months: refresh it now, or sign in again.")
		}
		return title, w.Text("Google drops a login that is not refreshed for 6 months: refresh it before %s.", ev.Time.Add(ev.Ahead).Local().Format(time.DateOnly))
	case engine.EventStoreDown:
		return w.Text("A store of accounts is away"), text
	case engine.EventStoreUp:
		return w.Text("A store of accounts is back"), ev.Store
	case engine.EventNetworkDown:
		return w.Text("The providers cannot be reached"), text
	case engine.EventNetworkUp:
		return w.Text("The providers can be reached again"), ""
	case engine.EventClock:
		if ev.Ahead == 0 {
			return w.Text("This machine's clock is right again"), ""
		}
		return w.Text("This machine's clock is wrong"), text
	}
	return w.Text("%s is well again", name), w.Text("Its token was refreshed.")
}

const day = 24 * time.Hour

func (w words) many(events []engine.Event) (title, text string) {
	var names, titles []string
	accounts, trouble := map[engine.Key]bool{}, false
	for _, ev := range events {
		_, over := engine.AlertOf(ev)
		trouble = trouble || !over
		if ev.Account.ID != "" {
			accounts[ev.Account.Key] = true
		}
		names = append(names, ev.Account.Name)
		title, _ := w.one(ev)
		titles = append(titles, title)
	}
	switch {
	case len(accounts) < len(events): // not an account each
		return w.Text("%d alerts", len(events)), w.list(titles, " · ")
	case trouble:
		return w.Text("%d accounts need attention", len(events)), w.list(names, ", ")
	}
	return w.Text("%d accounts are well again", len(events)), w.list(names, ", ")
}

// list is the first few, and how many more there are.
func (w words) list(items []string, between string) string {
	more := len(items) - namedAtMost
	if more <= 0 {
		return strings.Join(items, between)
	}
	return w.Text("%s and %d more", strings.Join(items[:namedAtMost], between), more)
}
