package view

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tokentray/engine"
)

// Order is an order of accounts that a person chooses.
type Order string

const (
	OrderWorst    Order = "worst" // WorstFirst
	OrderExpiry   Order = "expiry"
	OrderName     Order = "name"
	OrderProvider Order = "provider"
	OrderStatus   Order = "status"
)

// Orders are all of them, the usual one first.
var Orders = []Order{OrderWorst, OrderExpiry, OrderName, OrderProvider, OrderStatus}

// Order is an order in words.
func (t Texts) Order(o Order) string {
	switch o {
	case OrderExpiry:
		return t.Get("By expiry")
	case OrderName:
		return t.Get("By name")
	case OrderProvider:
		return t.Get("By provider")
	case OrderStatus:
		return t.Get("By status")
	}
	return t.Get("Worst first")
}

// Sort orders accounts; an order that is not known is OrderWorst. Names are
// compared without regard to case and accents, and their numbers as numbers. An
// unknown expiry comes last.
func (o Order) Sort(views []engine.View, lazy bool) {
	if !slices.Contains(Orders[1:], o) {
		WorstFirst(views, lazy)
		return
	}
	keys := make([]sortKey, len(views))
	for i := range views {
		k := sortKey{View: &views[i], name: fold(views[i].Name)}
		switch o {
		case OrderProvider:
			k.first = Provider(k.Account)
		case OrderStatus:
			k.rank = rank(k.Status, lazy)
		case OrderExpiry:
			if k.at = k.ExpiresAt; k.at.IsZero() {
				k.rank = 1
			}
		}
		keys[i] = k
	}
	slices.SortFunc(keys, compareKeys)
	arrange(views, func(i int) *engine.View { return keys[i].View })
}

// sortKey is what an account is ordered by, the first field that differs.
type sortKey struct {
	rank  int
	first string
	at    time.Time
	name  string
	*engine.View
}

func compareKeys(a, b sortKey) int {
	if order := cmp.Or(cmp.Compare(a.rank, b.rank), strings.Compare(a.first, b.first)); order != 0 {
		return order
	}
	if order := a.at.Compare(b.at); order != 0 {
		return order
	}
	if order := natural(a.name, b.name); order != 0 {
		return order
	}
	return cmp.Or(strings.Compare(a.Name, b.Name), a.Key.Compare(b.Key))
}

// sortViews sorts views without moving them about meanwhile, for they are large.
func sortViews(views []engine.View, compare func(a, b *engine.View) int) {
	sorted := make([]*engine.View, len(views))
	for i := range views {
		sorted[i] = &views[i]
	}
	slices.SortFunc(sorted, compare)
	arrange(views, func(i int) *engine.View { return sorted[i] })
}

// arrange puts those of views in their places that at says.
func arrange(views []engine.View, at func(int) *engine.View) {
	arranged := make([]engine.View, len(views))
	for i := range arranged {
		arranged[i] = *at(i)
	}
	copy(views, arranged)
}

// natural compares texts, and numbers in them as numbers: "acct 9" comes before
// "acct 10".
func natural(a, b string) int {
	for a != "" && b != "" {
		m, n := digits(a), digits(b)
		if m > 0 && n > 0 {
			x, y := strings.TrimLeft(a[:m], "0"), strings.TrimLeft(b[:n], "0")
			if order := cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)); order != 0 {
				return order
			}
			a, b = a[m:], b[n:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// digits is how many of them text begins with.
func digits(text string) int {
	n := 0
	for n < len(text) && '0' <= text[n] && text[n] <= '9' {
		n++
	}
	return n
}
