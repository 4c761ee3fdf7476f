package provider

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/provider/strict"
)

// anyPort lets the tests of openai have a port of their own each.
var anyPort = map[string]int{engine.OpenAI: 0}

// strictConfig is for a strict server of the test's own.
func strictConfig(t *testing.T) (*strict.Server, Config) {
	t.Helper()
	server, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	secret := Client{Secret: engine.NewSecret(strict.ClientSecret)}
	return server, Config{URLs: server.URLs(), AuthorizeURLs: server.AuthorizeURLs(), SignInPorts: anyPort,
		Google: map[string]Client{engine.GeminiCLI: secret, engine.Antigravity: secret}}
}

func start(t *testing.T, cfg Config, provider, client string) *SignIn {
	t.Helper()
	s, err := StartSignIn(cfg, provider, client, engine.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// visit is a browser that opens an address and returns the page it ends on.
func visit(t *testing.T, address string) (status int, page string) {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	resp, err := client.Get(address)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, string(text)
}

var shownCode = regexp.MustCompile(`<code>(.*)</code>`)

// signIn goes through the provider's page and returns the code.
func signIn(t *testing.T, s *SignIn) engine.Secret {
	t.Helper()
	if s.Shown() {
		_, page := visit(t, s.URL)
		shown := shownCode.FindStringSubmatch(page)
		if shown == nil {
			t.Fatalf("the page shows no code: %s", page)
		}
		code, err := s.Pasted(html.UnescapeString(shown[1]))
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	visited := make(chan struct{})
	go func() {
		defer close(visited)
		if status, page := visit(t, s.URL); status != http.StatusOK || !strings.Contains(page, "Back to Tokentray") {
			t.Errorf("the browser ended on %d, %s", status, page)
		}
	}()
	code, err := s.Wait(t.Context())
	<-visited
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// socksProxy starts a SOCKS 5 proxy that leads to target, and returns an
// account's setting for it with the password.
func socksProxy(t *testing.T, target string) func(password string) engine.Secret {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go socks5(conn, target, make(chan string, 1))
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return func(password string) engine.Secret {
		return engine.NewSecret(fmt.Sprintf(`{"type":"socks5","host":"127.0.0.1","port":%s,"username":"user","password":%q}`, port, password))
	}
}

// From the browser to a login whose refresh token works, with each provider,
// directly and where only the account's proxy reaches the token endpoint.
func TestSignIn(t *testing.T) {
	for _, test := range []struct {
		provider, client string
		shown            bool
	}{
		{engine.Claude, "", true},
		{engine.Gemini, "", false},
		{engine.Gemini, engine.Antigravity, false},
		{engine.OpenAI, "", false},
	} {
		for _, proxied := range []bool{false, true} {
			t.Run(fmt.Sprint(test.provider, test.client, " proxied=", proxied), func(t *testing.T) {
				server, cfg := strictConfig(t)
				proxy := engine.Secret{}
				if proxied {
					endpoint, _ := url.Parse(server.URL(test.provider))
					proxy = socksProxy(t, endpoint.Host)("pass")
					cfg.URLs[test.provider] = "http://" + farName + endpoint.Path
				}
				s := start(t, cfg, test.provider, test.client)
				if s.Shown() != test.shown {
					t.Errorf("shown: %v", s.Shown())
				}
				code := signIn(t, s)
				before := time.Now()
				token, err := s.Finish(t.Context(), code, proxy)
				if err != nil {
					t.Fatal(err)
				}
				if token.AccessToken.Empty() || token.RefreshToken.Empty() || token.Scope != s.endpoint.authorization.scope || token.Type != "Bearer" ||
					token.IDToken.Empty() == (test.provider == engine.OpenAI) || token.Date.IsZero() ||
					token.ExpiresAt.Sub(before).Round(time.Minute) != time.Hour {
					t.Errorf("%+v", token)
				}
				if _, err := New(cfg)[test.provider].Exchange(t.Context(),
					engine.ExchangeRequest{RefreshToken: token.RefreshToken, Client: test.client, Proxy: proxy}); err != nil {
					t.Errorf("the first refresh: %v", err)
				}

				// A code is good once.
				if _, err := s.Finish(t.Context(), code, proxy); err == nil || err.Error() != "the code was refused or has expired: start again" {
					t.Errorf("the code a second time: %v", err)
				}
			})
		}
	}
}

// What the browser opens, with each provider's own page.
func TestSignInPage(t *testing.T) {
	secret := Client{Secret: engine.NewSecret("s")}
	cfg := Config{SignInPorts: anyPort, Google: map[string]Client{engine.GeminiCLI: secret, engine.Antigravity: {ID: "other-id", Secret: secret.Secret}}}
	for _, test := range []struct {
		provider, client string
		page, redirect   string // the port of redirect is :*
		query            string
	}{
		{engine.Claude, "", "https://claude.ai/oauth/authorize", "https://platform.claude.com/oauth/code/callback",
			"code=true&client_id=9d1c250a-e61b-44d9-88ed-5944d1962f5e&" +
				"scope=org:create_api_key+user:profile+user:inference+user:sessions:claude_code+user:mcp_servers+user:file_upload"},
		{engine.Gemini, "", "https://accounts.google.com/o/oauth2/v2/auth", "http://127.0.0.1:*/oauth2callback",
			"access_type=offline&prompt=consent&client_id=681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com&" +
				"scope=https://www.googleapis.com/auth/cloud-platform+https://www.googleapis.com/auth/userinfo.email"},
		{engine.Gemini, engine.Antigravity, "https://accounts.google.com/o/oauth2/v2/auth", "http://127.0.0.1:*/oauth2callback",
			"access_type=offline&prompt=consent&client_id=other-id&" +
				"scope=https://www.googleapis.com/auth/cloud-platform+https://www.googleapis.com/auth/userinfo.email"},
		{engine.OpenAI, "", "https://auth.openai.com/oauth/authorize", "http://localhost:*/auth/callback",
			"id_token_add_organizations=true&codex_cli_simplified_flow=true&client_id=app_EMoamEEZ73f0CkXaXp7hrann&" +
				"scope=openid+profile+email+offline_access"},
	} {
		t.Run(test.provider+test.client, func(t *testing.T) {
			s := start(t, cfg, test.provider, test.client)
			page, query, _ := strings.Cut(s.URL, "?")
			got, _ := url.ParseQuery(query)
			want, _ := url.ParseQuery(test.query)
			want.Set("response_type", "code")
			want.Set("code_challenge_method", "S256")
			want.Set("redirect_uri", test.redirect)
			if s.listener != nil {
				want.Set("redirect_uri", strings.Replace(test.redirect, "*", fmt.Sprint(s.listener.Addr().(*net.TCPAddr).Port), 1))
			}
			for _, random := range []string{"state", "code_challenge"} {
				if len(got.Get(random)) != 43 {
					t.Errorf("%s: %q", random, got.Get(random))
				}
				want.Set(random, got.Get(random))
			}
			if page != test.page || got.Encode() != want.Encode() {
				t.Errorf("got  %s?%s\nwant %s?%s", page, got.Encode(), test.page, want.Encode())
			}
			other := start(t, cfg, test.provider, test.client)
			if other.state == s.state || other.verifier == s.verifier {
				t.Error("two sign-ins share what is to tell them apart")
			}
			if verifier := s.verifier.Reveal(); len(verifier) != 43 || strings.Contains(fmt.Sprintf("%+v %#v %v %s", s, *s, s, s.URL), verifier) {
				t.Error("the verifier is short, or shown")
			}
		})
	}
	if port := openAI(Config{}).authorization.port; port != 1455 {
		t.Errorf("openai comes back to port %d", port)
	}
	cfg.AuthorizeURLs = map[string]string{engine.OpenAI: "http://127.0.0.1:1/page?prompt=consent", engine.Droid: "http://127.0.0.1:1/"}
	if s := start(t, cfg, engine.OpenAI, ""); !strings.HasPrefix(s.URL, "http://127.0.0.1:1/page?") || !strings.Contains(s.URL, "prompt=consent") {
		t.Errorf("overridden: %s", s.URL)
	}
}

// What cannot be finished is not begun.
func TestSignInIsImpossible(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	cfg := Config{SignInPorts: map[string]int{engine.OpenAI: port}, AuthorizeURLs: map[string]string{engine.Droid: "https://h"}}
	for _, test := range []struct {
		provider, client string
		kind             engine.Kind
		says             string
	}{
		{engine.Gemini, "", engine.KindSettings, "GEMINI_OAUTH_CLIENT_SECRET"},
		{engine.Gemini, engine.Antigravity, engine.KindSettings, "ANTIGRAVITY_OAUTH_CLIENT_SECRET"},
		{engine.Gemini, "gemini\x1b[2J", engine.KindSettings, "unknown oauthProvider"},
		{engine.Droid, "", engine.KindSettings, "then add the refresh token"},
		{"gpt\u202e", "", engine.KindSettings, `unknown provider "gpt"`},
		{engine.OpenAI, "", engine.KindTransient, fmt.Sprintf("port %d of this machine", port)},
	} {
		s, err := StartSignIn(cfg, test.provider, test.client, engine.Secret{})
		if s != nil || engine.KindOf(err) != test.kind || !strings.Contains(fmt.Sprint(err), test.says) || engine.CleanLine(err.Error()) != err.Error() {
			t.Errorf("%s %s: %v", test.provider, test.client, err)
		}
	}
}

// What the token endpoint is sent for a code.
func TestCodeRequests(t *testing.T) {
	for _, test := range []struct {
		provider, contentType string
		fields                string
		state                 bool
	}{
		{engine.Claude, "application/json", "client_id=9d1c250a-e61b-44d9-88ed-5944d1962f5e", true},
		{engine.Gemini, "application/x-www-form-urlencoded",
			"client_id=681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com&client_secret=cli-secret", false},
		{engine.OpenAI, "application/x-www-form-urlencoded", "client_id=app_EMoamEEZ73f0CkXaXp7hrann", false},
	} {
		t.Run(test.provider, func(t *testing.T) {
			var header http.Header
			var body []byte
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				header = r.Header
				body, _ = io.ReadAll(r.Body)
				io.WriteString(w, `{"access_token":"a","refresh_token":"r"}`)
			}))
			defer server.Close()
			s := start(t, Config{URLs: map[string]string{test.provider: server.URL}, SignInPorts: anyPort,
				Google: map[string]Client{engine.GeminiCLI: {Secret: engine.NewSecret("cli-secret")}}}, test.provider, "")
			token, err := s.Finish(t.Context(), engine.NewSecret("the-code"), engine.Secret{})
			if err != nil || token.Scope != s.endpoint.authorization.scope {
				t.Errorf("%v, scope %q", err, token.Scope)
			}
			want, _ := url.ParseQuery(test.fields)
			want.Set("grant_type", "authorization_code")
			want.Set("code", "the-code")
			want.Set("redirect_uri", s.redirect)
			want.Set("code_verifier", s.verifier.Reveal())
			if test.state {
				want.Set("state", s.state)
			}
			sent, _ := url.ParseQuery(string(body))
			if test.contentType == "application/json" {
				var object map[string]string
				if err := json.Unmarshal(body, &object); err != nil {
					t.Fatal(err)
				}
				sent = url.Values{}
				for name, value := range object {
					sent.Set(name, value)
				}
			}
			if sent.Encode() != want.Encode() || header.Get("Content-Type") != test.contentType {
				t.Errorf("sent %s as %s\nwant %s", sent.Encode(), header.Get("Content-Type"), want.Encode())
			}
			if agent := header.Get("User-Agent"); strings.HasPrefix(agent, "claude-cli/") != (test.provider == engine.Claude) {
				t.Errorf("User-Agent: %q", agent)
			}
		})
	}
}

// A code that gave no login says what to do, and nothing of what was sent.
func TestCodeRefusals(t *testing.T) {
	const refused = "the code was refused or has expired: start again"
	for _, test := range []struct {
		status int
		body   string
		kind   engine.Kind
		says   string
	}{
		{400, `{"error":"invalid_grant","error_description":"hidden"}`, engine.KindTransient, refused},
		{403, `{"error":"access_denied"}`, engine.KindTransient, refused},
		{401, `{"error":"invalid_client"}`, engine.KindSettings, "check the client settings"},
		{400, `{"error":"invalid_request"}`, engine.KindTransient, "the provider answered 400 Bad Request; start again"},
		{429, ``, engine.KindRateLimited, "start again"},
		{307, ``, engine.KindTransient, "redirects are not followed"},
		{407, ``, engine.KindProxy, "407"},
		{503, ``, engine.KindTransient, "start again"},
		{200, `hidden`, engine.KindTransient, "not a usable token: start again"},
		{200, `{"access_token":"","refresh_token":"hidden"}`, engine.KindTransient, "not a usable token: start again"},
		{200, `{"access_token":"a","refresh_token":"r","expires_in":0}`, engine.KindTransient, "not a usable token: start again"},
		{200, `{"access_token":"hidden"}`, engine.KindTransient, "gave no refresh token"},
		{200, `{"access_token":"` + strings.Repeat("a", 1<<20) + `"}`, engine.KindUnknownOutcome, "the code is used up; start again"},
	} {
		t.Run(fmt.Sprint(test.status, test.body[:min(40, len(test.body))]), func(t *testing.T) {
			server := httptest.NewServer(answering(test.status, test.body))
			defer server.Close()
			s := start(t, Config{URLs: map[string]string{engine.OpenAI: server.URL}, SignInPorts: anyPort}, engine.OpenAI, "")
			token, err := s.Finish(t.Context(), engine.NewSecret("hidden-code"), engine.Secret{})
			if token != (engine.Token{}) || engine.KindOf(err) != test.kind || !strings.Contains(fmt.Sprint(err), test.says) {
				t.Errorf("error of kind %d, want %d: %v", engine.KindOf(err), test.kind, err)
			}
			if said := fmt.Sprint(err); strings.Contains(said, "hidden") || strings.Contains(said, s.verifier.Reveal()) || strings.Contains(said, "efresh token is") {
				t.Errorf("the error says %s", said)
			}
		})
	}
}

// What was never sent can be sent again; what had no answer cannot.
func TestCodeSentOrNot(t *testing.T) {
	code := engine.NewSecret("the-code")
	closed := httptest.NewServer(nil)
	closed.Close()
	s := start(t, Config{URLs: map[string]string{engine.Claude: closed.URL}}, engine.Claude, "")
	if _, err := s.Finish(t.Context(), code, engine.Secret{}); !isUnsent(err) || engine.KindOf(err) != engine.KindOffline {
		t.Errorf("refused connection: %v", err)
	}
	if _, err := s.Finish(t.Context(), code, engine.NewSecret("socks5://u:hunter2@h")); engine.KindOf(err) != engine.KindProxy ||
		strings.Contains(err.Error(), "hunter2") {
		t.Errorf("malformed proxy: %v", err)
	}
	cut := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer cut.Close()
	s = start(t, Config{URLs: map[string]string{engine.Claude: cut.URL}}, engine.Claude, "")
	_, err := s.Finish(t.Context(), code, engine.Secret{})
	if isUnsent(err) || engine.KindOf(err) != engine.KindUnknownOutcome || !strings.HasSuffix(err.Error(), "start again") {
		t.Errorf("cut connection: %v", err)
	}
}
