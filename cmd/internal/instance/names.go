package instance

import (
	"fmt"
	"slices"
	"strings"

	"tokentray/engine"
)

// NameError is a name that is no account's, or several'. It tells the ids.
type NameError struct{ text string }

func (e *NameError) Error() string { return e.text }

// Find resolves names and ids to accounts, each once. Its error is a
// *NameError.
func Find(accounts []engine.Account, names ...string) ([]engine.Account, error) {
	var found []engine.Account
	for _, name := range names {
		switch matches := engine.Match(accounts, name); len(matches) {
		case 1:
			if !slices.ContainsFunc(found, func(a engine.Account) bool { return a.Key == matches[0].Key }) {
				found = append(found, matches[0])
			}
		case 0:
			return nil, &NameError{fmt.Sprintf("no account has the name or id %q: there are %s", name, idList(accounts))}
		default:
			return nil, &NameError{fmt.Sprintf("%q names %d accounts: use the id of one alone, %s", name, len(matches), idList(matches))}
		}
	}
	return found, nil
}

// idList names up to 20 accounts with their ids.
func idList(accounts []engine.Account) string {
	if len(accounts) == 0 {
		return "none"
	}
	var names []string
	for _, a := range accounts {
		if len(names) == 20 {
			names = append(names, fmt.Sprintf("and %d more", len(accounts)-20))
			break
		}
		id := engine.Clean(a.Key.String())
		if a.Store != "" && slices.ContainsFunc(accounts, func(o engine.Account) bool { return o.Store != a.Store && o.Key.String() == a.Key.String() }) {
			id = engine.Clean(a.Store) + "/" + id // else it names both
		}
		names = append(names, fmt.Sprintf("%s (%s)", id, a.Name))
	}
	return strings.Join(names, ", ")
}
