package relay

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tokentray/engine"
)

// platform is where one of the relay's account kinds differs from another.
type platform struct {
	provider string
	prefix   string // of the account hashes' keys
	salt     string // of the scrypt key
	millis   bool   // expiresAt is epoch milliseconds, not ISO 8601
	// plainText: a value without ":" is plain text from an old import.
	plainText bool
	marksDead bool   // the relay writes status on failures
	shared    string // set of the shared accounts' ids, where there is one
}

var platforms = map[string]platform{
	engine.Claude: {provider: engine.Claude, prefix: "claude:account:", salt: "salt", millis: true, marksDead: true},
	engine.Gemini: {provider: engine.Gemini, prefix: "gemini_account:", salt: "gemini-account-salt", plainText: true, marksDead: true, shared: "shared_gemini_accounts"},
	engine.OpenAI: {provider: engine.OpenAI, prefix: "openai:account:", salt: "openai-account-salt", plainText: true, shared: "shared_openai_accounts"},
	engine.Droid:  {provider: engine.Droid, prefix: "droid:account:", salt: "droid-account-salt", plainText: true, marksDead: true},
}

func (p platform) index() string              { return p.prefix + "index" }
func (p platform) emptyMarker() string        { return p.index() + ":empty" }
func (p platform) hashKey(id string) string   { return p.prefix + id }
func (p platform) recordKey(id string) string { return "tokentray:{" + p.hashKey(id) + "}" }
func lockKey(key engine.Key) string           { return "token_refresh_lock:" + key.Provider + ":" + key.ID }
func (p platform) expiry(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if p.millis {
		return strconv.FormatInt(millis(t), 10)
	}
	return iso(t)
}

// millis is JavaScript's time; 0 where it is unknown.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// iso is the form of JavaScript's toISOString.
func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// parseTime reads both of the relay's forms; "" is the zero time.
func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		if ms < 0 || ms > 253402300799999 { // the year 9999's end
			return time.Time{}, fmt.Errorf("%d is no time in milliseconds", ms)
		}
		return time.UnixMilli(ms).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	t = t.UTC() // its offset can lead into another year
	if err != nil || t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}, fmt.Errorf("%q is not a time", engine.Clean(text))
	}
	return t, nil
}

// The fields that are read, in this order; accessToken last, as a listing
// leaves it out.
var fields = []string{"name", "isActive", "status", "errorMessage", "refreshToken", "expiresAt", "lastRefreshAt",
	"lastRefresh", "lastUsedAt", "proxy", "scopes", "oauthProvider", "organizationId", "authenticationMethod",
	"rateLimitStatus", "rateLimitedAt", "rateLimitDuration", "rateLimitEndAt", "rateLimitResetAt", "accessToken"}

var listFields = fields[:len(fields)-1]

// account makes an Account of a hash's fields (nil: the hash has none of that
// name). It returns false where the hash does not exist.
func (s *Store) account(p platform, id string, values []any, record any) (engine.Account, bool) {
	field := map[string]string{}
	for i, v := range values {
		if text, ok := v.(string); ok {
			field[fields[i]] = text
		}
	}
	if len(field) == 0 {
		return engine.Account{}, false
	}
	seal := func(text string) engine.Sealed { return engine.Seal(text, s.keys.opener(p)) }
	a := engine.Account{
		Key:          engine.Key{Provider: p.provider, ID: id},
		Name:         engine.Clean(field["name"]),
		Active:       field["isActive"] == "true",
		StoreStatus:  engine.Clean(field["status"]),
		StoreError:   engine.Clean(field["errorMessage"]),
		RefreshToken: seal(field["refreshToken"]),
		AccessToken:  seal(field["accessToken"]),
		Proxy:        engine.NewSecret(field["proxy"]),
		Scopes:       engine.CleanLine(field["scopes"]),
		Organization: field["organizationId"],
	}
	a.Name = cmp.Or(a.Name, engine.Clean(id), "(unnamed)")
	if p.provider == engine.Gemini {
		if a.Client = field["oauthProvider"]; a.Client == "" {
			a.Client = engine.GeminiCLI
		}
	}
	if strings.EqualFold(field["authenticationMethod"], "api_key") {
		a.RefreshToken = engine.Sealed{}
	}
	var err error
	if a.ExpiresAt, err = parseTime(field["expiresAt"]); err != nil {
		a.Problem = unreadable("its expiresAt cannot be read: correct it in the relay", err)
	}
	a.LastRefreshAt, _ = parseTime(cmp.Or(field["lastRefreshAt"], field["lastRefresh"])) // openai has the second
	a.LastUsedAt, _ = parseTime(field["lastUsedAt"])
	a.RateLimitedUntil = rateLimitedUntil(field)
	if text, ok := record.(string); ok {
		a.Record = s.keys.sealedRecord(p, id, text)
	}
	return a, true
}

// rateLimitedUntil is what the relay notes of an account that its provider
// limits: an end, or a begin and minutes.
func rateLimitedUntil(field map[string]string) time.Time {
	if field["rateLimitStatus"] != "limited" {
		return time.Time{}
	}
	for _, name := range []string{"rateLimitEndAt", "rateLimitResetAt"} {
		if at, err := parseTime(field[name]); err == nil && !at.IsZero() {
			return at
		}
	}
	at, err := parseTime(field["rateLimitedAt"])
	minutes, numberErr := strconv.Atoi(field["rateLimitDuration"])
	if err != nil || at.IsZero() || numberErr != nil || minutes <= 0 || minutes > 60*24*31 {
		return time.Time{}
	}
	return at.Add(time.Duration(minutes) * time.Minute)
}

func unreadable(what string, cause error) error {
	return engine.Errorf(engine.KindUnreadable, what, cause)
}

// broken is an account whose key holds something else than a hash.
func broken(p platform, id string, cause string) engine.Account {
	return engine.Account{
		Key: engine.Key{Provider: p.provider, ID: id}, Name: engine.Clean(id), Active: true,
		Problem: unreadable(fmt.Sprintf("the Redis key %s does not hold the hash of an account (%s): "+
			"remove it or restore it from a backup", engine.Clean(p.hashKey(id)), engine.Clean(cause)), nil),
	}
}
