// Package provider speaks the token endpoints' dialects: one exchange of a
// refresh token, no retry, no storage; and the sign-in that gives the first
// one. Each built-in provider is one small file; what all share is in exchange.go
// and signin.go. Any other is engine.Generic, of which the account itself says
// where it is: oauth.go and generic.go.
//
// Endpoints, bodies and error codes are those of relay/INTEROP.md, RFC 6749
// sections 4.1, 5 and 6.
package provider

import (
	"crypto/x509"
	"net/http"
	"slices"
	"strings"
	"time"

	"tokentray/engine"
)

// Config is what the providers need to know. The zero value uses the
// providers' own endpoints.
type Config struct {
	// URLs overrides token endpoints, by provider name.
	URLs map[string]string
	// AuthorizeURLs overrides the pages on which people sign in, likewise.
	AuthorizeURLs map[string]string
	// Google holds the OAuth clients of gemini accounts by client name
	// (engine.GeminiCLI, engine.Antigravity). Empty fields fall back to the
	// ids built in and, for gemini-cli, to the secret of an installed Gemini CLI.
	Google map[string]Client
	// RootCAs replaces the system's, for tests.
	RootCAs *x509.CertPool
	// SignInPorts replaces the port that a provider's sign-in comes back to,
	// for tests. 0 is any free one.
	SignInPorts map[string]int
}

// Client is an OAuth client's credentials.
type Client struct {
	ID     string
	Secret engine.Secret
}

// builtIn are the providers that are known here, in the order of their names.
var builtIn []builtin

type builtin struct {
	name string
	of   func(Config) dialect
}

// register makes a provider known. It is for the init of the provider's file.
func register(name string, of func(Config) dialect) {
	builtIn = append(builtIn, builtin{name, of})
	slices.SortFunc(builtIn, func(a, b builtin) int { return strings.Compare(a.name, b.name) })
}

// Known is what there is to know of a built-in provider.
type Known struct {
	Name     string
	TokenURL string
	SignsIn  bool // people sign in from here
}

// All returns the built-in providers, in the order of their names.
func All() []Known {
	var all []Known
	for _, b := range builtIn {
		d := b.of(Config{})
		all = append(all, Known{b.name, d.url, d.authorization.url != ""})
	}
	return all
}

// Names lists all providers, for people: "claude, droid, gemini, openai or
// generic".
func Names() string {
	var names []string
	for _, k := range All() {
		names = append(names, k.Name)
	}
	return strings.Join(names, ", ") + " or " + engine.Generic
}

// New returns the providers by name.
func New(cfg Config) map[string]engine.Provider {
	providers := map[string]engine.Provider{engine.Generic: newGeneric(cfg)}
	for name, e := range endpoints(cfg) {
		providers[name] = e
	}
	return providers
}

func endpoints(cfg Config) map[string]*endpoint {
	all := map[string]*endpoint{}
	for _, b := range builtIn {
		name, d := b.name, b.of(cfg)
		if url := cfg.URLs[name]; url != "" {
			d.url = url
		}
		if url := cfg.AuthorizeURLs[name]; url != "" && d.authorization.url != "" {
			d.authorization.url = url
		}
		if port, ok := cfg.SignInPorts[name]; ok {
			d.authorization.port = port
		}
		all[name] = &endpoint{dialect: d, rootCAs: cfg.RootCAs}
	}
	return all
}

// dialect is where one provider differs from another.
type dialect struct {
	url string
	// fields are the request's parameters; grant_type and refresh_token are
	// added to them.
	fields func(engine.ExchangeRequest) (map[string]string, error)
	// json sends them as a JSON object instead of a form.
	json   bool
	header http.Header
	// authorization is zero where nobody signs in from here.
	authorization authorization
	// lifetime of an access token whose answer gives none.
	lifetime func(answer) time.Duration
	// lenient takes what x/oauth2 takes beside RFC 6749: see lenient.go.
	lenient bool
}

func fixedLifetime(d time.Duration) func(answer) time.Duration {
	return func(answer) time.Duration { return d }
}

func fixedFields(fields map[string]string) func(engine.ExchangeRequest) (map[string]string, error) {
	return func(engine.ExchangeRequest) (map[string]string, error) { return fields, nil }
}
