package provider

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"tokentray/engine"
)

const (
	maxBody       = 1 << 20 // bytes of an answer that are read
	dialTimeout   = 10 * time.Second
	maxRetryAfter = time.Hour
)

// endpoint is the engine.Provider of a dialect.
type endpoint struct {
	dialect
	rootCAs *x509.CertPool
	naming  *naming // nil: the client is named in the parameters
}

// Exchange implements engine.Provider.
func (p *endpoint) Exchange(ctx context.Context, ex engine.ExchangeRequest) (engine.Token, error) {
	proxy, err := ProxyURL(ex.Proxy)
	if err != nil {
		return engine.Token{}, err
	}
	fields, err := p.fields(ex)
	if err != nil {
		return engine.Token{}, err
	}
	params := map[string]string{"grant_type": "refresh_token", "refresh_token": ex.RefreshToken.Reveal()}
	maps.Copy(params, fields)
	body, date, err := p.post(ctx, proxy, params, refreshToken)
	if err != nil {
		return engine.Token{}, err
	}
	token, usable := p.token(body, time.Now().Round(0))
	token.Date = date
	if !usable {
		return token, unknown("the answer is not a usable token", refreshToken)
	}
	return token, nil
}

// What a request spends, for its errors.
const (
	refreshToken = "refresh token"
	signInCode   = "code"
)

// post sends the parameters and returns a 2xx answer's body and date. They are
// sent once, or where it is not known how the endpoint wants the client named,
// a second time after it did not know the client.
func (p *endpoint) post(ctx context.Context, proxy *url.URL, params map[string]string, spent string) ([]byte, time.Time, error) {
	if p.naming != nil {
		r, err := p.naming.post(params, func(params map[string]string, name func(*http.Request)) (reply, error) {
			return p.send(ctx, proxy, params, name, spent)
		})
		return r.body, r.date, err
	}
	r, err := p.send(ctx, proxy, params, nil, spent)
	return r.body, r.date, err
}

// reply is an answer.
type reply struct {
	body []byte // of a 2xx
	date time.Time
	// noClient says that the client was not known, and nothing else looked at
	// (RFC 6749, 5.2).
	noClient bool
}

// send sends the parameters once; name, if any, names the client in the
// request.
func (p *endpoint) send(ctx context.Context, proxy *url.URL, params map[string]string, name func(*http.Request), spent string) (reply, error) {
	// A request that got no connection was never sent. Once it has one, only
	// an answer tells what became of it.
	var connected atomic.Bool
	req, err := p.request(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}), params)
	if err != nil {
		return reply{}, err
	}
	if name != nil {
		name(req)
	}
	transport := p.transport(proxy)
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req) // follows no redirects
	if err != nil {
		return reply{}, p.noAnswer(err, proxy, connected.Load(), spent)
	}
	defer resp.Body.Close()
	date, _ := http.ParseTime(resp.Header.Get("Date"))
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	whole := err == nil && len(body) <= maxBody
	if p.lenient && whole {
		body = unformed(resp.Header.Get("Content-Type"), body)
	}
	if resp.StatusCode/100 != 2 || p.lenient && whole && refusedWith2xx(body) {
		refused := refusal(resp, body)
		refused.Date = date
		return reply{date: date, noClient: whole && noClient(resp.StatusCode, errorCode(body))}, refused
	}
	if err != nil {
		return reply{date: date}, unknown("the answer was cut off", spent)
	}
	if len(body) > maxBody {
		return reply{date: date}, unknown("the answer is larger than 1 MiB", spent)
	}
	return reply{body: body, date: date}, nil
}

func noClient(status int, code string) bool {
	switch {
	case status == http.StatusUnauthorized && code == "":
		return true
	case status != http.StatusBadRequest && status != http.StatusUnauthorized && status/100 != 2:
		return false
	}
	return code == "invalid_client" || code == "incorrect_client_credentials"
}

func (p *endpoint) request(ctx context.Context, params map[string]string) (*http.Request, error) {
	var body []byte
	contentType := "application/x-www-form-urlencoded"
	if p.json {
		contentType = "application/json"
		var err error
		if body, err = json.Marshal(params); err != nil {
			return nil, err
		}
	} else {
		form := url.Values{}
		for name, value := range params {
			form.Set(name, value)
		}
		body = []byte(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return nil, engine.Errorf(engine.KindSettings, "the token endpoint's URL cannot be used", nil)
	}
	req.GetBody = nil // or the transport might send it twice
	req.Header.Set("Accept", "application/json")
	for name, values := range p.header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", contentType)
	return req, nil
}

// transport makes one connection for one exchange. An account without a proxy
// of its own goes by the environment's (HTTPS_PROXY), as other tools do.
func (p *endpoint) transport(proxy *url.URL) *http.Transport {
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout:    dialTimeout,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: p.rootCAs},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	if proxy != nil {
		t.Proxy = http.ProxyURL(proxy)
	}
	return t
}

