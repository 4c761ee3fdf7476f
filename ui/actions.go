package ui

import (
	"context"
	"time"

	"tokentray/engine"
	"tokentray/engine/provider"
)

// Actions is what a person can do in the window beside steering the engine.
// Each works off the UI's goroutine and may take its time.
type Actions struct {
	// Test tries the Redis that values, by the settings' names, describe.
	Test func(values map[string]string) error
	// Connect keeps them and goes on with that Redis; under a name of its own
	// it is one more relay beside what is worked with.
	Connect func(name string, values map[string]string) error
	// Disconnect takes one more relay out again; its accounts stay in it.
	Disconnect func(store string) error
	// ReadEnv reads the settings of a relay's .env file; a leading ~ is the
	// user's home.
	ReadEnv func(path string) (map[string]string, error)
	Demo    func() error
	// Leave ends the demo; nil elsewhere.
	Leave func() error
	// Seen notes that the first page has been seen.
	Seen func()
	// Settings are what the settings page shows, with facts such as where the
	// key lies; Save keeps what was changed and says for each name what is
	// wrong with it.
	Settings func() (settings []Setting, facts []string)
	Save     func(changed map[string]string) map[string]error

	// Add makes an account of tokens that are at hand. Here and in SignIn, what a
	// generic one says of its provider may be a draft.
	Add func(engine.NewAccount) error
	// SignIn begins a sign-in: in the place of the account again, or, where its
	// ID is empty, as the new account n.
	SignIn func(again engine.Key, n engine.NewAccount) (*SignIn, error)
	// Client gives a generic account this provider and client, after its issuer
	// was asked, if there is one.
	Client func(engine.Key, provider.OAuth) error
	// Edit changes an account; nil texts stay. The proxy is as people write it.
	Edit   func(key engine.Key, name, proxy *string, active *bool) error
	Remove func(engine.Key) error
	Choose func(change func(*engine.Choice), keys ...engine.Key) error
	// TestProxy tries the way to the account's provider.
	TestProxy func(engine.Key) error
	// Import adds the accounts of a file, of the kinds of ImportKinds; what
	// could not be imported is the error beside the number of what was.
	Import func(kind, path, passphrase string) (int, error)
	Export func(path, passphrase string) (int, error)
	// Setup is how other programs are given the account's token: for each what
	// it is called and what to copy.
	Setup func(engine.View) []Recipe
	// SaveText keeps text in a new file of the user's home, and returns its
	// path.
	SaveText func(name, text string) (string, error)
	// Hide hides the window to the tray; nil: there is none.
	Hide func()
	// Token returns an account's access token, refreshed first where it must
	// be.
	Token func(engine.Key) (engine.Secret, error)
	// SendTest sends a test to every channel of alerts, and returns a line for
	// each; nil: there are none.
	SendTest func() []string
	// Mute keeps notifications back until then.
	Mute func(until time.Time)
	// Keep keeps how the window is looked at. It does not wait.
	Keep func(Habits)
	// OpenURL opens the system's browser.
	OpenURL func(string) error
}

// Habits is how a person looks at the window.
type Habits struct {
	Width, Height float32 // of the window; 0: not known
	Sort          string  // a view.Order
	Filter        string
}

// ImportKinds are the kinds of files that can be imported, with their titles.
var ImportKinds = []struct{ Kind, Title string }{
	{"claude-code", "Claude Code's login (.credentials.json)"}, {"gemini-cli", "Gemini CLI's login (oauth_creds.json)"},
	{"codex", "Codex's login (auth.json)"}, {"relay-json", "A relay's export (JSON)"}, {"tokentray", "Tokentray's export"},
}

// Recipe is a piece of another program's configuration.
type Recipe struct{ Title, Text string }

// SignIn is a sign-in under way.
type SignIn struct {
	URL string
	// Shown says that the page shows a code to paste; else the browser comes
	// back by itself.
	Shown bool
	// Wait waits for the browser and stores the login; Paste does so with what
	// was pasted, and may be tried again after an error that is not final.
	Wait  func(context.Context) error
	Paste func(ctx context.Context, text string) (final bool, err error)
	Close func()
}
