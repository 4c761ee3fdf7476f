package logins

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"tokentray/engine"
)

// change is the text with the change's tokens in it. Where it has none the
// text stays as it is.
func (f format) change(text []byte, l login, c engine.Change) ([]byte, error) {
	var edits []edit
	token := func(name string, token engine.Secret) error {
		if name == "" || token.Empty() {
			return nil
		}
		if !printable(token.Reveal()) {
			return engine.Errorf(engine.KindInternal, "the new token is not printable ASCII: it is not written to a tool's file", nil)
		}
		edits = append(edits, l.inner.set(name, quote(token.Reveal())))
		return nil
	}
	t := c.Token
	if err := token(f.refresh, t.RefreshToken); err != nil {
		return nil, err
	}
	if c.SignedIn && !l.ends.IsZero() { // that was the old login's
		edits = append(edits, l.inner.set(f.ends, "null"))
	}
	if !t.AccessToken.Empty() {
		if err := token(f.access, t.AccessToken); err != nil {
			return nil, err
		}
		if err := token(f.id, t.IDToken); err != nil {
			return nil, err
		}
		if f.expires != "" {
			edits = append(edits, l.inner.set(f.expires, millis(t.ExpiresAt)))
		}
		if f.refreshed != "" && !c.At.IsZero() {
			edits = append(edits, l.outer.set(f.refreshed, quote(c.At.UTC().Format(time.RFC3339Nano))))
		}
		if scopes := strings.Fields(t.Scope); f.scopes != "" && len(scopes) > 0 && !c.Restored && !slices.Equal(scopes, l.scopes) {
			edits = append(edits, l.inner.set(f.scopes, f.scopesText(scopes)))
		}
	}
	return splice(text, edits), nil
}

func (f format) scopesText(scopes []string) string {
	if !f.scopesAreArray {
		return quote(strings.Join(scopes, " "))
	}
	var quoted []string
	for _, scope := range scopes {
		quoted = append(quoted, quote(scope))
	}
	return "[" + strings.Join(quoted, ",") + "]"
}

func millis(t time.Time) string {
	if t.IsZero() {
		return "0"
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}

// quote is the text in JSON, as the tools write it: no more is escaped than
// must be.
func quote(text string) string {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		panic(err) // a text
	}
	return strings.TrimSuffix(out.String(), "\n")
}
