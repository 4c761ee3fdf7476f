package engine

import (
	"cmp"
	"strings"
	"time"
)

// Looks is how people see a provider and its accounts.
type Looks struct {
	Title  string        // "": the name with a capital
	Letter string        // of an account's mark; "": the first of the account's name
	Colour uint32        // of the mark, 0xRRGGBB; 0: grey
	Life   time.Duration // how long access tokens usually live; 0: an hour
}

// looks has no lock: it changes while the program is initialised, and no more.
var looks = map[string]Looks{
	Claude:  {Letter: "C", Colour: 0xc96442, Life: 8 * time.Hour},
	Gemini:  {Letter: "G", Colour: 0x4077e3},
	OpenAI:  {Title: "OpenAI", Letter: "O", Colour: 0x1f9d8a, Life: 10 * 24 * time.Hour},
	Droid:   {Letter: "F", Life: 8 * time.Hour},
	Generic: {Title: "OAuth 2"},
}

// SetLooks is for the init of one more provider.
func SetLooks(provider string, l Looks) { looks[provider] = l }

// LooksOf returns a provider's looks, whole but for the letter.
func LooksOf(provider string) Looks {
	l := looks[provider]
	if l.Title == "" && provider != "" {
		l.Title = strings.ToUpper(provider[:1]) + provider[1:]
	}
	l.Colour, l.Life = cmp.Or(l.Colour, 0x44546a), cmp.Or(l.Life, time.Hour)
	return l
}

// ProviderTitle is the provider's name as people and the guide's log lines
// have it.
func ProviderTitle(provider string) string { return LooksOf(provider).Title }
