// Package provider speaks the token endpoints' dialects: one exchange of a
// refresh token, no retry, no storage; and the sign-in that gives the first
// one. Each built-in provider is one small file; what all share is in
// exchange.go and signin.go.
//
// Endpoints, bodies and error codes are those of relay/INTEROP.md, RFC 6749
// sections 4.1, 5 and 6.
package provider

import (
	"crypto/x509"
	"net/http"
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

// New returns the built-in providers by name.
func New(cfg Config) map[string]engine.Provider {
	providers := map[string]engine.Provider{}
	for name, e := range endpoints(cfg) {
		providers[name] = e
	}
	return providers
}

func endpoints(cfg Config) map[string]*endpoint {
	all := map[string]*endpoint{}
	for name, d := range map[string]dialect{
		engine.Claude: claude(),
		engine.Gemini: gemini(cfg.Google),
		engine.OpenAI: openAI(),
		engine.Droid:  droid(),
	} {
		if url := cfg.URLs[name]; url != "" {
			d.url = url
		}
		if url := cfg.AuthorizeURLs[name]; url != "" && d.authorization.url != "" {
			d.authorization.url = url
		}
		if port, ok := cfg.SignInPorts[name]; ok {
			d.authorization.port = port
		}
		all[name] = &endpoint{d, cfg.RootCAs}
	}
	return all
}

// Endpoint is the token endpoint that a provider uses unless overridden.
func Endpoint(name string) string {
	switch name {
	case engine.Claude:
		return claude().url
	case engine.Gemini:
		return gemini(nil).url
	case engine.OpenAI:
		return openAI().url
	case engine.Droid:
		return droid().url
	}
	return ""
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
}

func fixedLifetime(d time.Duration) func(answer) time.Duration {
	return func(answer) time.Duration { return d }
}

func fixedFields(fields map[string]string) func(engine.ExchangeRequest) (map[string]string, error) {
	return func(engine.ExchangeRequest) (map[string]string, error) { return fields, nil }
}
