package provider

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"tokentray/engine"
)

func init() { register(engine.OpenAI, openAI) }

func openAI(Config) dialect {
	return dialect{
		url: "https://auth.openai.com/oauth/token",
		fields: fixedFields(map[string]string{
			"client_id": "app_EMoamEEZ73f0CkXaXp7hrann",
			"scope":     "openid profile email",
		}),
		authorization: authorization{
			url:      "https://auth.openai.com/oauth/authorize",
			query:    map[string]string{"id_token_add_organizations": "true", "codex_cli_simplified_flow": "true"},
			scope:    "openid profile email offline_access",
			redirect: "http://localhost/auth/callback",
			port:     1455, // the one that the client is registered with
		},
		lifetime: jwtLifetime,
	}
}

// jwtLifetime reads exp from the access token, which is a JWT; an hour where
// it is not. The token comes from the provider itself over TLS, so that its
// signature need not be checked.
func jwtLifetime(a answer) time.Duration {
	parts := strings.Split(a.AccessToken, ".")
	if len(parts) != 3 {
		return time.Hour
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Hour
	}
	var claims struct {
		Exp float64 `json:"exp"`
	}
	if json.Unmarshal(payload, &claims) != nil || claims.Exp <= 0 || claims.Exp > 1e11 {
		return time.Hour
	}
	if left := time.Until(time.Unix(int64(claims.Exp), 0)); left > 0 {
		return left
	}
	return time.Hour
}
