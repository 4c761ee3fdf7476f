package view

import "tokentray/engine"

// Alert is a kind of alert in words.
func (t Texts) Alert(a engine.Alert) string {
	switch a {
	case engine.AlertNeedsLogin:
		return t.Get("A login has ended")
	case engine.AlertExpired:
		return t.Get("A token expired unrefreshed")
	case engine.AlertRecovered:
		return t.Get("An account is well again")
	case engine.AlertLoginEnds:
		return t.Get("A login ends soon")
	case engine.AlertUnused:
		return t.Get("A Gemini login is unused for long")
	case engine.AlertStoreAway:
		return t.Get("A store is away")
	case engine.AlertNetwork:
		return t.Get("No network")
	case engine.AlertClock:
		return t.Get("This machine's clock is wrong")
	}
	return string(a)
}
