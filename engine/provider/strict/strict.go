// Package strict is a token server as unforgiving as the real ones: refresh
// tokens of Claude, OpenAI and Droid logins are single use, and the replay of
// a used one kills the whole login. Its page signs in whoever asks as RFC 6749
// and RFC 7636 have it. It serves tests and the demo.
package strict

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"tokentray/engine"
)

// ClientSecret is what gemini exchanges must carry here.
const ClientSecret = "strict-google-client-secret"

// Server is the token server of all four providers, and of a generic one.
type Server struct {
	// Lifetime of new access tokens.
	Lifetime time.Duration
	// Style is how a generic provider's client must be named, "header" or
	// "params"; "": either way.
	Style string

	http     *http.Server
	base     string
	mu       sync.Mutex // guards all below, and every login
	logins   []*Login
	byToken  map[string]*Login
	used     map[string]bool
	faults   map[string][]Fault
	requests []Request
	codes    map[string]*grant
	denied   map[string]bool
	endless  bool
}

// Login is one family of tokens.
type Login struct {
	Provider string
	// Refresh and Access are the newest tokens.
	Refresh, Access string
	// Exchanges counts the successful ones, Replays the uses of a used token.
	Exchanges, Replays int
	Dead               bool
}

// Request is one that came in, for judging afterwards.
type Request struct {
	Provider string
	At       time.Time
	Status   int // 0: no answer was given
	Header   http.Header
	Query    string // of the URL, where one was put behind it to know who asks
	Login    *Login // whose refresh token it brought; nil: nobody's, or not read yet
}

// Fault is how the next request of a provider goes. With neither Status nor
// Cut it is only late.
type Fault struct {
	Delay  time.Duration     // before anything else
	Status int               // answer with this instead
	Body   string            // of that answer
	Header map[string]string // of that answer
	Cut    bool              // break the connection instead of an answer
	// Spend carries out the exchange all the same, so that the token is used
	// up and only the answer is lost.
	Spend bool
}

// New starts a server on a free port of the loopback interface.
func New() (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{
		Lifetime: time.Hour,
		base:     "http://" + listener.Addr().String(),
		byToken:  map[string]*Login{}, used: map[string]bool{}, faults: map[string][]Fault{},
		codes: map[string]*grant{}, denied: map[string]bool{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{provider}/token", s.serve)
	mux.HandleFunc("GET /{provider}/authorize", s.authorize)
	mux.HandleFunc("GET /generic/.well-known/openid-configuration", s.describe)
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go s.http.Serve(listener)
	return s, nil
}

// Close stops it.
func (s *Server) Close() { s.http.Close() }

// URL is the provider's token endpoint.
func (s *Server) URL(provider string) string { return s.base + "/" + provider + "/token" }

// URLs are all four, by provider.
func (s *Server) URLs() map[string]string {
	urls := map[string]string{}
	for _, p := range []string{engine.Claude, engine.Gemini, engine.OpenAI, engine.Droid} {
		urls[p] = s.URL(p)
	}
	return urls
}

// AuthorizeURLs are the pages on which people sign in, by provider.
func (s *Server) AuthorizeURLs() map[string]string {
	urls := map[string]string{}
	for p := range redirects {
		urls[p] = s.base + "/" + p + "/authorize"
	}
	return urls
}

// SignIn begins a login with a refresh token of the caller's choice, or one of
// its own where that is "".
func (s *Server) SignIn(provider, refresh string) *Login {
	s.mu.Lock()
	defer s.mu.Unlock()
	if refresh == "" {
		refresh = "refresh-" + rand.Text()
	}
	l := &Login{Provider: provider, Refresh: refresh, Access: s.newAccess(provider)}
	s.logins = append(s.logins, l)
	s.byToken[refresh] = l
	return l
}

// Look returns a copy of the login as it stands.
func (s *Server) Look(l *Login) Login {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *l
}

// Kill ends a login as a user who signs out everywhere would.
func (s *Server) Kill(l *Login) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.Dead = true
}

// Fail lets the provider's next requests go wrong, one fault each.
func (s *Server) Fail(provider string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[provider] = append(s.faults[provider], faults...)
}

// Heal takes back the faults that were not met.
func (s *Server) Heal(provider string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.faults, provider)
}

// Requests returns what came in so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Replays counts the uses of used tokens over all logins.
func (s *Server) Replays() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, l := range s.logins {
		n += l.Replays
	}
	return n
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	provider := r.PathValue("provider")
	params, err := parameters(r, provider)
	if provider == engine.Generic && err == nil {
		err = s.name(r, params)
	}
	fault, request := s.arrived(provider, r)

	if fault.Delay > 0 {
		select {
		case <-time.After(fault.Delay):
		case <-r.Context().Done():
		}
	}
	status, body := http.StatusBadRequest, any(map[string]string{"error": "invalid_request"})
	lost := fault.Status != 0 || fault.Cut
	if err == nil && (!lost || fault.Spend) {
		status, body = s.exchange(provider, params)
	}
	if fault.Cut {
		panic(http.ErrAbortHandler)
	}
	text, _ := json.Marshal(body)
	if fault.Status != 0 {
		status, text = fault.Status, []byte(fault.Body)
	}
	s.mu.Lock()
	s.requests[request].Status, s.requests[request].Login = status, s.byToken[params.Get("refresh_token")]
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	for name, value := range fault.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(status)
	w.Write(text)
}

