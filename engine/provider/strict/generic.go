package strict

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"tokentray/engine"
)

// The client that the generic provider knows. Its names are such that they do
// not go through a header or a form unless they are encoded for it.
const (
	GenericID     = "tokentray: a client/1"
	GenericSecret = "s3cret+100% of=it&más:"
)

// Issuer is the generic provider's, which tells its endpoints as OpenID Connect
// Discovery has it.
func (s *Server) Issuer() string { return s.base + "/" + engine.Generic }

func (s *Server) describe(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{
		"issuer": s.Issuer(), "token_endpoint": s.URL(engine.Generic), "authorization_endpoint": s.base + "/" + engine.Generic + "/authorize",
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"}, "authorization_response_iss_parameter_supported": true,
	})
}

// OAuth is Account.OAuth of its accounts, with an auth style, "" for none.
func (s *Server) OAuth(style string) engine.Secret {
	text, err := json.Marshal(map[string]string{
		"token_url": s.URL(engine.Generic), "authorize_url": s.base + "/" + engine.Generic + "/authorize",
		"client_id": GenericID, "client_secret": GenericSecret, "auth_style": style, "scopes": "one two",
	})
	if err != nil {
		panic(err) // strings alone
	}
	return engine.NewSecret(string(text))
}

// name takes the client's name out of the header (RFC 6749, 2.3.1), and drops
// one that is named otherwise than it must be.
func (s *Server) name(r *http.Request, params url.Values) error {
	id, secret, header := r.BasicAuth()
	if header && (params.Has("client_id") || params.Has("client_secret")) {
		return errors.New("the client is named twice")
	}
	if header {
		for name, value := range map[string]string{"client_id": id, "client_secret": secret} {
			plain, err := url.QueryUnescape(value)
			if err != nil {
				return fmt.Errorf("%s is not encoded: %w", name, err)
			}
			params.Set(name, plain)
		}
	}
	if s.Style == "header" && !header || s.Style == "params" && header {
		params.Del("client_id") // and so it is not known
	}
	return nil
}

// Endless lets the generic provider give tokens without a lifetime.
func (s *Server) Endless() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endless = true
}
