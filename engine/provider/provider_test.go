package provider

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/provider/strict"
)

const refresh = "refresh-token-in-the-test"

// serve answers every request with handler and returns providers that ask it.
func serve(t *testing.T, handler http.HandlerFunc) map[string]engine.Provider {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	urls := map[string]string{}
	for _, name := range []string{engine.Claude, engine.Gemini, engine.OpenAI, engine.Droid} {
		urls[name] = server.URL
	}
	return New(Config{URLs: urls, Google: map[string]Client{
		engine.GeminiCLI:   {Secret: engine.NewSecret("cli-secret")},
		engine.Antigravity: {ID: "other-id", Secret: engine.NewSecret("antigravity-secret")},
	}})
}

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func request() engine.ExchangeRequest {
	return engine.ExchangeRequest{RefreshToken: engine.NewSecret(refresh)}
}

func TestRequests(t *testing.T) {
	for _, test := range []struct {
		provider, client, organization string
		contentType                    string
		body                           string // as sorted form
	}{
		{engine.Claude, "", "", "application/json",
			"client_id=9d1c250a-e61b-44d9-88ed-5944d1962f5e"},
		{engine.Gemini, "", "", "application/x-www-form-urlencoded",
			"client_id=681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com&client_secret=cli-secret"},
		{engine.Gemini, engine.Antigravity, "", "application/x-www-form-urlencoded",
			"client_id=other-id&client_secret=antigravity-secret"},
		{engine.OpenAI, "", "", "application/x-www-form-urlencoded",
			"client_id=app_EMoamEEZ73f0CkXaXp7hrann&scope=openid+profile+email"},
		{engine.Droid, "", "", "application/x-www-form-urlencoded",
			"client_id=client_01HNM792M5G5G1A2THWPXKFMXB"},
		{engine.Droid, "", "org_1", "application/x-www-form-urlencoded",
			"client_id=client_01HNM792M5G5G1A2THWPXKFMXB&organization_id=org_1"},
	} {
		t.Run(test.provider+test.client+test.organization, func(t *testing.T) {
			var got *http.Request
			var body []byte
			providers := serve(t, func(w http.ResponseWriter, r *http.Request) {
				got = r
				body, _ = io.ReadAll(r.Body)
				io.WriteString(w, `{"access_token":"a","expires_in":60}`)
			})
			req := request()
			req.Client, req.Organization = test.client, test.organization
			if _, err := providers[test.provider].Exchange(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			want, _ := url.ParseQuery(test.body)
			want.Set("grant_type", "refresh_token")
			want.Set("refresh_token", refresh)
			sent := url.Values{}
			if test.contentType == "application/json" {
				var object map[string]string
				if err := json.Unmarshal(body, &object); err != nil {
					t.Fatal(err)
				}
				for name, value := range object {
					sent.Set(name, value)
				}
			} else {
				sent, _ = url.ParseQuery(string(body))
			}
			if sent.Encode() != want.Encode() {
				t.Errorf("sent %s\nwant %s", sent.Encode(), want.Encode())
			}
			if got.Method != http.MethodPost || got.Header.Get("Content-Type") != test.contentType {
				t.Errorf("%s with content type %q", got.Method, got.Header.Get("Content-Type"))
			}
			if test.provider == engine.Claude {
				for name, want := range map[string]string{"Accept": "application/json, text/plain, */*",
					"Referer": "https://claude.ai/", "Origin": "https://claude.ai"} {
					if got.Header.Get(name) != want {
						t.Errorf("%s: %q", name, got.Header.Get(name))
					}
				}
				if agent := got.Header.Get("User-Agent"); !strings.HasPrefix(agent, "claude-cli/") || !strings.HasSuffix(agent, " (external, cli)") {
					t.Errorf("User-Agent: %q", agent)
				}
			}
		})
	}
}

func TestUsableAnswers(t *testing.T) {
	exp := time.Now().Add(10 * 24 * time.Hour).Unix()
	jwt := "h." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"exp":%d}`, exp)) + ".s"
	for _, test := range []struct {
		provider, body string
		lifetime       time.Duration
		refresh        string
	}{
		{engine.Claude, `{"access_token":"a","refresh_token":"r2","expires_in":28800}`, 8 * time.Hour, "r2"},
		{engine.Claude, `{"access_token":"a"}`, 8 * time.Hour, ""},
		{engine.Claude, `{"access_token":"a","expires_in":"3600"}`, time.Hour, ""},
		{engine.Gemini, `{"access_token":"a","expires_in":3599,"scope":["odd"]}`, 3599 * time.Second, ""},
		{engine.Gemini, `{"access_token":"a","expires_in":null}`, time.Hour, ""},
		{engine.OpenAI, `{"access_token":"` + jwt + `","refresh_token":"r2"}`, time.Until(time.Unix(exp, 0)), "r2"},
		{engine.OpenAI, `{"access_token":"no-jwt"}`, time.Hour, ""},
		{engine.Droid, `{"access_token":"a","expires_at":"` + time.Now().Add(2*time.Hour).UTC().Format(time.RFC3339) + `"}`, 2 * time.Hour, ""},
		{engine.Droid, `{"access_token":"a"}`, 8 * time.Hour, ""},
		{engine.Droid, `{"access_token":"a","expires_at":1795416585,"expires_in":60}`, time.Minute, ""},
		{engine.Claude, `{"access_token":"a","expires_in":1e300}`, maxLifetime, ""},
	} {
		t.Run(test.provider+test.body, func(t *testing.T) {
			token, err := serve(t, answering(200, test.body))[test.provider].Exchange(t.Context(), request())
			if err != nil {
				t.Fatal(err)
			}
			if left := time.Until(token.ExpiresAt); (left - test.lifetime).Abs() > 5*time.Second {
				t.Errorf("lives %v, want %v", left, test.lifetime)
			}
			if token.RefreshToken.Reveal() != test.refresh || token.AccessToken.Empty() {
				t.Errorf("tokens %q, %q", token.AccessToken.Reveal(), token.RefreshToken.Reveal())
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		status     int
		body       string
		kind       engine.Kind
		newRefresh string // kept of an unusable answer
	}{
		{400, `{"error":"invalid_grant","error_description":"` + refresh + `"}`, engine.KindLoginDead, ""},
		{400, `{"error":"invalid_grant","access_token":{},"id_token":7}`, engine.KindLoginDead, ""},
		{401, `{"error":{"code":"refresh_token_reused","type":"invalid_request_error"}}`, engine.KindLoginDead, ""},
		{403, `{"error":"access_denied"}`, engine.KindLoginDead, ""},
		{400, `{"code":"app_session_terminated"}`, engine.KindLoginDead, ""},
		{401, `{"error":"invalid_client"}`, engine.KindSettings, ""},
		{400, `{"error":"unauthorized_client"}`, engine.KindSettings, ""},
		{500, `{"error":"invalid_grant"}`, engine.KindTransient, ""},
		{404, `{"error":"invalid_grant"}`, engine.KindTransient, ""},
		{400, `{"error":"something_new"}`, engine.KindTransient, ""},
		{400, `not json`, engine.KindTransient, ""},
		{403, `{}`, engine.KindTransient, ""},
		{302, ``, engine.KindTransient, ""},
		{408, ``, engine.KindTransient, ""},
		{425, ``, engine.KindTransient, ""},
		{429, ``, engine.KindRateLimited, ""},
		{503, ``, engine.KindTransient, ""},
		{200, ``, engine.KindUnknownOutcome, ""},
		{200, `<html>`, engine.KindUnknownOutcome, ""},
		{200, `{"access_token":""}`, engine.KindUnknownOutcome, ""},
		{200, `{"access_token":"a b"}`, engine.KindUnknownOutcome, ""},
		{200, `{"access_token":"a","expires_in":0}`, engine.KindUnknownOutcome, ""},
		{200, `{"access_token":"a","expires_in":-5}`, engine.KindUnknownOutcome, ""},
		{200, `{"access_token":"a","expires_in":"soon","refresh_token":"new"}`, engine.KindUnknownOutcome, "new"},
		{200, `{"refresh_token":"new"}`, engine.KindUnknownOutcome, "new"},
		{200, `{"access_token":"` + strings.Repeat("a", 1<<20) + `"}`, engine.KindUnknownOutcome, ""},
	} {
		t.Run(fmt.Sprint(test.status, test.body[:min(40, len(test.body))]), func(t *testing.T) {
			token, err := serve(t, answering(test.status, test.body))[engine.Claude].Exchange(t.Context(), request())
			if engine.KindOf(err) != test.kind || err == nil {
				t.Errorf("error %v is of kind %d, want %d", err, engine.KindOf(err), test.kind)
			}
			if token.RefreshToken.Reveal() != test.newRefresh {
				t.Errorf("new refresh token %q, want %q", token.RefreshToken.Reveal(), test.newRefresh)
			}
			if err != nil && strings.Contains(err.Error(), refresh) {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	followed := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed = true }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		providers := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, status) })
		if _, err := providers[engine.OpenAI].Exchange(t.Context(), request()); engine.KindOf(err) != engine.KindTransient {
			t.Errorf("%d: %v", status, err)
		}
	}
	if followed {
		t.Error("the token was sent to where a redirect pointed")
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"30":                            30 * time.Second,
		"-3":                            0,
		"soon":                          0,
		"999999999999999999":            time.Hour,
		"Mon, 23 Nov 2026 10:01:30 GMT": 90 * time.Second,
		"Mon, 23 Nov 2026 09:00:00 GMT": 0,
		"Tue, 24 Nov 2026 09:00:00 GMT": time.Hour,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

// What was never sent is told from what was sent without an answer.
func TestSentOrNot(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	_, err := New(Config{URLs: map[string]string{engine.Claude: closed.URL}})[engine.Claude].Exchange(t.Context(), request())
	var e *engine.Error
	if e, _ = err.(*engine.Error); e == nil || !e.Unsent || e.Kind != engine.KindOffline {
		t.Errorf("refused connection: %#v", err)
	}

	untrusted := httptest.NewTLSServer(answering(200, `{"access_token":"a"}`))
	defer untrusted.Close()
	_, err = New(Config{URLs: map[string]string{engine.Claude: untrusted.URL}})[engine.Claude].Exchange(t.Context(), request())
	if e, _ = err.(*engine.Error); e == nil || !e.Unsent || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("untrusted certificate: %v", err)
	}

	cut := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if _, err = cut[engine.Claude].Exchange(t.Context(), request()); engine.KindOf(err) != engine.KindUnknownOutcome {
		t.Errorf("cut connection: %v", err)
	}

	halfway := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, `{"access_token":`)
	})
	if _, err = halfway[engine.Claude].Exchange(t.Context(), request()); engine.KindOf(err) != engine.KindUnknownOutcome {
		t.Errorf("half an answer: %v", err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	slow := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		io.ReadAll(r.Body)
		<-r.Context().Done()
	})
	if _, err = slow[engine.Claude].Exchange(ctx, request()); engine.KindOf(err) != engine.KindUnknownOutcome {
		t.Errorf("no answer in time: %v", err)
	}
}

func TestGoogleSecret(t *testing.T) {
	// No Gemini CLI on this PATH, and no home with one.
	t.Setenv("PATH", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	reached := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached = true
		io.WriteString(w, `{"access_token":"a"}`)
	}))
	defer server.Close()
	providers := New(Config{URLs: map[string]string{engine.Gemini: server.URL, engine.Claude: server.URL}})
	for client, variable := range map[string]string{"": "GEMINI_OAUTH_CLIENT_SECRET", engine.Antigravity: "ANTIGRAVITY_OAUTH_CLIENT_SECRET"} {
		req := request()
		req.Client = client
		_, err := providers[engine.Gemini].Exchange(t.Context(), req)
		if engine.KindOf(err) != engine.KindSettings || !strings.Contains(err.Error(), variable) || !strings.Contains(err.Error(), "settings.json") {
			t.Errorf("client %q: %v", client, err)
		}
	}
	if reached {
		t.Error("something was sent without a client secret")
	}
	if _, err := providers[engine.Claude].Exchange(t.Context(), request()); err != nil {
		t.Errorf("another provider: %v", err)
	}
}

func TestInstalledGeminiCLI(t *testing.T) {
	for name, file := range map[string]struct{ path, text string }{
		"bundle": {"bundle/chunk-ABC.js", "var OAUTH_CLIENT_ID = \"" + googleIDs[engine.GeminiCLI] + "\";\nvar OAUTH_CLIENT_SECRET = \"installed-secret\";\n"},
		"older": {"node_modules/@google/gemini-cli-core/dist/src/code_assist/oauth2.js",
			"const OAUTH_CLIENT_ID = '" + googleIDs[engine.GeminiCLI] + "';\n// OAuth Secret value used to initiate OAuth2Client class.\n// It's ok to save this.\nconst OAUTH_CLIENT_SECRET = 'installed-secret';\n"},
	} {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "@google", "gemini-cli")
			path := filepath.Join(root, file.path)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(file.text), 0o644); err != nil {
				t.Fatal(err)
			}
			command := filepath.Join(root, "bundle", "gemini.js")
			os.MkdirAll(filepath.Dir(command), 0o755)
			os.WriteFile(command, []byte("#!/usr/bin/env node\n"), 0o755)
			bin := t.TempDir()
			if err := os.Symlink(command, filepath.Join(bin, "gemini")); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", bin)
			if got := installedSecret().Reveal(); got != "installed-secret" {
				t.Errorf("found %q", got)
			}
		})
	}
}

// TestStrict: the strict server, which the engine's tests and the demo rely
// on, is what it says.
func TestStrict(t *testing.T) {
	server, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	providers := New(Config{URLs: server.URLs(), Google: map[string]Client{engine.GeminiCLI: {Secret: engine.NewSecret(strict.ClientSecret)}}})
	for name, p := range providers {
		oauth := engine.Secret{}
		if name == engine.Generic {
			oauth = server.OAuth("header")
		}
		login := server.SignIn(name, "")
		first := engine.NewSecret(login.Refresh)
		token, err := p.Exchange(t.Context(), engine.ExchangeRequest{RefreshToken: first, OAuth: oauth})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, err = p.Exchange(t.Context(), engine.ExchangeRequest{RefreshToken: first, OAuth: oauth})
		if name == engine.Gemini {
			if err != nil || !token.RefreshToken.Empty() {
				t.Errorf("gemini: %v, new refresh token %v", err, !token.RefreshToken.Empty())
			}
			continue
		}
		if engine.KindOf(err) != engine.KindLoginDead {
			t.Errorf("%s: replay: %v", name, err)
		}
		_, err = p.Exchange(t.Context(), engine.ExchangeRequest{RefreshToken: token.RefreshToken, OAuth: oauth})
		if engine.KindOf(err) != engine.KindLoginDead {
			t.Errorf("%s: the newest token after a replay: %v", name, err)
		}
		if l := server.Look(login); l.Replays != 1 || !l.Dead || l.Exchanges != 1 {
			t.Errorf("%s: %+v", name, l)
		}
	}
}
