package provider

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"tokentray/engine"
)

// generic is the engine.Provider of all generic accounts, each with its own
// endpoint.
type generic struct {
	cfg Config

	mu        sync.Mutex
	endpoints map[engine.Secret]*endpoint // by Account.OAuth; they remember how the client is named
}

func newGeneric(cfg Config) *generic {
	return &generic{cfg: cfg, endpoints: map[engine.Secret]*endpoint{}}
}

func (g *generic) endpoint(oauth engine.Secret) (*endpoint, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if e := g.endpoints[oauth]; e != nil {
		return e, nil
	}
	e, err := endpointOf(g.cfg, engine.Generic, oauth)
	if err == nil {
		g.endpoints[oauth] = e
	}
	return e, err
}

// Exchange implements engine.Provider.
func (g *generic) Exchange(ctx context.Context, req engine.ExchangeRequest) (engine.Token, error) {
	e, err := g.endpoint(req.OAuth)
	if err != nil {
		return engine.Token{}, err
	}
	return e.Exchange(ctx, req)
}

// Reach implements engine.Provider.
func (g *generic) Reach(ctx context.Context, oauth engine.Secret) error {
	e, err := g.endpoint(oauth)
	if err != nil {
		return err
	}
	return e.Reach(ctx, oauth)
}

// Settings implements engine.Provider.
func (g *generic) Settings(_ string, oauth engine.Secret) engine.Fingerprint {
	return oauth.Fingerprint()
}

// endpointOf is a provider's endpoint, for generic accounts with this OAuth.
func endpointOf(cfg Config, provider string, oauth engine.Secret) (*endpoint, error) {
	if provider != engine.Generic {
		if e := endpoints(cfg)[provider]; e != nil {
			return e, nil
		}
		return nil, unknownProvider(provider)
	}
	o, err := ParseOAuth(oauth)
	if err != nil {
		return nil, err
	}
	return &endpoint{dialect: o.dialect(), rootCAs: cfg.RootCAs, naming: &naming{style: o.AuthStyle, public: o.ClientSecret.Empty()}}, nil
}

// dialect is what x/oauth2 speaks. An answer without a lifetime is of a token
// that does not expire.
func (o OAuth) dialect() dialect {
	fields := map[string]string{"client_id": o.ClientID}
	if !o.ClientSecret.Empty() {
		fields["client_secret"] = o.ClientSecret.Reveal()
	}
	redirect := cmp.Or(o.RedirectURL, DefaultRedirect)
	a := authorization{url: o.AuthorizeURL, query: map[string]string{}, scope: o.Scopes, redirect: redirect, issuer: o.Issuer, named: o.NamesItself}
	back, _ := url.Parse(redirect) // was checked
	a.port, _ = strconv.Atoi(back.Port())
	params, _ := url.ParseQuery(o.AuthorizeParams)
	for name := range params {
		a.query[name] = params.Get(name)
	}
	return dialect{url: o.TokenURL, fields: fixedFields(fields), authorization: a, lifetime: fixedLifetime(engine.Forever), lenient: true}
}

// naming is how a client names itself to its token endpoint (RFC 6749, 2.3.1).
// What is not known is found out as x/oauth2 does, in the header first, and
// remembered. A second request is made only where the answer to the first shows
// that the client was not known: the token in it was not looked at then, and so
// is not used up. x/oauth2 makes it after any error.
type naming struct {
	public bool // without a secret, which is named in the parameters (RFC 6749, 3.2.1)

	mu    sync.Mutex
	style string
}

func (n *naming) known() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.style == "" && n.public {
		return StyleParams
	}
	return n.style
}

func (n *naming) remember(style string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.style = style
}

type sending func(params map[string]string, name func(*http.Request)) (reply, error)

// post sends params, which have the client's id and secret.
func (n *naming) post(params map[string]string, send sending) (reply, error) {
	style := n.known()
	if style == StyleParams {
		return send(params, nil)
	}
	bare := maps.Clone(params)
	delete(bare, "client_id")
	delete(bare, "client_secret")
	r, err := send(bare, func(req *http.Request) { // encoded first: RFC 6749, 2.3.1
		req.SetBasicAuth(url.QueryEscape(params["client_id"]), url.QueryEscape(params["client_secret"]))
	})
	switch {
	case style == StyleHeader:
	case err == nil:
		n.remember(StyleHeader)
	case r.noClient:
		if r, err = send(params, nil); err == nil {
			n.remember(StyleParams)
		}
	}
	return r, err
}
