package strict

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tokentray/engine"
)

const verifier = "a-verifier-of-at-least-forty-three-characters"

func page() url.Values {
	challenge := sha256.Sum256([]byte(verifier))
	return url.Values{
		"response_type": {"code"}, "client_id": {"app_EMoamEEZ73f0CkXaXp7hrann"}, "redirect_uri": {"http://localhost:1455/auth/callback"},
		"scope": {"openid"}, "state": {"a-state"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
		"id_token_add_organizations": {"true"}, "codex_cli_simplified_flow": {"true"},
	}
}

// visit asks for the page and returns where it sends the browser.
func visit(t *testing.T, s *Server, q url.Values) (status int, to url.Values) {
	t.Helper()
	req, _ := http.NewRequest(http.MethodGet, s.AuthorizeURLs()[engine.OpenAI]+"?"+q.Encode(), nil)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	location, _ := url.Parse(resp.Header.Get("Location"))
	return resp.StatusCode, location.Query()
}

func redeem(t *testing.T, s *Server, code string, change url.Values) (status int, body map[string]any) {
	t.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "client_id": page()["client_id"], "redirect_uri": page()["redirect_uri"],
		"code": {code}, "code_verifier": {verifier}}
	maps.Copy(form, change)
	resp, err := http.PostForm(s.URL(engine.OpenAI), form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if err := json.Unmarshal(text, &body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

// TestAuthorize: the server that the sign-in's tests rely on takes no less
// than the real ones.
func TestAuthorize(t *testing.T) {
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, value := range map[string]string{
		"response_type": "token", "client_id": "another", "redirect_uri": "http://localhost:1455/elsewhere", "state": "", "scope": "",
		"code_challenge": "short", "code_challenge_method": "plain", "codex_cli_simplified_flow": "",
	} {
		q := page()
		q.Set(name, value)
		if status, to := visit(t, s, q); status != http.StatusBadRequest || len(to) > 0 {
			t.Errorf("%s=%q: %d, %v", name, value, status, to)
		}
	}
	fresh := func() string {
		status, to := visit(t, s, page())
		if status != http.StatusFound || to.Get("state") != "a-state" || !strings.HasPrefix(to.Get("code"), "code-") {
			t.Fatalf("%d, %v", status, to)
		}
		return to.Get("code")
	}
	for name, value := range map[string]string{"code": "code-unknown", "code_verifier": verifier + "x", "redirect_uri": "http://localhost:1456/auth/callback"} {
		if status, body := redeem(t, s, fresh(), url.Values{name: {value}}); status != http.StatusBadRequest || body["error"] != "invalid_grant" {
			t.Errorf("%s=%q: %d, %v", name, value, status, body)
		}
	}

	code := fresh()
	status, body := redeem(t, s, code, nil)
	if status != http.StatusOK || body["refresh_token"] == nil || body["id_token"] == nil || body["scope"] != "openid" {
		t.Fatalf("%d, %v", status, body)
	}
	if status, _ := redeem(t, s, code, nil); status != http.StatusBadRequest {
		t.Errorf("a second time: %d", status)
	}
	resp, err := http.PostForm(s.URL(engine.OpenAI), url.Values{"grant_type": {"refresh_token"}, "client_id": page()["client_id"],
		"scope": {"openid profile email"}, "refresh_token": {body["refresh_token"].(string)}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("the login of a code that came twice lives: %d", resp.StatusCode)
	}

	s.Deny(engine.OpenAI)
	if _, to := visit(t, s, page()); to.Get("error") != "access_denied" || to.Get("code") != "" || to.Get("state") != "a-state" {
		t.Errorf("denied: %v", to)
	}
	fresh() // and once only
}
