package provider

import (
	"crypto/subtle"
	"net/url"
	"strings"

	"tokentray/engine"
)

// Pasted reads what a person brings from the browser: code#state, as a page
// shows it, or the whole address that the browser ended on. White space, also
// that of a wrapped line, does not count. Errors, which quote nothing of it,
// are of KindSettings where another paste may do, and of KindTransient where
// only a new sign-in does.
func (s *SignIn) Pasted(text string) (engine.Secret, error) {
	text = strings.Join(strings.Fields(text), "")
	wanted := "paste the whole address that the browser ended on, which begins with " + s.redirect
	if s.Shown() {
		wanted = "paste all that the page shows, code#state"
	}
	if text == "" {
		return engine.Secret{}, engine.Errorf(engine.KindSettings, "nothing was pasted: "+wanted, nil)
	}
	answer, ok := s.read(text)
	switch {
	case !ok:
		return engine.Secret{}, engine.Errorf(engine.KindSettings, "that is not what the sign-in ended with: "+wanted, nil)
	case answer.Get("state") == "":
		return engine.Secret{}, engine.Errorf(engine.KindSettings, "the state is missing, without which it may be of any sign-in: "+wanted, nil)
	case !s.ours(answer.Get("state")):
		return engine.Secret{}, engine.Errorf(engine.KindTransient, "that is from another sign-in: start again", nil)
	}
	return s.codeOf(answer)
}

// read takes text apart. An address must be the redirect's: the sign-in page's
// own has the state too, and claude's has a code=true.
func (s *SignIn) read(text string) (url.Values, bool) {
	_, bare, _ := strings.Cut(s.redirect, "://") // as browsers show it
	if !strings.Contains(text, "://") && !strings.HasPrefix(text, bare) {
		code, state, _ := strings.Cut(text, "#")
		return url.Values{"code": {code}, "state": {state}}, true
	}
	address, _, _ := strings.Cut(text, "#")
	address, query, _ := strings.Cut(address, "?")
	if address != s.redirect && address != bare {
		return nil, false
	}
	answer, err := url.ParseQuery(query)
	return answer, err == nil
}

// ours reports whether state is that of this sign-in.
func (s *SignIn) ours(state string) bool {
	return subtle.ConstantTimeCompare([]byte(state), []byte(s.state)) == 1
}

// codeOf reads the answer of the provider's page (RFC 6749, 4.1.2), whose
// state was found right. One of another provider is refused (RFC 9207, 2.4).
func (s *SignIn) codeOf(answer url.Values) (engine.Secret, error) {
	a, from := s.endpoint.authorization, answer.Get("iss")
	if a.issuer != "" && (from != "" || a.named) && from != a.issuer {
		return engine.Secret{}, engine.Errorf(engine.KindTransient, "the answer is not that of the provider "+a.issuer+": start again, and sign in there", nil)
	}
	if said := answer.Get("error"); said != "" {
		return engine.Secret{}, refusedThere(said)
	}
	code := answer.Get("code")
	if !printable(code) {
		return engine.Secret{}, engine.Errorf(engine.KindTransient, "the provider's page gave no usable code: start again", nil)
	}
	return engine.NewSecret(code), nil
}

// refusedThere is the error of a sign-in that the provider's page ended with
// an error code (RFC 6749, 4.1.2.1). What else it said is left out.
func refusedThere(code string) error {
	e := engine.Errorf(engine.KindTransient, "the provider's page ended the sign-in: start again", nil)
	switch code {
	case "access_denied":
		e.Code, e.Message = code, "the sign-in was refused on the provider's page: start again, and allow it there"
	case "server_error", "temporarily_unavailable":
		e.Code, e.Message = code, "the provider cannot sign anybody in now: start again later"
	case "invalid_client", "unauthorized_client":
		e.Kind, e.Code, e.Message = engine.KindSettings, code, engine.CodeText(code)
	}
	return e
}
