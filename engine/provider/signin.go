package provider

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"time"

	"tokentray/engine"
)

// authorization is where one provider's sign-in differs from another's.
type authorization struct {
	url   string            // of the page; "": there is no signing in from here
	query map[string]string // beside what RFC 6749 and RFC 7636 ask for
	scope string            // separated by spaces
	// redirect is where the page sends the browser: to a page of the provider
	// that shows the code (https), or back to a port of this machine (http).
	redirect string
	port     int // 0: any free one
	// issuer is what an answer's iss must be (RFC 9207); "": it is not looked
	// at. named says that an answer must have one.
	issuer string
	named  bool
	// state says that the exchange of the code wants it too.
	state bool
}

// SignIn is one sign-in under way: an authorisation code (RFC 6749, 4.1) with
// PKCE (RFC 7636). Open URL in a browser; take the code from Wait or, at any
// time beside it, from Pasted; Finish with it. Close it when done.
type SignIn struct {
	// URL is what the browser opens. It may be shown.
	URL string

	endpoint *endpoint
	oauth    engine.Secret
	client   string // engine.ExchangeRequest's
	redirect string
	state    string
	verifier engine.Secret
	listener net.Listener  // where the browser comes back to; nil: the page shows the code
	patience time.Duration // of Wait
}

const (
	patience    = 5 * time.Minute
	codeTimeout = 30 * time.Second
)

// StartSignIn begins a sign-in with a provider, for gemini as one of its
// clients (engine.GeminiCLI where it is ""), for engine.Generic as oauth, an
// account's. Errors are of KindSettings where
// none is possible, and of KindTransient where the port that the browser comes
// back to is taken.
func StartSignIn(cfg Config, provider, client string, oauth engine.Secret) (*SignIn, error) {
	e, err := endpointOf(cfg, provider, oauth)
	switch {
	case err != nil:
		return nil, err
	case e.authorization.url == "" && provider == engine.Generic:
		return nil, engine.Errorf(engine.KindSettings, "it is not known where people sign in: give the provider's issuer or its authorisation URL", nil)
	case e.authorization.url == "":
		return nil, engine.Errorf(engine.KindSettings, fmt.Sprintf("there is no signing in to %s from here: sign in with the provider's own tool, "+
			"then add the refresh token that it got", engine.ProviderTitle(provider)), nil)
	}
	fields, err := e.fields(engine.ExchangeRequest{Client: client}) // a secret that is missing shows before a browser is open
	if err != nil {
		return nil, err
	}
	page, err := url.Parse(e.authorization.url)
	if err != nil {
		return nil, engine.Errorf(engine.KindSettings, "the sign-in page's URL cannot be used", nil)
	}
	s := &SignIn{endpoint: e, oauth: oauth, client: client, state: random(), verifier: engine.NewSecret(random()), patience: patience}
	if err := s.listen(); err != nil {
		return nil, err
	}
	query := page.Query() // stays (RFC 6749, 3.1)
	for name, value := range e.authorization.query {
		query.Set(name, value)
	}
	if e.authorization.scope != "" {
		query.Set("scope", e.authorization.scope)
	}
	challenge := sha256.Sum256([]byte(s.verifier.Reveal()))
	for name, value := range map[string]string{
		"response_type": "code", "client_id": fields["client_id"], "redirect_uri": s.redirect, "state": s.state,
		"code_challenge": base64.RawURLEncoding.EncodeToString(challenge[:]), "code_challenge_method": "S256",
	} {
		query.Set(name, value)
	}
	page.RawQuery = query.Encode()
	s.URL = page.String()
	return s, nil
}

// Shown reports whether the page shows the code, for Pasted. Else the browser
// comes back to Wait, and the address it ended on can be pasted where it runs
// on another machine.
func (s *SignIn) Shown() bool { return s.listener == nil }

// OAuth is what a generic account of this sign-in is to keep as its
// Account.OAuth, "" for the others. After Finish it says how the client is
// named.
func (s *SignIn) OAuth() engine.Secret {
	if s.endpoint.naming == nil {
		return engine.Secret{}
	}
	o, err := ParseOAuth(s.oauth)
	if err != nil {
		return s.oauth
	}
	if !o.ClientSecret.Empty() {
		o.AuthStyle = s.endpoint.naming.known()
	}
	setting, err := o.Setting()
	if err != nil {
		return s.oauth
	}
	return setting
}

// Format keeps the verifier out of whatever prints a SignIn.
func (s SignIn) Format(f fmt.State, _ rune) { fmt.Fprint(f, "a sign-in") }

// Close gives the port free.
func (s *SignIn) Close() {
	if s.listener != nil {
		s.listener.Close()
	}
}

// Finish exchanges the code, through an account's proxy, and returns a Token
// with a refresh token. A code is good once and for some minutes: only after
// an error with Unsent is Finish worth a second try; KindSettings and KindProxy
// tell what to change before the next sign-in.
func (s *SignIn) Finish(ctx context.Context, code, proxy engine.Secret) (engine.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, codeTimeout)
	defer cancel()
	via, err := ProxyURL(proxy)
	if err != nil {
		return engine.Token{}, err
	}
	fields, err := s.endpoint.fields(engine.ExchangeRequest{Client: s.client})
	if err != nil {
		return engine.Token{}, err
	}
	params := maps.Clone(fields)
	delete(params, "scope") // a code has its own already (RFC 6749, 4.1.3)
	maps.Copy(params, map[string]string{
		"grant_type": "authorization_code", "code": code.Reveal(), "redirect_uri": s.redirect, "code_verifier": s.verifier.Reveal(),
	})
	if s.endpoint.authorization.state {
		params["state"] = s.state
	}
	body, date, err := s.endpoint.post(ctx, via, params, signInCode)
	if err != nil {
		return engine.Token{}, notSignedIn(err)
	}
	token, usable := s.endpoint.token(body, time.Now().Round(0))
	switch {
	case !usable:
		return engine.Token{}, engine.Errorf(engine.KindTransient, "the provider's answer is not a usable token: start again", nil)
	case token.RefreshToken.Empty():
		return engine.Token{}, engine.Errorf(engine.KindTransient, "the provider gave no refresh token, without which nothing can be kept fresh: "+
			"start again, and allow all that its page asks for", nil)
	}
	if token.Scope == "" { // it is what was asked for (RFC 6749, 5.1)
		token.Scope = s.endpoint.authorization.scope
	}
	token.Date = date
	return token, nil
}

// notSignedIn is post's error as it is for a code: that it is refused says
// nothing of a login.
func notSignedIn(err error) error {
	e, ok := errors.AsType[*engine.Error](err)
	if !ok || e.Unsent {
		return err
	}
	switch e.Kind {
	case engine.KindLoginDead:
		e.Kind, e.Message = engine.KindTransient, "the code was refused or has expired: start again"
	case engine.KindTransient, engine.KindRateLimited, engine.KindUnknownOutcome:
		e.Message += "; start again"
	}
	return e
}

func unknownProvider(name string) error {
	return engine.Errorf(engine.KindSettings, fmt.Sprintf("unknown provider %q: it is %s", engine.Clean(name), Names()), nil)
}

// random is text of 256 random bits, as RFC 7636, 4.1 advises.
func random() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}