// arrived notes a request and takes the fault it is to meet.
func (s *Server) arrived(provider string, r *http.Request) (fault Fault, request int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if queue := s.faults[provider]; len(queue) > 0 {
		fault, s.faults[provider] = queue[0], queue[1:]
	}
	s.requests = append(s.requests, Request{Provider: provider, At: time.Now(), Header: r.Header, Query: r.URL.RawQuery})
	return fault, len(s.requests) - 1
}

// parameters reads the request as the provider wants it.
func parameters(r *http.Request, provider string) (url.Values, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if provider != engine.Claude {
		if kind != "application/x-www-form-urlencoded" {
			return nil, fmt.Errorf("content type %q", kind)
		}
		err := r.ParseForm()
		return r.PostForm, err
	}
	if kind != "application/json" {
		return nil, fmt.Errorf("content type %q", kind)
	}
	var object map[string]string
	if err := json.NewDecoder(r.Body).Decode(&object); err != nil {
		return nil, err
	}
	params := url.Values{}
	for name, value := range object {
		params.Set(name, value)
	}
	return params, nil
}

// clients are the ids that each provider takes.
var clients = map[string][]string{
	engine.Claude: {"9d1c250a-e61b-44d9-88ed-5944d1962f5e"},
	engine.Gemini: {"681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com",
		"1071006060591-tmhssin2h21lcre235vtolojh4g403ep.apps.googleusercontent.com"},
	engine.OpenAI: {"app_EMoamEEZ73f0CkXaXp7hrann"},
	engine.Droid:  {"client_01HNM792M5G5G1A2THWPXKFMXB"},

	engine.Generic: {GenericID},
}

// exchange is, beside redeem's, the refresh grant (RFC 6749, 6) with rotation
// and reuse detection (RFC 9700, 4.14.2).
func (s *Server) exchange(provider string, params url.Values) (int, any) {
	// As some real ones do, it echoes the token: no error of ours may.
	refused := func(status int, code string) (int, any) {
		return status, map[string]string{"error": code, "error_description": "token " + params.Get("refresh_token") + " was refused"}
	}
	known := slices.Contains(clients[provider], params.Get("client_id"))
	if !known || provider == engine.Gemini && params.Get("client_secret") != ClientSecret ||
		provider == engine.Generic && params.Get("client_secret") != GenericSecret {
		return refused(http.StatusUnauthorized, "invalid_client")
	}
	if params.Get("grant_type") == "authorization_code" {
		return s.redeem(provider, params)
	}
	if params.Get("grant_type") != "refresh_token" || provider == engine.OpenAI && params.Get("scope") != "openid profile email" {
		return refused(http.StatusBadRequest, "invalid_request")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := params.Get("refresh_token")
	l := s.byToken[old]
	if l == nil || l.Provider != provider {
		return refused(http.StatusBadRequest, "invalid_grant")
	}
	if s.used[old] {
		l.Replays++
		l.Dead = true
	}
	if l.Dead {
		return refused(http.StatusBadRequest, "invalid_grant")
	}
	l.Exchanges++
	l.Access = s.newAccess(provider)
	body := s.answer(l)
	if provider != engine.Gemini { // Google's stay valid
		s.used[old] = true
		l.Refresh = "refresh-" + rand.Text()
		s.byToken[l.Refresh] = l
		body["refresh_token"] = l.Refresh
	}
	return http.StatusOK, body
}

// newAccess is an access token. OpenAI's are JWTs that say when they expire.
func (s *Server) newAccess(provider string) string {
	if provider != engine.OpenAI {
		return "access-" + rand.Text()
	}
	claims := fmt.Sprintf(`{"exp":%d,"jti":%q}`, time.Now().Add(s.Lifetime).Unix(), rand.Text())
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"RS256"}`)) + "." + part([]byte(claims)) + "." + part([]byte("signature"))
}

func (s *Server) answer(l *Login) map[string]any {
	body := map[string]any{"access_token": l.Access, "expires_in": int(s.Lifetime.Seconds()), "token_type": "Bearer"}
	if l.Provider == engine.Generic && s.endless {
		delete(body, "expires_in")
	}
	if l.Provider == engine.OpenAI {
		body["id_token"] = "id-" + rand.Text()
	}
	return body
}
