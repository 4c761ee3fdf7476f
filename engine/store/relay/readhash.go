package relay

import (
	"cmp"
	"encoding/json"
	"errors"
	"strings"

	"tokentray/engine"
)

// errShut is a token that the key, or none, does not open.
var errShut = errors.New("its tokens cannot be decrypted: wrong ENCRYPTION_KEY?")

// fileReader reads accounts out of a file, where a value is encrypted or plain.
type fileReader struct {
	keys   keyring
	hasKey bool
}

func (f fileReader) account(h foundHash) (engine.NewAccount, error) {
	n := engine.NewAccount{
		Provider: h.provider, Name: h.name(), Inactive: h.text("isActive") != "true",
		Proxy: engine.NewSecret(h.text("proxy")), Scopes: engine.CleanLine(h.text("scopes")),
	}
	switch h.provider {
	case engine.Gemini:
		n.Client = cmp.Or(engine.Clean(h.text("oauthProvider")), engine.GeminiCLI)
	case engine.Droid:
		n.Organization = engine.Clean(h.text("organizationId"))
	}
	n.ExpiresAt, _ = parseTime(h.text("expiresAt"))
	for field, secret := range map[string]*engine.Secret{"accessToken": &n.AccessToken, "refreshToken": &n.RefreshToken, "idToken": &n.IDToken} {
		if field == "idToken" && h.provider != engine.OpenAI {
			continue
		}
		text, err := f.open(h.platform, h.text(field))
		if err == nil {
			*secret, err = checked(text)
		}
		if err != nil {
			return engine.NewAccount{}, err
		}
	}
	if strings.EqualFold(h.text("authenticationMethod"), "api_key") {
		return engine.NewAccount{}, errors.New("it has an API key and no login")
	}
	if n.AccessToken.Empty() && n.RefreshToken.Empty() {
		if err := f.inside(h, &n); err != nil {
			return engine.NewAccount{}, err
		}
	}
	if n.AccessToken.Empty() && n.RefreshToken.Empty() {
		return engine.NewAccount{}, errors.New("it has no token in the file")
	}
	return n, nil
}

// inside takes the tokens from the login that is kept whole beside the fields.
// Where the fields have a token, theirs is the newer one: a refresh leaves this
// one behind.
func (f fileReader) inside(h foundHash, n *engine.NewAccount) error {
	field := h.provider + "Oauth"
	if h.provider == engine.Claude {
		field = "claudeAiOauth"
	}
	text, err := f.open(h.platform, h.text(field))
	if err != nil || text == "" {
		return err
	}
	var login map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &login) != nil {
		return errors.New("the login beside its fields is not JSON")
	}
	either := func(a, b string) string { return cmp.Or(plainText(login[a]), plainText(login[b])) }
	for _, token := range []struct {
		secret *engine.Secret
		text   string
	}{
		{&n.AccessToken, either("accessToken", "access_token")},
		{&n.RefreshToken, either("refreshToken", "refresh_token")},
		{&n.IDToken, either("idToken", "id_token")},
	} {
		if token.text == "" || token.secret == &n.IDToken && h.provider != engine.OpenAI {
			continue
		}
		if *token.secret, err = checked(token.text); err != nil {
			return err
		}
	}
	if n.ExpiresAt.IsZero() {
		n.ExpiresAt, _ = parseTime(either("expiresAt", "expiry_date"))
	}
	n.Scopes = cmp.Or(n.Scopes, engine.CleanLine(either("scopes", "scope")))
	return nil
}

// open decrypts what is encrypted.
func (f fileReader) open(p platform, text string) (string, error) {
	if !encrypted(text) {
		return text, nil
	}
	if !f.hasKey {
		return "", errShut
	}
	plain, err := f.keys.decrypt(p, text)
	if err != nil {
		return "", errShut
	}
	return plain, nil
}

// encrypted reports whether text has the cipher's form, whole or damaged. No
// provider's token has: they are no hexadecimal.
func encrypted(text string) bool {
	iv, data, found := strings.Cut(text, ":")
	return found && strings.Trim(iv+data, "0123456789abcdefABCDEF") == ""
}

// checked refuses what is no token.
func checked(text string) (engine.Secret, error) {
	if strings.Contains(text, "[REDACTED]") {
		return engine.Secret{}, errors.New("its tokens were taken out of the export: export without --sanitize")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < '!' || r > '~' }) {
		return engine.Secret{}, errShut
	}
	return engine.NewSecret(text), nil
}
