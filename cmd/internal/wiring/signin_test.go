package wiring

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/provider"
	"tokentray/engine/settings"
)

// A person signs in on the pages of a token server that nobody here wrote, the
// browser comes back, and the refresh token is one that can be refreshed with.
func TestForeignSignIn(t *testing.T) {
	dir := nodeProgram(t, "oidc")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ctx, lost := context.WithCancelCause(ctx)
	node := exec.CommandContext(ctx, "node", "server.mjs", "0")
	node.Dir = dir
	server := startChild(t, node, lost)
	var begun struct {
		TokenURL     string `json:"token_url"`
		AuthorizeURL string `json:"authorize_url"`
	}
	if err := json.Unmarshal([]byte(server.line(t, ctx)), &begun); err != nil {
		t.Fatal(err)
	}
	cfg := Providers(settings.Settings{
		TokenURLs: map[string]string{engine.OpenAI: begun.TokenURL},
		// This server gives offline access only where it may ask for consent.
		AuthorizeURLs: map[string]string{engine.OpenAI: begun.AuthorizeURL + "?prompt=consent"},
	})
	cfg.SignInPorts = map[string]int{engine.OpenAI: 0} // any free one
	s, err := provider.StartSignIn(cfg, engine.OpenAI, "", engine.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()

	page := make(chan string, 1)
	go func() {
		text, err := signInAt(ctx, s.URL)
		if err != nil {
			lost(err)
		}
		page <- text
	}()
	code, err := s.Wait(ctx)
	if text := <-page; err == nil && !strings.Contains(text, "Back to Tokentray") {
		t.Errorf("the browser ended on %s", text)
	}
	if err != nil {
		t.Fatal(err, context.Cause(ctx))
	}
	token, err := s.Finish(ctx, code, engine.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	if token.AccessToken.Empty() || token.RefreshToken.Empty() || token.IDToken.Empty() || token.Scope != "openid profile email offline_access" ||
		time.Until(token.ExpiresAt).Round(time.Minute) != time.Hour {
		t.Errorf("%+v", token)
	}
	seen := events{}
	seen.until(t, ctx, server, "signed in")
	if len(seen) != 1 || seen["sign-in"] != 1 {
		t.Errorf("the token server saw %v", seen)
	}

	next, err := provider.New(cfg)[engine.OpenAI].Exchange(ctx, engine.ExchangeRequest{RefreshToken: token.RefreshToken})
	if err != nil || next.RefreshToken.Empty() || next.RefreshToken == token.RefreshToken {
		t.Errorf("the first refresh: %v", err)
	}

	// The server takes a code once, and then ends what it began.
	if _, err := s.Finish(ctx, code, engine.Secret{}); engine.KindOf(err) != engine.KindTransient || !strings.HasPrefix(err.Error(), "the code was refused") {
		t.Errorf("the code a second time: %v", err)
	}
	server.end(t)
}

// What a form of the server's says: where it goes, and what it is for.
var (
	form   = regexp.MustCompile(`<form [^>]*action="([^"]+)"`)
	prompt = regexp.MustCompile(`name="prompt" value="([^"]+)"`)
)

// signInAt is a person at a browser, who fills in each form and returns the
// page that has none.
func signInAt(ctx context.Context, address string) (page string, err error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", err
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	browser := &http.Client{Jar: jar, Transport: transport}
	method, body := http.MethodGet, ""
	for range 5 {
		req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
		if err != nil {
			return "", err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := browser.Do(req)
		if err != nil {
			return "", err
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return "", err
		}
		page = string(text)
		to, asks := form.FindStringSubmatch(page), prompt.FindStringSubmatch(page)
		if to == nil || asks == nil {
			return page, nil
		}
		method, address = http.MethodPost, html.UnescapeString(to[1])
		body = url.Values{"prompt": {asks[1]}, "login": {"a person"}, "password": {"any"}}.Encode()
	}
	return page, errors.New("the server asks and asks")
}
