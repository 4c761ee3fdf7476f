package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"tokentray/engine"
)

// answer is a token endpoint's good answer (RFC 6749, 5.1), with what WorkOS
// adds.
type answer struct {
	AccessToken  string  `json:"access_token"`
	RefreshToken string  `json:"refresh_token"`
	IDToken      string  `json:"id_token"`
	ExpiresIn    seconds `json:"expires_in"`
	ExpiresAt    text    `json:"expires_at"` // WorkOS: ISO 8601
	Scope        text    `json:"scope"`
	TokenType    text    `json:"token_type"`
	Organization text    `json:"organization_id"`
	AuthMethod   text    `json:"authentication_method"`
}

// maxText bounds what an answer says beside its tokens, in bytes.
const maxText = 4 << 10

// text is a clean, short string; any other JSON value counts as none.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil && len(s) <= maxText && engine.CleanLine(s) == s {
		*t = text(s)
	}
	return nil
}

// code is an OAuth error code, or an object that holds one.
type code string

func (c *code) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*c = code(s)
		return nil
	}
	var object struct{ Code, Type text }
	if json.Unmarshal(b, &object) == nil {
		if *c = code(object.Code); *c == "" {
			*c = code(object.Type)
		}
	}
	return nil
}

// seconds is a number, also as text; given says that it was there at all.
type seconds struct {
	value float64
	given bool
}

func (s *seconds) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	s.given = true
	var err error
	if s.value, err = strconv.ParseFloat(strings.Trim(string(b), `"`), 64); errors.Is(err, strconv.ErrSyntax) {
		s.value = math.NaN() // unusable
	}
	return nil
}

// maxLifetime bounds what an answer may claim.
const maxLifetime = 10 * 365 * 24 * time.Hour

// token turns a 2xx body into a Token. usable is false where it is not one; a
// new refresh token that it may carry all the same is in the Token then.
func (d dialect) token(body []byte, now time.Time) (t engine.Token, usable bool) {
	var a answer
	err := json.Unmarshal(body, &a)
	if printable(a.RefreshToken) {
		t.RefreshToken = engine.NewSecret(a.RefreshToken)
	}
	if err != nil || !printable(a.AccessToken) || a.RefreshToken != "" && t.RefreshToken.Empty() {
		return t, false
	}
	lifetime, ok := d.lifetimeOf(a, now)
	if !ok || lifetime < time.Millisecond { // expiries are kept in milliseconds
		return t, false
	}
	t.AccessToken = engine.NewSecret(a.AccessToken)
	if printable(a.IDToken) {
		t.IDToken = engine.NewSecret(a.IDToken)
	}
	if lifetime != engine.Forever {
		lifetime = min(lifetime, maxLifetime)
	}
	t.ExpiresAt = now.Add(lifetime).UTC().Truncate(time.Millisecond)
	t.Scope, t.Type = string(a.Scope), string(a.TokenType)
	t.Organization, t.AuthMethod = string(a.Organization), string(a.AuthMethod)
	return t, true
}

func (d dialect) lifetimeOf(a answer, now time.Time) (time.Duration, bool) {
	if a.ExpiresIn.given && !(d.lenient && a.ExpiresIn.value == 0) {
		v := a.ExpiresIn.value
		if !(v > 0) { // NaN too
			return 0, false
		}
		return time.Duration(min(v, maxLifetime.Seconds()) * float64(time.Second)), true
	}
	if at, err := time.Parse(time.RFC3339, string(a.ExpiresAt)); err == nil {
		return at.Sub(now), at.After(now)
	}
	return d.lifetime(a), true
}

// maxToken bounds a token, in bytes. Real ones are below 8 KiB.
const maxToken = 64 << 10

// printable reports whether s can be a token: printable ASCII, not empty.
func printable(s string) bool {
	if s == "" || len(s) > maxToken {
		return false
	}
	for i := range len(s) {
		if s[i] < '!' || s[i] > '~' {
			return false
		}
	}
	return true
}

// errorCode is the code of an error body (RFC 6749, 5.2), also where OpenAI,
// Anthropic and WorkOS put it.
func errorCode(body []byte) string {
	var a struct {
		Error code
		Code  text
	}
	if json.Unmarshal(body, &a) != nil {
		return ""
	}
	if a.Error != "" {
		return string(a.Error)
	}
	return string(a.Code)
}
