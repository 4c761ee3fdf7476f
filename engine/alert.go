package engine

import "slices"

// Alert is a kind of event that people are told of, as ALERT_KINDS names it.
type Alert string

const (
	AlertNeedsLogin Alert = "needs_login"
	AlertExpired    Alert = "expired"
	AlertRecovered  Alert = "recovered"
	AlertLoginEnds  Alert = "login_ends"
	AlertUnused     Alert = "unused"
	AlertStoreAway  Alert = "store_away" // and its return
	AlertNetwork    Alert = "network"    // that it is away, and its return
	AlertClock      Alert = "clock"      // that it is wrong, and right again
)

// DefaultAlerts are those that are told where nobody chose.
func DefaultAlerts() []Alert {
	return []Alert{AlertNeedsLogin, AlertExpired, AlertRecovered, AlertLoginEnds, AlertUnused}
}

// Alerts are all.
func Alerts() []Alert {
	return slices.Concat(DefaultAlerts(), []Alert{AlertStoreAway, AlertNetwork, AlertClock})
}

// AlertOf is the alert that an event is, "" where it is none; over says that it
// is the end of a trouble.
func AlertOf(ev Event) (alert Alert, over bool) {
	switch ev.Kind {
	case EventNeedsLogin:
		return AlertNeedsLogin, false
	case EventExpired:
		return AlertExpired, false
	case EventRecovered:
		return AlertRecovered, true
	case EventLoginEnds:
		return AlertLoginEnds, false
	case EventUnused:
		return AlertUnused, false
	case EventStoreDown, EventStoreUp:
		return AlertStoreAway, ev.Kind == EventStoreUp
	case EventNetworkDown, EventNetworkUp:
		return AlertNetwork, ev.Kind == EventNetworkUp
	case EventClock:
		return AlertClock, ev.Ahead == 0
	}
	return "", false
}
