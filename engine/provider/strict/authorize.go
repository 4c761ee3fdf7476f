package strict

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"tokentray/engine"
)

// redirects are where each provider's page may send the browser. The ports of
// this machine are free, as RFC 8252, 7.3 has it.
var redirects = map[string]*regexp.Regexp{
	engine.Claude: regexp.MustCompile(`^https://platform\.claude\.com/oauth/code/callback$`),
	engine.Gemini: regexp.MustCompile(`^http://127\.0\.0\.1:[0-9]+(/[a-z0-9]*)?$`),
	engine.OpenAI: regexp.MustCompile(`^http://localhost:[0-9]+/auth/callback$`),

	engine.Generic: regexp.MustCompile(`^http://127\.0\.0\.1:[0-9]+/callback$`),
}

// wanted is what each provider's page must be asked with, beside what RFC 6749
// and RFC 7636 want.
var wanted = map[string]url.Values{
	engine.Claude: {"code": {"true"}},
	engine.Gemini: {"access_type": {"offline"}, "prompt": {"consent"}},
	engine.OpenAI: {"id_token_add_organizations": {"true"}, "codex_cli_simplified_flow": {"true"}},
}

// challenges are S256's: 256 bits in base64url.
var challenges = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// grant is what a code is bound to.
type grant struct {
	provider, client, redirect, challenge, state, scope string
	login                                               *Login // that it began; nil: not used yet
}

// Deny lets the person refuse the provider's next sign-in.
func (s *Server) Deny(provider string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied[provider] = true
}

// authorize is the page on which a person signs in, which this one does at
// once (RFC 6749, 4.1.1). Claude's shows code#state; the others send the
// browser back.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	provider, q := r.PathValue("provider"), r.URL.Query()
	if fault := wrong(provider, q); fault != "" { // and nobody is sent to where it may be a lie
		http.Error(w, "wrong "+fault, http.StatusBadRequest)
		return
	}
	code := "code-" + rand.Text()
	s.mu.Lock()
	denied := s.denied[provider]
	delete(s.denied, provider)
	if !denied {
		s.codes[code] = &grant{
			provider: provider, client: q.Get("client_id"), redirect: q.Get("redirect_uri"), challenge: q.Get("code_challenge"),
			state: q.Get("state"), scope: q.Get("scope"),
		}
	}
	s.mu.Unlock()
	answer := url.Values{"code": {code}, "state": {q.Get("state")}}
	switch {
	case denied && provider == engine.Generic:
		answer = url.Values{"error": {"access_denied"}, "state": {q.Get("state")}, "iss": {s.Issuer()}}
	case provider == engine.Generic:
		answer.Set("iss", s.Issuer())
	case denied:
		answer = url.Values{"error": {"access_denied"}, "error_description": {"<b>the person</b> said no"}, "state": {q.Get("state")}}
	case provider == engine.Claude:
		fmt.Fprintf(w, "<title>Signed in</title><code>%s</code>", html.EscapeString(code+"#"+q.Get("state")))
		return
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+answer.Encode(), http.StatusFound)
}

// wrong names the first parameter that is not as it must be.
func wrong(provider string, q url.Values) string {
	for name, values := range q {
		if len(values) != 1 { // RFC 6749, 3.1
			return name
		}
	}
	for name, values := range wanted[provider] {
		if q.Get(name) != values[0] {
			return name
		}
	}
	switch {
	case redirects[provider] == nil:
		return "provider"
	case !slices.Contains(clients[provider], q.Get("client_id")):
		return "client_id"
	case !redirects[provider].MatchString(q.Get("redirect_uri")):
		return "redirect_uri"
	case q.Get("response_type") != "code":
		return "response_type"
	case q.Get("code_challenge_method") != "S256":
		return "code_challenge_method"
	case !challenges.MatchString(q.Get("code_challenge")):
		return "code_challenge"
	case q.Get("state") == "":
		return "state"
	case q.Get("scope") == "":
		return "scope"
	}
	return ""
}

// redeem is the exchange of a code (RFC 6749, 4.1.3 and RFC 7636, 4.6), which
// begins a login. A code that comes again kills it.
func (s *Server) redeem(provider string, params url.Values) (int, any) {
	refused := func() (int, any) {
		return http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": "code " + params.Get("code") + " was refused"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.codes[params.Get("code")]
	if g == nil {
		return refused()
	}
	challenge := sha256.Sum256([]byte(params.Get("code_verifier")))
	switch {
	case g.provider != provider, g.client != params.Get("client_id"), g.redirect != params.Get("redirect_uri"),
		g.challenge != base64.RawURLEncoding.EncodeToString(challenge[:]),
		provider == engine.Claude && g.state != params.Get("state"):
		return refused()
	case g.login != nil:
		g.login.Dead = true
		return refused()
	}
	l := &Login{Provider: provider, Refresh: "refresh-" + rand.Text(), Access: s.newAccess(provider)}
	s.logins = append(s.logins, l)
	s.byToken[l.Refresh] = l
	g.login = l
	body := s.answer(l)
	body["refresh_token"], body["scope"] = l.Refresh, g.scope
	return http.StatusOK, body
}
