package view

import "tokentray/engine"

// What engine/store/relay sends, as its tests measure it.
const (
	readAtOnce  = 128  // accounts that one command reads
	indexAtOnce = 1000 // ids of a provider that come with all indexes
	indexStep   = 5000 // ids that one command reads of a larger index
)

// relayProviders are the kinds of accounts that a relay keeps an index of.
var relayProviders = []string{engine.Claude, engine.Gemini, engine.OpenAI, engine.Droid}

// ScansCommands is what a day of looks at all accounts costs: the looks, and
// what is spent once an hour on the kinds of accounts that there are none of.
func ScansCommands(kind StoreKind, accounts map[string]int, anHour float64) float64 {
	return 24 * (anHour*scanCommands(kind, accounts) + min(anHour, 1)*emptyCommands(accounts))
}

// scanCommands is what one look at all accounts costs, in commands: one for the
// indexes and one for every 128 accounts; on a Cluster, where no command reads
// more than one, two for every index and two for every account.
func scanCommands(kind StoreKind, accounts map[string]int) float64 {
	all, commands := 0, 1
	if kind == RedisCluster {
		commands = len(relayProviders)
	}
	for _, provider := range relayProviders {
		n := accounts[provider]
		if all += n; kind == RedisCluster {
			commands += max(steps(n, indexStep), 1)
		} else if n > indexAtOnce {
			commands += steps(n, indexStep)
		}
	}
	if kind == RedisCluster {
		return float64(commands + 2*all)
	}
	return float64(commands + steps(all, readAtOnce))
}

// RefreshCommands is what a refresh costs: lock, read, intent, save and unlock,
// and three times reading it back.
func RefreshCommands(kind StoreKind) float64 { return 4 + 4*readCommands(kind) }

// RefusedCommands is what one costs that the provider does not grant: lock, read,
// intent, taking that back, and unlock.
func RefusedCommands(kind StoreKind) float64 { return 4 + readCommands(kind) }

// TakeOverCommands is what it costs to find under the lock that another has
// refreshed the account: lock, read and unlock.
func TakeOverCommands(kind StoreKind) float64 { return 2 + readCommands(kind) }

// readCommands is what reading one account costs, with the record beside it.
func readCommands(kind StoreKind) float64 {
	if kind == RedisCluster {
		return 2
	}
	return 1
}

// emptyCommands is what is spent once an hour on the kinds of accounts that
// there are none of: a search and a note that nothing was found.
func emptyCommands(accounts map[string]int) float64 {
	n := 0
	for _, provider := range relayProviders {
		if accounts[provider] == 0 {
			n += 2
		}
	}
	return float64(n)
}

func steps(n, step int) int { return (n + step - 1) / step }
