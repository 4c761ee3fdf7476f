package relay

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"tokentray/engine"
)

// identityFields are the fields of an openai account that the relay takes from
// its ID token when it is added, all empty where the token has none of it. The
// relay names the account to OpenAI by them. The token's signature is not
// checked: it came from the person who adds the account.
func identityFields(idToken engine.Secret) map[string]string {
	var claims struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
		Auth     struct {
			AccountID     string `json:"chatgpt_account_id"`
			ChatGPTUser   string `json:"chatgpt_user_id"`
			User          string `json:"user_id"`
			Plan          string `json:"chatgpt_plan_type"`
			Organizations []organization
		} `json:"https://api.openai.com/auth"`
	}
	if parts := strings.Split(idToken.Reveal(), "."); len(parts) == 3 {
		if payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "=")); err == nil {
			_ = json.Unmarshal(payload, &claims) // a claim of another type stays empty
		}
	}
	own := organization{}
	if all := claims.Auth.Organizations; len(all) > 0 {
		own = all[max(0, slices.IndexFunc(all, func(o organization) bool { return o.Default }))]
	}
	user := claims.Auth.ChatGPTUser
	if user == "" {
		user = claims.Auth.User
	}
	return map[string]string{
		"accountId": claims.Auth.AccountID, "chatgptUserId": user, "planType": claims.Auth.Plan,
		"organizationId": own.ID, "organizationRole": own.Role, "organizationTitle": own.Title,
		"email": claims.Email, "emailVerified": strconv.FormatBool(claims.Verified),
	}
}

type organization struct {
	ID, Role, Title string
	Default         bool `json:"is_default"`
}
