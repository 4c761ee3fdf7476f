package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tokentray/engine"
)

const discoveryTimeout = 15 * time.Second

// metadata is what an issuer says of itself (OpenID Connect Discovery 1.0, 3;
// RFC 8414, 2).
type metadata struct {
	Issuer       string   `json:"issuer"`
	TokenURL     string   `json:"token_endpoint"`
	AuthorizeURL string   `json:"authorization_endpoint"`
	AuthMethods  []string `json:"token_endpoint_auth_methods_supported"`
	NamesItself  bool     `json:"authorization_response_iss_parameter_supported"`
}

// Discover asks the issuer, if one is given, through an account's proxy, and
// returns o with what it said. Its errors are of KindSettings where the issuer
// is wrong, and Exchange's where it was not reached.
func (o OAuth) Discover(ctx context.Context, cfg Config, proxy engine.Secret) (OAuth, error) {
	if o.Issuer == "" {
		return o, nil
	}
	via, err := ProxyURL(proxy)
	if err != nil {
		return o, err
	}
	if !secureURL(o.Issuer) || strings.Contains(o.Issuer, "?") {
		return o, engine.Errorf(engine.KindSettings, "the issuer must be an https URL without user, query or fragment (http to this machine only)", nil)
	}
	ctx, cancel := context.WithTimeout(ctx, discoveryTimeout)
	defer cancel()
	var m *metadata
	for _, address := range wellKnown(o.Issuer) {
		e := &endpoint{dialect: dialect{url: address}, rootCAs: cfg.RootCAs}
		if m, err = e.metadata(ctx, via); m != nil || err != nil {
			break
		}
	}
	switch {
	case err != nil:
		return o, err
	case m == nil:
		return o, engine.Errorf(engine.KindSettings, "the issuer "+o.Issuer+" does not tell its endpoints (neither by OpenID Connect nor by RFC 8414): "+
			"check it, or give the token URL and the authorisation URL", nil)
	case m.Issuer != o.Issuer: // or another's endpoints could be given for its own (RFC 8414, 3.3)
		return o, engine.Errorf(engine.KindSettings, fmt.Sprintf("the issuer calls itself %q, not %q: it must be given exactly so", engine.Clean(m.Issuer), o.Issuer), nil)
	case !secureURL(m.TokenURL) || m.AuthorizeURL != "" && !secureURL(m.AuthorizeURL):
		return o, engine.Errorf(engine.KindSettings, "the issuer "+o.Issuer+" names endpoints that cannot be used: they must be https URLs", nil)
	}
	o.TokenURL, o.AuthorizeURL, o.NamesItself = m.TokenURL, m.AuthorizeURL, m.NamesItself
	if o.AuthStyle == "" {
		basic, post := slices.Contains(m.AuthMethods, "client_secret_basic"), slices.Contains(m.AuthMethods, "client_secret_post")
		switch {
		case basic && !post:
			o.AuthStyle = StyleHeader
		case post && !basic:
			o.AuthStyle = StyleParams
		}
	}
	return o, nil
}

// wellKnown are the addresses of an issuer's metadata. OpenID's stands behind
// the issuer's path, RFC 8414's before it (RFC 8414, 3.1 and 5).
func wellKnown(issuer string) []string {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil
	}
	origin, path := u.Scheme+"://"+u.Host, strings.TrimSuffix(u.EscapedPath(), "/")
	return []string{origin + path + "/.well-known/openid-configuration", origin + "/.well-known/oauth-authorization-server" + path}
}

// metadata gets the document at the endpoint, nil where there is none.
func (p *endpoint) metadata(ctx context.Context, proxy *url.URL) (*metadata, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, nil)
	if err != nil {
		return nil, engine.Errorf(engine.KindSettings, "the issuer's URL cannot be used", nil)
	}
	req.Header.Set("Accept", "application/json")
	transport := p.transport(proxy)
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req) // follows no redirects
	if err != nil {
		return nil, p.noAnswer(err, proxy, false, "") // nothing was spent, whatever came of it
	}
	defer resp.Body.Close()
	switch status := resp.StatusCode; {
	case status == http.StatusTooManyRequests, status == http.StatusProxyAuthRequired, status/100 == 5:
		return nil, refusal(resp, nil)
	case status != http.StatusOK:
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, p.noAnswer(err, proxy, false, "")
	}
	var m metadata
	if len(body) > maxBody || json.Unmarshal(body, &m) != nil || m.Issuer == "" && m.TokenURL == "" { // such as a site's page for all that it does not have
		return nil, nil
	}
	return &m, nil
}
