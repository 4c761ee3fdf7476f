package logins

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strings"
	"time"

	"tokentray/engine"
)

// The tools.
const (
	claudeCode = "claude-code"
	geminiCLI  = "gemini-cli"
	codex      = "codex"
)

// format says where in a tool's file what lies. A field's name is "" where the
// tool has no such field.
type format struct {
	tool, provider, client string
	env                    string // the variable that names another folder
	folder, file           string
	in                     string // the object that the tokens lie in, "" the file's own
	refresh, access, id    string
	expires, ends          string // of the access token, of the login: milliseconds
	scopes                 string
	scopesAreArray         bool   // else one text
	refreshed              string // RFC 3339, in the file's own object
}

var formats = []format{
	{tool: claudeCode, provider: engine.Claude, env: "CLAUDE_CONFIG_DIR", folder: ".claude", file: ".credentials.json", in: "claudeAiOauth",
		refresh: "refreshToken", access: "accessToken", expires: "expiresAt", ends: "refreshTokenExpiresAt", scopes: "scopes", scopesAreArray: true},
	{tool: geminiCLI, provider: engine.Gemini, client: engine.GeminiCLI, env: "GEMINI_CLI_HOME", folder: ".gemini", file: "oauth_creds.json",
		refresh: "refresh_token", access: "access_token", id: "id_token", expires: "expiry_date", scopes: "scope"},
	// The expiry is in the access token itself.
	{tool: codex, provider: engine.OpenAI, env: "CODEX_HOME", folder: ".codex", file: "auth.json", in: "tokens",
		refresh: "refresh_token", access: "access_token", id: "id_token", refreshed: "last_refresh"},
}

func formatOf(tool string) (format, bool) {
	for _, f := range formats {
		if f.tool == tool {
			return f, true
		}
	}
	return format{}, false
}

// login is what a file says, and where in it.
type login struct {
	outer, inner             object
	refresh, access          string
	expires, ends, refreshed time.Time
	scopes                   []string
	id                       string // the ID token
}

// fault says what is wrong with a file's text; it quotes nothing of it.
type fault string

func (f fault) Error() string { return string(f) }

const (
	notJSON  = fault("is not whole JSON")
	badShape = fault("has not the shape of a login")
)

// parse reads a file's text. A text that has no tokens in it, such as one with
// an API key alone, is no login.
func (f format) parse(text []byte) (l login, there bool, err error) {
	if !json.Valid(text) {
		return l, false, notJSON
	}
	if l.outer, err = readObject(text, span{0, len(text)}); err != nil {
		return l, false, err
	}
	l.inner = l.outer
	if f.in != "" {
		at, err := l.outer.one(f.in)
		if err != nil || at.none(text) {
			return l, false, err
		}
		if l.inner, err = readObject(text, at); err != nil {
			return l, false, err
		}
	}
	r := reader{text: text}
	l.refresh, l.access = r.token(l.inner, f.refresh), r.token(l.inner, f.access)
	r.token(l.inner, f.id)
	if f.id != "" {
		l.id = r.token(l.inner, f.id)
	}
	l.expires, l.ends = r.millis(l.inner, f.expires), r.millis(l.inner, f.ends)
	l.scopes = r.scopes(l.inner, f.scopes, f.scopesAreArray)
	l.refreshed = r.time(l.outer, f.refreshed)
	if f.expires == "" {
		l.expires = expiryOf(l.access)
	}
	return l, l.refresh != "" || l.access != "", r.err
}

// reader reads fields and keeps the first error.
type reader struct {
	text []byte
	err  error
}

// value decodes the field into v and reports whether it has a value.
func (r *reader) value(o object, name string, v any) bool {
	if name == "" {
		return false
	}
	at, err := o.one(name)
	if err == nil && !at.none(r.text) {
		if json.Unmarshal(r.text[at.from:at.to], v) == nil {
			return true
		}
		err = badShape
	}
	if r.err == nil {
		r.err = err
	}
	return false
}

func (r *reader) token(o object, name string) (token string) {
	if r.value(o, name, &token) && token != "" && !printable(token) && r.err == nil {
		r.err = badShape
	}
	return token
}

// printable reports whether a token can be sent in a header.
func printable(token string) bool {
	return !strings.ContainsFunc(token, func(r rune) bool { return r < '!' || r > '~' })
}

func (r *reader) millis(o object, name string) time.Time {
	var ms float64
	r.value(o, name, &ms)
	return fromMillis(ms)
}

func fromMillis(ms float64) time.Time {
	if !(ms > 0 && ms <= 253402300799999) { // unknown, or past the year 9999
		return time.Time{}
	}
	return time.UnixMilli(int64(math.Floor(ms))).UTC()
}

func (r *reader) time(o object, name string) time.Time {
	var text string
	if !r.value(o, name, &text) {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || at.UTC().Year() < 1970 || at.UTC().Year() > 9999 {
		return time.Time{}
	}
	return at.UTC()
}

func (r *reader) scopes(o object, name string, array bool) (scopes []string) {
	if array {
		r.value(o, name, &scopes)
		return scopes
	}
	var text string
	r.value(o, name, &text)
	return strings.Fields(text)
}

// expiryOf is when a JWT says that it expires (RFC 7519, 4.1.4); zero where it
// does not.
func expiryOf(jwt string) time.Time {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	claims, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return time.Time{}
	}
	var said struct {
		Exp float64 `json:"exp"`
	}
	if json.Unmarshal(claims, &said) != nil {
		return time.Time{}
	}
	return fromMillis(said.Exp * 1000)
}
