package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// endpoint is what accounts have in common that are refreshed at one token
// endpoint.
type endpoint struct {
	provider string
	oauth    Secret
}

func (a Account) endpoint() endpoint { return endpoint{a.Provider, a.OAuth} }

// noteNetwork notes whether an account's provider can be connected to. While
// it cannot, its accounts wait, all in one state, and Run looks for the
// network's return. An account with a proxy of its own is not part of it.
func (e *Engine) noteNetwork(a Account, err error) {
	if a.Proxy.Empty() {
		e.setReachable(a.endpoint(), err)
	}
}

func (e *Engine) setReachable(at endpoint, err error) {
	down := KindOf(err) == KindOffline
	e.mu.Lock()
	was := len(e.unreachable) > 0
	if down {
		e.unreachable[at] = true
	} else if e.unreachable[at] {
		delete(e.unreachable, at)
		for _, st := range *e.index.Load() { // all that waited for it may go
			if st.key.Provider != at.provider {
				continue
			}
			if a := st.account(); a.endpoint() != at || !a.Proxy.Empty() {
				continue
			}
			if KindOf(st.tries().Err) == KindOffline {
				st.editTries(func(t *Tries) { t.RetryAt = time.Time{} })
			}
			e.requeue(st)
		}
	}
	is := len(e.unreachable) > 0
	e.mu.Unlock()
	switch {
	case is && !was:
		select {
		case e.lost <- struct{}{}:
		default:
		}
		e.hub.publish(Event{Kind: EventNetworkDown, Err: err})
	case was && !is:
		e.hub.publish(Event{Kind: EventNetworkUp})
	}
	e.poke()
}

// offline reports whether the account waits for the network. With e.mu held.
func (e *Engine) offline(a Account) bool {
	return e.unreachable[a.endpoint()] && a.Proxy.Empty()
}

func (e *Engine) waitsForNetwork(a Account) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.offline(a)
}

var errOffline = Errorf(KindOffline, "offline: its provider cannot be connected to", nil)

// cutOff reports whether anything cannot be connected to.
func (e *Engine) cutOff() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.unreachable) > 0
}

// lookForNetwork tries to connect where nothing could be connected to, every
// few seconds, until ctx is done.
func (e *Engine) lookForNetwork(ctx context.Context) {
	for {
		if !e.cutOff() {
			select {
			case <-e.lost:
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-time.After(StoreRetry):
		case <-ctx.Done():
			return
		}
		e.mu.Lock()
		away := slices.Collect(maps.Keys(e.unreachable))
		used := map[endpoint]bool{}
		for _, st := range *e.index.Load() {
			a := st.account()
			used[a.endpoint()] = true
		}
		e.mu.Unlock()
		for _, at := range away {
			limited, cancel := context.WithTimeout(ctx, StoreRetry)
			err := e.providers[at.provider].Reach(limited, at.oauth)
			cancel()
			if err == nil || !used[at] {
				e.setReachable(at, nil)
			}
		}
	}
}

// clockBorne is how wrong a clock may be: half the smallest skew of a provider
// that has a minute.
const clockBorne = 30 * time.Second

// noteClock compares this machine's clock with the time of a provider's
// answer, and tells where they differ by more than can be borne.
func (e *Engine) noteClock(a Account, token Token, err error) {
	date := token.Date
	if cause, ok := err.(*Error); ok {
		date = cause.Date
	}
	if date.IsZero() {
		return
	}
	ahead := e.now().Sub(date).Round(time.Second)
	if ahead.Abs() < clockBorne {
		ahead = 0
	}
	e.mu.Lock()
	told := e.ahead[a.endpoint()]
	news := (ahead == 0) != (told == 0) || (ahead-told).Abs() >= clockBorne
	if news {
		e.ahead[a.endpoint()] = ahead
	}
	e.mu.Unlock()
	if news {
		e.hub.publish(Event{Kind: EventClock, Ahead: ahead, Err: clockErr(a.Provider, ahead)})
	}
}

func clockErr(provider string, ahead time.Duration) error {
	if ahead == 0 {
		return nil
	}
	where := "ahead of"
	if ahead < 0 {
		where = "behind"
	}
	return fmt.Errorf("this machine's clock is %v %s %s's: set it (NTP), or tokens are refreshed too early or too late",
		ahead.Abs(), where, ProviderTitle(provider))
}
