package provider

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"unicode"

	"tokentray/engine"
)

// How a client names itself to a token endpoint (RFC 6749, 2.3.1); "" is found
// out, as x/oauth2 does.
const (
	StyleHeader = "header" // HTTP Basic
	StyleParams = "params" // in the body
)

// OAuth is the provider and the client of a generic account. As JSON it is
// Account.OAuth, and so lies in the account: sealed as its tokens are, for every
// process that opens the store, and in an export. A file in the configuration
// folder would be in the open, and missing where the account is taken to.
type OAuth struct {
	// Issuer, where it is given, is asked at every sign-in for what follows of
	// the provider; what it said last stays here, so that a refresh asks nobody.
	Issuer       string `json:"issuer,omitempty"`
	TokenURL     string `json:"token_url"`
	AuthorizeURL string `json:"authorize_url,omitempty"` // "": nobody signs in from here
	// NamesItself says that the provider's page answers with its issuer
	// (RFC 9207).
	NamesItself bool `json:"names_itself,omitempty"`

	ClientID     string        `json:"client_id"`
	ClientSecret engine.Secret `json:"-"` // empty: a public client
	AuthStyle    string        `json:"auth_style,omitempty"`
	Scopes       string        `json:"scopes,omitempty"` // to ask for, separated by spaces; "": what the provider gives
	// AuthorizeParams are what its page wants beside, as a query: prompt=consent.
	AuthorizeParams string `json:"authorize_params,omitempty"`
	// RedirectURL is where the browser comes back to, on this machine, ""
	// being DefaultRedirect; without a port any free one is taken.
	RedirectURL string `json:"redirect_url,omitempty"`
}

// wireOAuth has the secret in the open, for sealing.
type wireOAuth struct {
	OAuth
	Secret string `json:"client_secret,omitempty"`
}

const maxOAuth = 64 << 10 // bytes

// DefaultRedirect is where the browser comes back to unless RedirectURL says
// otherwise.
const DefaultRedirect = "http://127.0.0.1/callback"

// Setting is Account.OAuth. Its error, of KindSettings, says what cannot be
// used.
func (o OAuth) Setting() (engine.Secret, error) {
	if err := o.check(); err != nil {
		return engine.Secret{}, err
	}
	return o.Draft(), nil
}

// Draft is Setting of what need not be whole yet.
func (o OAuth) Draft() engine.Secret {
	text, err := json.Marshal(wireOAuth{o, o.ClientSecret.Reveal()})
	if err != nil {
		panic(err) // strings alone
	}
	return engine.NewSecret(string(text))
}

// ParseOAuth reads Account.OAuth, with all that a refresh needs.
func ParseOAuth(setting engine.Secret) (OAuth, error) {
	o, err := ReadOAuth(setting)
	if err == nil {
		err = o.check()
	}
	return o, err
}

// ReadOAuth reads what may be not whole yet: with an issuer that is still to be
// asked.
func ReadOAuth(setting engine.Secret) (OAuth, error) {
	var w wireOAuth
	text := setting.Reveal()
	switch {
	case text == "":
		return OAuth{}, engine.Errorf(engine.KindSettings, "the account does not say which OAuth provider and client it is of: "+
			"give its token URL and client id", nil)
	case len(text) > maxOAuth || json.Unmarshal([]byte(text), &w) != nil: // whose error may quote a secret
		return OAuth{}, engine.Errorf(engine.KindSettings, "what the account says of its OAuth provider cannot be read: give its token URL and client id", nil)
	}
	w.ClientSecret = engine.NewSecret(w.Secret)
	return w.OAuth, nil
}

func (o OAuth) check() error {
	refuse := func(format string, args ...any) error {
		return engine.Errorf(engine.KindSettings, fmt.Sprintf(format, args...), nil)
	}
	const wanted = "must be an https URL without user or fragment (http to this machine only)"
	if o.Issuer != "" && (!secureURL(o.Issuer) || strings.Contains(o.Issuer, "?")) {
		return refuse("the issuer %s, and without a query", wanted)
	}
	switch {
	case !secureURL(o.TokenURL):
		return refuse("the token URL %s", wanted)
	case o.AuthorizeURL != "" && !secureURL(o.AuthorizeURL):
		return refuse("the authorisation URL %s", wanted)
	case o.ClientID == "":
		return refuse("the client id is missing: the provider gives one to each program that is registered with it")
	case !oneLine(o.ClientID), !oneLine(o.ClientSecret.Reveal()), !oneLine(o.Scopes):
		return refuse("the client id, its secret and the scopes must be one line each")
	case o.AuthStyle != "" && o.AuthStyle != StyleHeader && o.AuthStyle != StyleParams:
		return refuse("the auth style must be auto, %s or %s", StyleHeader, StyleParams)
	}
	if _, err := url.ParseQuery(o.AuthorizeParams); err != nil {
		return refuse("the parameters for the authorisation page must be NAME=VALUE, joined by &")
	}
	back, err := url.Parse(o.RedirectURL)
	if o.RedirectURL != "" && (err != nil || back.Scheme != "http" || back.Hostname() != "127.0.0.1" && back.Hostname() != "localhost" ||
		back.User != nil || strings.ContainsAny(o.RedirectURL, "?#") || back.Port() == "0") {
		return refuse("the redirect URL must be http://127.0.0.1 or http://localhost, with a port if the provider knows one, and a path")
	}
	return nil
}

// oneLine reports whether text has nothing in it that could begin another line.
func oneLine(text string) bool { return !strings.ContainsFunc(text, unicode.IsControl) }

// secureURL reports whether secrets may be sent there: in the clear to this
// machine only.
func secureURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Contains(text, "#") || engine.CleanLine(text) != text {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}
