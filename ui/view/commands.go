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

// refreshCommands is what a refresh costs: lock, read, intent, save and unlock,
// and three times reading it back.
func refreshCommands(kind StoreKind) float64 {
	const others, reads = 4, 4
	if kind == RedisCluster {
		return others + 2*reads
	}
	return others + reads
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
