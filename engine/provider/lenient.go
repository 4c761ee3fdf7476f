package provider

import (
	"encoding/json"
	"mime"
	"net/url"
	"strings"
)

// unformed is an answer as JSON, where it is a form, as x/oauth2 takes it.
func unformed(contentType string, body []byte) []byte {
	kind, _, _ := mime.ParseMediaType(contentType)
	if kind != "application/x-www-form-urlencoded" && kind != "text/plain" || strings.HasPrefix(strings.TrimSpace(string(body)), "{") {
		return body
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return body
	}
	object := map[string]string{}
	for name := range form {
		object[name] = form.Get(name)
	}
	text, err := json.Marshal(object)
	if err != nil {
		return body
	}
	return text
}

// refusedWith2xx reports whether an answer that says 2xx is an error all the
// same, as some providers' are: it has a code and no token.
func refusedWith2xx(body []byte) bool {
	var a struct {
		Error   code
		Access  json.RawMessage `json:"access_token"`
		Refresh json.RawMessage `json:"refresh_token"`
	}
	return json.Unmarshal(body, &a) == nil && a.Error != "" && a.Access == nil && a.Refresh == nil
}
