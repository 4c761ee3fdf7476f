// Package settings reads what the user has set and remembers where each value
// came from, so that an error or `doctor` can say which file to open.
//
// The first source that has a value wins: a flag, the environment, the env
// file, three names of a .env in the working directory, what the app saved,
// the default. Only the winner is checked. A winner that cannot be used is an
// error, never a silent default.
package settings

import (
	"slices"
	"strings"

	"tokentray/engine"
)

// Spec describes one setting. Together they are the table of COMMANDS.md.
type Spec struct {
	Name string
	// Secret settings are never shown and have no flag: other users of the
	// machine can read a command line.
	Secret  bool
	Allowed string // completes "it must be …"
	Default string // as it would be written; empty where there is none
	Help    string

	// masked text can hold a credential: it is never quoted, and of a URL no
	// more than scheme and host is shown.
	masked bool
	// local settings may come from a .env in the working directory. Such a
	// file can be a stranger's: it must not choose where a token is sent.
	local bool
}

// Flag is the setting's flag without its dashes, empty where it has none: the
// name in lower kebab case. TOKENTRAY_, which sets a name apart in an
// environment that others use too, is left out.
func (s Spec) Flag() string {
	if s.Secret {
		return ""
	}
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(s.Name, "TOKENTRAY_")), "_", "-")
}

// quotable reports whether an error may quote text. "@" and "?" stand where
// URLs hold credentials, and a URL can be pasted into any setting.
func (s Spec) quotable(text string) bool {
	return !s.Secret && !s.masked && !strings.ContainsAny(text, "@?")
}

const (
	allowedBool     = "true or false"
	allowedMinutes  = "minutes from 0.05 to 1440"
	allowedAddrs    = "host:port, or several separated by commas"
	allowedTokenURL = "an https URL without user or fragment (http to this machine only)"
	allowedWord     = "text without spaces"
	allowedSecret   = "text"
)

var specs = []Spec{
	{Name: "ENABLE_PROACTIVE_TOKEN_REFRESH", Allowed: allowedBool, Default: "false", local: true,
		Help: "refresh tokens ahead of their expiry, not only when asked for"},
	{Name: "TOKEN_REFRESH_INTERVAL", Allowed: allowedMinutes, Default: "15", local: true,
		Help: "minutes between scans of all accounts"},
	{Name: "TOKEN_REFRESH_WINDOW", Allowed: allowedMinutes, Default: "5", local: true,
		Help: "minutes before expiry at which a refresh is due"},

	{Name: "REDIS_HOST", Allowed: "a host name or address, without the port",
		Help: "host of the relay's Redis; selects it"},
	{Name: "REDIS_PORT", Allowed: "a port from 1 to 65535", Default: "6379",
		Help: "port of Redis"},
	{Name: "REDIS_USERNAME", Allowed: allowedWord,
		Help: "user to log in to Redis as"},
	{Name: "REDIS_PASSWORD", Allowed: allowedSecret, Secret: true,
		Help: "password of Redis"},
	{Name: "REDIS_DB", Allowed: "a database number from 0", Default: "0",
		Help: "database of Redis"},
	{Name: "REDIS_ENABLE_TLS", Allowed: allowedBool, Default: "false",
		Help: "speak TLS to Redis"},
	{Name: "REDIS_TLS_CA_FILE", Allowed: "a readable file of PEM certificates",
		Help: "file with the CA of Redis's certificate"},
	{Name: "REDIS_URL", masked: true,
		Allowed: "redis://[user:password@]host[:port][/db], or rediss:// for TLS, with special characters percent-encoded",
		Help:    "the relay's Redis as one URL, instead of REDIS_HOST; what it leaves out comes from the settings above"},
	{Name: "REDIS_SENTINEL_MASTER", Allowed: allowedWord,
		Help: "name of the master, where Redis is found through Sentinel"},
	{Name: "REDIS_SENTINEL_ADDRS", Allowed: allowedAddrs,
		Help: "the sentinels"},
	{Name: "REDIS_CLUSTER_ADDRS", Allowed: allowedAddrs,
		Help: "nodes of a Redis Cluster"},
	{Name: "ENCRYPTION_KEY", Allowed: allowedSecret, Secret: true,
		Help: "the relay's key; needed with Redis"},

	{Name: "CLAUDE_TOKEN_URL", Allowed: allowedTokenURL, Help: "another token endpoint for Claude"},
	{Name: "GEMINI_TOKEN_URL", Allowed: allowedTokenURL, Help: "another token endpoint for Gemini"},
	{Name: "OPENAI_TOKEN_URL", Allowed: allowedTokenURL, Help: "another token endpoint for OpenAI"},
	{Name: "DROID_TOKEN_URL", Allowed: allowedTokenURL, Help: "another token endpoint for Droid"},
	{Name: "CLAUDE_AUTHORIZE_URL", Allowed: allowedTokenURL, Help: "another sign-in page for Claude"},
	{Name: "GEMINI_AUTHORIZE_URL", Allowed: allowedTokenURL, Help: "another sign-in page for Gemini"},
	{Name: "OPENAI_AUTHORIZE_URL", Allowed: allowedTokenURL, Help: "another sign-in page for OpenAI"},

	{Name: "GEMINI_OAUTH_CLIENT_ID", Allowed: allowedWord,
		Help: "another OAuth client for gemini-cli accounts"},
	{Name: "GEMINI_OAUTH_CLIENT_SECRET", Allowed: allowedSecret, Secret: true,
		Help: "its secret; else that of an installed Gemini CLI"},
	{Name: "ANTIGRAVITY_OAUTH_CLIENT_ID", Allowed: allowedWord,
		Help: "another OAuth client for antigravity accounts"},
	{Name: "ANTIGRAVITY_OAUTH_CLIENT_SECRET", Allowed: allowedSecret, Secret: true,
		Help: "its secret"},

	{Name: "WEBHOOK_URL", Allowed: "an http or https URL", masked: true,
		Help: "where failures are posted"},
	{Name: "NOTIFY_URLS", Secret: true,
		Allowed: "shoutrrr URLs such as ntfy://ntfy.sh/topic, separated by spaces or commas (docs/ALERTS.md has examples)",
		Help:    "chat and push services that are told"},
	{Name: "USE_RELAY_WEBHOOKS", Allowed: allowedBool, Default: "false",
		Help: "tell the channels that the relay has for its own alerts"},
	{Name: "ALERT_KINDS", Allowed: "none, or some of " + alertNames(engine.Alerts()) + ", separated by commas", Default: alertNames(engine.DefaultAlerts()),
		Help: "what people are told of"},
	{Name: "ALERT_QUIET_HOURS", Allowed: "two times of the day, such as 22:00-07:00",
		Help: "when alerts are held back"},

	{Name: "TOKENTRAY_LISTEN", Allowed: "an address and a port, such as 127.0.0.1:9464",
		Help: "serve metrics and health there while run or the app runs; docs/METRICS.md"},
	{Name: "TOKENTRAY_LISTEN_TOKEN", Secret: true,
		Allowed: "16 characters or more, of letters, digits and -._~+/=",
		Help:    "the bearer token that reading metrics needs"},
	{Name: "TOKENTRAY_LISTEN_IDS", Allowed: allowedBool, Default: "false",
		Help: "metrics for each account, with its name and id, not for each provider alone"},
}

// Specs returns all settings in the table's order.
func Specs() []Spec { return slices.Clone(specs) }

// specOf must be given a name of the table.
func specOf(name string) Spec {
	return specs[slices.IndexFunc(specs, func(s Spec) bool { return s.Name == name })]
}