// noAnswer is the error of a request without an answer.
func (p *endpoint) noAnswer(err error, proxy *url.URL, connected bool, spent string) error {
	if connected {
		if errors.Is(err, context.DeadlineExceeded) {
			return unknown("the provider did not answer in time", spent)
		}
		return unknown("the connection broke before the answer", spent)
	}
	host := ""
	if u, parseErr := url.Parse(p.url); parseErr == nil {
		host = u.Host
	}
	e := &engine.Error{Kind: engine.KindTransient, Unsent: true, Message: "could not connect to " + host, Err: cause(err)}
	if unconnected(err) {
		e.Kind = engine.KindOffline
	}
	if proxy != nil {
		e.Kind = engine.KindProxy
		e.Message = fmt.Sprintf("could not connect to %s through the account's proxy %s://%s: check that it runs and "+
			"takes these credentials", host, proxy.Scheme, proxy.Host)
	}
	return e
}

// unconnected reports whether not even a connection came about, as without a
// network.
func unconnected(err error) bool {
	var dns *net.DNSError
	var op *net.OpError
	return errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial"
}

// Reach implements engine.Provider.
func (p *endpoint) Reach(ctx context.Context, _ engine.Secret) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, nil)
	if err != nil {
		return err
	}
	u := req.URL
	if via, err := http.ProxyFromEnvironment(req); err == nil && via != nil {
		u = via
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080"}[u.Scheme]
	}
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return cmp.Or(cause(err), err)
	}
	return conn.Close()
}

// Settings implements engine.Provider.
func (p *endpoint) Settings(client string, _ engine.Secret) engine.Fingerprint {
	fields, err := p.fields(engine.ExchangeRequest{Client: client})
	return engine.NewSecret(fmt.Sprint(p.url, fields, err)).Fingerprint()
}

// cause keeps of a network error what cannot hold anything the other side
// sent.
func cause(err error) error {
	var dns *net.DNSError
	var op *net.OpError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("timed out")
	case errors.As(err, &cert):
		return errors.New("its TLS certificate is not valid here")
	case errors.As(err, &dns):
		return errors.New("the name cannot be resolved")
	case errors.As(err, &op) && op.Timeout():
		return errors.New("timed out")
	case errors.As(err, &op) && op.Op != "remote error":
		if inner := op.Unwrap(); inner != nil && op.Op == "dial" {
			return inner
		}
	}
	return nil
}

func unknown(what, spent string) error {
	return engine.Errorf(engine.KindUnknownOutcome, what+": it is not known whether the "+spent+" is used up", nil)
}

// finalCodes mean that a person must sign in again; settingsCodes that our
// client settings are wrong.
var (
	finalCodes = []string{"invalid_grant", "invalid_refresh_token", "refresh_token_reused", "refresh_token_expired",
		"refresh_token_invalidated", "app_session_terminated", "access_denied", "bad_refresh_token"} // the last is GitHub's
	settingsCodes = []string{"invalid_client", "unauthorized_client", "incorrect_client_credentials"} // likewise
)

// refusal is the error of an answer that is not 2xx.
func refusal(resp *http.Response, body []byte) *engine.Error {
	status := resp.StatusCode
	e := &engine.Error{
		Kind:       engine.KindTransient,
		Message:    fmt.Sprintf("the provider answered %d", status),
		RetryAfter: retryAfter(resp.Header.Get("Retry-After"), time.Now()),
	}
	if text := http.StatusText(status); text != "" {
		e.Message += " " + text
	}
	switch {
	case status == http.StatusTooManyRequests:
		e.Kind = engine.KindRateLimited
		e.Message = "the provider limits the rate (429)"
		if e.RetryAfter > 0 {
			e.Message += ", asking to wait " + e.RetryAfter.Round(time.Second).String()
		}
	case status == http.StatusProxyAuthRequired:
		e.Kind = engine.KindProxy
		e.Message = "the proxy wants other credentials (407)"
	case status/100 == 3:
		e.Message += " (redirects are not followed)"
	case status == http.StatusBadRequest, status == http.StatusUnauthorized, status == http.StatusForbidden, status/100 == 2:
		code := errorCode(body)
		switch {
		case slices.Contains(finalCodes, code):
			e.Kind, e.Code, e.Message = engine.KindLoginDead, code, engine.CodeText(code)
		case slices.Contains(settingsCodes, code):
			e.Kind, e.Code, e.Message = engine.KindSettings, code, engine.CodeText(code)
		}
	}
	return e
}

// retryAfter reads both forms of the header (RFC 9110, 10.2.3).
func retryAfter(value string, now time.Time) time.Duration {
	if s, err := strconv.ParseInt(value, 10, 64); err == nil && s > 0 {
		return time.Duration(min(s, int64(maxRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return min(at.Sub(now), maxRetryAfter)
	}
	return 0
}
