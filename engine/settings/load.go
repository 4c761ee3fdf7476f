package settings

import (
	"path/filepath"
	"strings"
	"time"

	"tokentray/engine"
)

// Settings is what is in force. It can be printed: no secret shows.
type Settings struct {
	Proactive        bool
	Interval, Window time.Duration
	Redis            *Redis // nil: the embedded store
	Relays           []Relay
	EncryptionKey    engine.Secret
	// TokenURLs holds the overridden token endpoints, by provider.
	TokenURLs map[string]string
	// AuthorizeURLs holds the overridden sign-in pages, by provider.
	AuthorizeURLs map[string]string
	// Google holds the OAuth clients that were set, by engine.GeminiCLI or
	// engine.Antigravity. Either field may be empty.
	Google     map[string]GoogleClient
	WebhookURL engine.Secret // a secret because its path lets anybody post

	NotifyURLs    []engine.Secret // shoutrrr's
	RelayWebhooks bool            // tell the relay's own channels
	AlertKinds    map[engine.Alert]bool
	QuietHours    Quiet

	Listen Listen

	// Home is the user's own folder, and ToolFolders what CLAUDE_CONFIG_DIR and
	// CODEX_HOME say of where tools have theirs.
	Home        string
	ToolFolders map[string]string

	Sources  map[string]Source // for every name of the table
	Warnings []string          // for people; nothing that must stop the program
	Paths    Paths

	shown map[string]string // the texts in force, fit for showing
}

// GoogleClient is an OAuth client's credentials.
type GoogleClient struct {
	ID     string
	Secret engine.Secret
}

// Input is all that settings are read from.
type Input struct {
	Flags  map[string]string           // the flags given, by the setting's name
	Getenv func(string) (string, bool) // os.LookupEnv
	// EnvFile must exist. Empty: Paths.EnvFile, which need not.
	EnvFile string
	Dir     string // the working directory; empty: no .env is read there
}

// Load reads all settings. Its error, of KindSettings, names the setting, its
// source, the value where that can be shown, and what is allowed.
func Load(in Input) (Settings, error) {
	paths, err := FindPaths(func(name string) string { text, _ := in.Getenv(name); return text })
	if err != nil {
		return Settings{}, err
	}
	values, warnings, err := inForce(in, paths)
	if err != nil {
		return Settings{}, err
	}
	r := &reader{values: values}
	s := Settings{
		Proactive:     read(r, "ENABLE_PROACTIVE_TOKEN_REFRESH", boolean),
		Interval:      read(r, "TOKEN_REFRESH_INTERVAL", minutes),
		Window:        read(r, "TOKEN_REFRESH_WINDOW", minutes),
		Redis:         readRedis(r),
		EncryptionKey: read(r, "ENCRYPTION_KEY", secret),
		TokenURLs:     readURLs(r, "_TOKEN_URL", engine.Claude, engine.Gemini, engine.OpenAI, engine.Droid),
		AuthorizeURLs: readURLs(r, "_AUTHORIZE_URL", engine.Claude, engine.Gemini, engine.OpenAI),
		Google:        readGoogle(r),
		WebhookURL:    read(r, "WEBHOOK_URL", webhookURL),
		NotifyURLs:    read(r, "NOTIFY_URLS", notifyURLs),
		RelayWebhooks: read(r, "USE_RELAY_WEBHOOKS", boolean),
		AlertKinds:    read(r, "ALERT_KINDS", alertKinds),
		QuietHours:    read(r, "ALERT_QUIET_HOURS", quietHours),
		Listen:        readListen(r),
		Sources:       map[string]Source{},
		Warnings:      warnings,
		Paths:         paths,
		ToolFolders:   map[string]string{},
		shown:         map[string]string{},
	}
	if r.err != nil {
		return Settings{}, r.err
	}
	for _, name := range []string{"HOME", "USERPROFILE"} {
		if home, _ := in.Getenv(name); s.Home == "" && filepath.IsAbs(home) {
			s.Home = home
		}
	}
	for _, name := range []string{"CLAUDE_CONFIG_DIR", "CODEX_HOME"} {
		s.ToolFolders[name], _ = in.Getenv(name)
	}
	if s.Relays, err = readRelays(paths.Relays); err != nil {
		return Settings{}, err
	}
	for name, v := range values {
		s.Sources[name], s.shown[name] = v.source, v.show()
	}
	return s, nil
}

func readURLs(r *reader, suffix string, providers ...string) map[string]string {
	urls := map[string]string{}
	for _, provider := range providers {
		if u := read(r, strings.ToUpper(provider)+suffix, tokenURL); u != "" {
			urls[provider] = u
		}
	}
	return urls
}

func readGoogle(r *reader) map[string]GoogleClient {
	clients := map[string]GoogleClient{
		engine.GeminiCLI: {
			ID:     read(r, "GEMINI_OAUTH_CLIENT_ID", word),
			Secret: read(r, "GEMINI_OAUTH_CLIENT_SECRET", secret),
		},
		engine.Antigravity: {
			ID:     read(r, "ANTIGRAVITY_OAUTH_CLIENT_ID", word),
			Secret: read(r, "ANTIGRAVITY_OAUTH_CLIENT_SECRET", secret),
		},
	}
	for name, c := range clients {
		if c == (GoogleClient{}) {
			delete(clients, name)
		}
	}
	return clients
}

// Value is the text in force, for `doctor`: of a secret "set" or "not set", of
// REDIS_URL and WEBHOOK_URL scheme and host, of what is not set nothing.
func (s Settings) Value(name string) string { return s.shown[name] }

func (v value) show() string {
	switch {
	case v.Secret && v.text == "":
		return "not set"
	case v.Secret:
		return "set"
	case v.masked && v.text != "":
		return origin(v.text)
	}
	return v.text
}
