package provider

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/provider/strict"
)

func setting(t *testing.T, o OAuth) engine.Secret {
	t.Helper()
	s, err := o.Setting()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The client is named as its provider wants it; where that is not known it is
// found out by no more than one request that spends nothing, and remembered.
func TestAuthStyle(t *testing.T) {
	for _, test := range []struct {
		server, client string
		requests       int // of two refreshes
	}{
		{"", "", 2}, {"header", "", 2}, {"params", "", 3}, {"header", "header", 2}, {"params", "params", 2},
	} {
		t.Run(test.server+" "+test.client, func(t *testing.T) {
			server, cfg := strictConfig(t)
			server.Style = test.server
			p, login, oauth := New(cfg)[engine.Generic], server.SignIn(engine.Generic, ""), server.OAuth(test.client)
			token := engine.NewSecret(login.Refresh)
			for range 2 {
				got, err := p.Exchange(t.Context(), engine.ExchangeRequest{RefreshToken: token, OAuth: oauth})
				if err != nil {
					t.Fatal(err)
				}
				if got.RefreshToken.Empty() || got.RefreshToken == token || time.Until(got.ExpiresAt).Round(time.Minute) != time.Hour {
					t.Fatalf("%+v", got)
				}
				token = got.RefreshToken
			}
			if n := len(server.Requests()); n != test.requests {
				t.Errorf("%d requests, want %d", n, test.requests)
			}
			if l := server.Look(login); l.Replays != 0 || l.Exchanges != 2 {
				t.Errorf("%+v", l)
			}
		})
	}
	t.Run("the other of two", func(t *testing.T) {
		server, cfg := strictConfig(t)
		server.Style = "params"
		login := server.SignIn(engine.Generic, "")
		_, err := New(cfg)[engine.Generic].Exchange(t.Context(), engine.ExchangeRequest{RefreshToken: engine.NewSecret(login.Refresh), OAuth: server.OAuth("header")})
		if engine.KindOf(err) != engine.KindSettings || len(server.Requests()) != 1 {
			t.Errorf("%v after %d requests", err, len(server.Requests()))
		}
	})
}

// A refresh token goes out a second time only after the first answer said that
// the client was not known, and nothing else.
func TestSentTwiceOnlyUnspent(t *testing.T) {
	for _, test := range []struct {
		status   int
		body     string
		requests int32
		kind     engine.Kind
	}{
		{401, `{"error":"invalid_client"}`, 2, engine.KindSettings},
		{400, `{"error":"invalid_client"}`, 2, engine.KindSettings},
		{200, `{"error":"incorrect_client_credentials"}`, 2, engine.KindSettings}, // GitHub's
		{401, ``, 2, engine.KindTransient},
		{401, `{"error":"invalid_grant"}`, 1, engine.KindLoginDead},
		{401, `{"error":"something_new"}`, 1, engine.KindTransient},
		{401, strings.Repeat(" ", maxBody+1), 1, engine.KindTransient},
		{400, `{"error":"invalid_request"}`, 1, engine.KindTransient},
		{400, `{"error":"invalid_grant"}`, 1, engine.KindLoginDead},
		{403, ``, 1, engine.KindTransient},
		{429, `{"error":"invalid_client"}`, 1, engine.KindRateLimited},
		{500, `{"error":"invalid_client"}`, 1, engine.KindTransient},
		{200, ``, 1, engine.KindUnknownOutcome},
		{200, `{"error":"bad_refresh_token"}`, 1, engine.KindLoginDead}, // GitHub's
		{200, `{"error":"slow_down"}`, 1, engine.KindTransient},
		{200, `{"error":"odd","refresh_token":"new"}`, 1, engine.KindUnknownOutcome},
		{200, `{"code":"0","data":{}}`, 1, engine.KindUnknownOutcome},
	} {
		t.Run(fmt.Sprint(test.status, test.body[:min(40, len(test.body))]), func(t *testing.T) {
			var requests atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
			}))
			defer server.Close()
			req := request()
			req.OAuth = setting(t, OAuth{TokenURL: server.URL, ClientID: "us", ClientSecret: engine.NewSecret("hunter2")})
			_, err := New(Config{})[engine.Generic].Exchange(t.Context(), req)
			if engine.KindOf(err) != test.kind || err == nil {
				t.Errorf("error %v is of kind %d, want %d", err, engine.KindOf(err), test.kind)
			}
			if requests.Load() != test.requests {
				t.Errorf("%d requests, want %d", requests.Load(), test.requests)
			}
			if err != nil && (strings.Contains(err.Error(), refresh) || strings.Contains(err.Error(), "hunter2")) {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

// A connection that breaks while it is still found out how the client is named
// leaves the token's fate open: it is not sent again.
func TestCutWhileFindingOut(t *testing.T) {
	server, cfg := strictConfig(t)
	server.Fail(engine.Generic, strict.Fault{Cut: true, Spend: true})
	login := server.SignIn(engine.Generic, "")
	_, err := New(cfg)[engine.Generic].Exchange(t.Context(), engine.ExchangeRequest{RefreshToken: engine.NewSecret(login.Refresh), OAuth: server.OAuth("")})
	if engine.KindOf(err) != engine.KindUnknownOutcome || len(server.Requests()) != 1 || server.Replays() != 0 {
		t.Errorf("%v after %d requests", err, len(server.Requests()))
	}
}

// A client without a secret names itself in the parameters (RFC 6749, 3.2.1).
func TestPublicClient(t *testing.T) {
	var got url.Values
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		if got = r.PostForm; r.Header.Get("Authorization") != "" {
			t.Error("a password without a secret")
		}
		io.WriteString(w, `{"access_token":"a"}`)
	}))
	defer server.Close()
	req := request()
	req.OAuth = setting(t, OAuth{TokenURL: server.URL, ClientID: "us", Scopes: "one"})
	if _, err := New(Config{})[engine.Generic].Exchange(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	want := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {"us"}} // and no scope: it stays as granted
	if got.Encode() != want.Encode() {
		t.Errorf("sent %s, want %s", got.Encode(), want.Encode())
	}
}

// What x/oauth2 takes for an answer is taken.
func TestLenientAnswers(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for _, test := range []struct {
		contentType, body string
		lifetime          time.Duration
		refresh           string
	}{
		{"application/json", `{"access_token":"a","expires_in":60}`, time.Minute, ""},
		{"application/json", `{"access_token":"a","refresh_token":"r2"}`, engine.Forever, "r2"},
		{"application/json", `{"access_token":"a","expires_in":0}`, engine.Forever, ""},
		{"application/json", `{"access_token":"a","expires_in":null}`, engine.Forever, ""},
		{"application/json", `{"access_token":"a","expires_in":"3600"}`, time.Hour, ""},
		{form + "; charset=utf-8", `access_token=a&refresh_token=r2&expires_in=3600&scope=one+two&token_type=bearer`, time.Hour, "r2"},
		{"text/plain", `access_token=a&expires_in=3600`, time.Hour, ""},
		{"text/plain", `{"access_token":"a","expires_in":3600}`, time.Hour, ""},
		{form, `access_token=a`, engine.Forever, ""},
	} {
		t.Run(test.contentType+test.body, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", test.contentType)
				io.WriteString(w, test.body)
			}))
			defer server.Close()
			req := request()
			req.OAuth = setting(t, OAuth{TokenURL: server.URL, ClientID: "us"})
			token, err := New(Config{})[engine.Generic].Exchange(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if left := time.Until(token.ExpiresAt); (left-test.lifetime).Abs() > 5*time.Second || engine.Endless(token.ExpiresAt) != (test.lifetime == engine.Forever) {
				t.Errorf("lives %v, want %v", left, test.lifetime)
			}
			if token.AccessToken.Reveal() != "a" || token.RefreshToken.Reveal() != test.refresh {
				t.Errorf("tokens %q, %q", token.AccessToken.Reveal(), token.RefreshToken.Reveal())
			}
		})
	}
	for _, body := range []string{`access_token=a&expires_in=soon&refresh_token=new`, `refresh_token=new`, `access_token=a&expires_in=-1&refresh_token=new`} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", form)
			io.WriteString(w, body)
		}))
		req := request()
		req.OAuth = setting(t, OAuth{TokenURL: server.URL, ClientID: "us"})
		token, err := New(Config{})[engine.Generic].Exchange(t.Context(), req)
		if engine.KindOf(err) != engine.KindUnknownOutcome || token.RefreshToken.Reveal() != "new" {
			t.Errorf("%s: %v, new refresh token %q", body, err, token.RefreshToken.Reveal())
		}
		server.Close()
	}
}

// What cannot be used is told before anything is sent, and quotes no secret.
func TestOAuthRefused(t *testing.T) {
	good := OAuth{TokenURL: "https://as.example/token", ClientID: "us", ClientSecret: engine.NewSecret("hunter2")}
	for want, change := range map[string]func(*OAuth){
		"the token URL must be":         func(o *OAuth) { o.TokenURL = "http://as.example/token" },
		"the token URL must be an":      func(o *OAuth) { o.TokenURL = "" },
		"the token URL must be an h":    func(o *OAuth) { o.TokenURL = "https://us:hunter2@as.example/token" },
		"the authorisation URL must":    func(o *OAuth) { o.AuthorizeURL = "https://as.example/#hunter2" },
		"the issuer must be":            func(o *OAuth) { o.Issuer = "https://as.example/?hunter2" },
		"the client id is missing":      func(o *OAuth) { o.ClientID = "" },
		"one line each":                 func(o *OAuth) { o.ClientSecret = engine.NewSecret("hunter2\nX: y") },
		"the auth style must be":        func(o *OAuth) { o.AuthStyle = "hunter2" },
		"must be NAME=VALUE":            func(o *OAuth) { o.AuthorizeParams = "%hunter2" },
		"the redirect URL must be":      func(o *OAuth) { o.RedirectURL = "http://elsewhere.example/callback" },
		"the redirect URL must be http": func(o *OAuth) { o.RedirectURL = "https://localhost/callback" },
	} {
		o := good
		change(&o)
		_, err := o.Setting()
		if engine.KindOf(err) != engine.KindSettings || !strings.Contains(fmt.Sprint(err), want) || strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%s: %v", want, err)
		}
	}
	for _, text := range []string{"", "hunter2", `{"token_url":"hunter2"}`, `[]`} {
		_, err := New(Config{})[engine.Generic].Exchange(t.Context(), engine.ExchangeRequest{RefreshToken: engine.NewSecret(refresh), OAuth: engine.NewSecret(text)})
		if engine.KindOf(err) != engine.KindSettings || strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
	}
	read, err := ParseOAuth(setting(t, good))
	if err != nil || read != good {
		t.Errorf("%+v, %v", read, err)
	}
	if shown := fmt.Sprintf("%+v %#v", good, setting(t, good)); strings.Contains(shown, "hunter2") {
		t.Error(shown)
	}
}

// From an issuer to a login that can be refreshed, with the auth style found
// out on the way and kept.
func TestGenericSignIn(t *testing.T) {
	for _, style := range []string{"header", "params"} {
		t.Run(style, func(t *testing.T) {
			server, cfg := strictConfig(t)
			server.Style = style
			o, err := OAuth{Issuer: server.Issuer(), ClientID: strict.GenericID, ClientSecret: engine.NewSecret(strict.GenericSecret), Scopes: "one offline_access",
				AuthorizeParams: "prompt=consent"}.Discover(t.Context(), cfg, engine.Secret{})
			if err != nil {
				t.Fatal(err)
			}
			s, err := StartSignIn(cfg, engine.Generic, "", setting(t, o))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			page, _ := url.Parse(s.URL)
			if q := page.Query(); q.Get("prompt") != "consent" || q.Get("scope") != o.Scopes || q.Get("client_id") != strict.GenericID || q.Get("client_secret") != "" {
				t.Errorf("the page is asked with %v", q)
			}
			token, err := s.Finish(t.Context(), signIn(t, s), engine.Secret{})
			if err != nil {
				t.Fatal(err)
			}
			kept, err := ParseOAuth(s.OAuth())
			if o.AuthStyle = style; err != nil || kept != o {
				t.Errorf("kept %+v, %v; want %+v", kept, err, o)
			}
			if _, err := New(cfg)[engine.Generic].Exchange(t.Context(), engine.ExchangeRequest{RefreshToken: token.RefreshToken, OAuth: s.OAuth()}); err != nil {
				t.Error(err)
			}
		})
	}
}

// The answer of another provider's page is refused, pasted or not (RFC 9207).
func TestMixedUp(t *testing.T) {
	for _, test := range []struct {
		issuer string
		named  bool
		iss    string
		want   string
	}{
		{"https://as.example", true, "https://as.example", ""},
		{"https://as.example", false, "", ""},
		{"https://as.example", true, "", "not that of the provider https://as.example"},
		{"https://as.example", false, "https://evil.example", "not that of the provider https://as.example"},
		{"https://as.example", true, "https://as.example/", "not that of the provider https://as.example"},
		{"", false, "https://as.example", ""},
	} {
		s, err := StartSignIn(Config{}, engine.Generic, "", setting(t, OAuth{Issuer: test.issuer, NamesItself: test.named, TokenURL: "https://as.example/token",
			AuthorizeURL: "https://as.example/authorize", ClientID: "us"}))
		if err != nil {
			t.Fatal(err)
		}
		answer := url.Values{"code": {"a-code"}, "state": {s.state}}
		if test.iss != "" {
			answer.Set("iss", test.iss)
		}
		code, err := s.Pasted(s.redirect + "?" + answer.Encode())
		if test.want == "" && (err != nil || code.Reveal() != "a-code") || test.want != "" && (engine.KindOf(err) != engine.KindTransient || !strings.Contains(fmt.Sprint(err), test.want)) {
			t.Errorf("%+v: %v", test, err)
		}
		if test.named {
			if _, err := s.Pasted("a-code#" + s.state); err == nil {
				t.Error("a code without its issuer was taken")
			}
		}
		s.Close()
	}
}

// The browser comes back to the port that the provider knows, or to any.
func TestRedirectURL(t *testing.T) {
	for given, want := range map[string]string{"": "http://127.0.0.1:*/callback", "http://localhost/cb": "http://localhost:*/cb", "http://127.0.0.1:%d/": "http://127.0.0.1:%d/"} {
		port := freePort(t)
		if strings.Contains(given, "%d") {
			given, want = fmt.Sprintf(given, port), fmt.Sprintf(want, port)
		}
		s, err := StartSignIn(Config{}, engine.Generic, "", setting(t, OAuth{TokenURL: "https://as.example/token", AuthorizeURL: "https://as.example/authorize?tenant=x",
			ClientID: "us", RedirectURL: given}))
		if err != nil {
			t.Fatal(err)
		}
		page, _ := url.Parse(s.URL)
		back, _ := url.Parse(s.redirect)
		if got := strings.Replace(s.redirect, ":"+back.Port(), ":*", 1); got != want && s.redirect != want || page.Query().Get("redirect_uri") != s.redirect {
			t.Errorf("%q: %s, want %s", given, s.redirect, want)
		}
		if page.Query().Get("tenant") != "x" || page.Query().Has("scope") {
			t.Errorf("the page is %s", s.URL)
		}
		s.Close()
	}
	_, err := StartSignIn(Config{}, engine.Generic, "", setting(t, OAuth{TokenURL: "https://as.example/token", ClientID: "us"}))
	if engine.KindOf(err) != engine.KindSettings || !strings.Contains(fmt.Sprint(err), "it is not known where people sign in") {
		t.Error(err)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	server := httptest.NewServer(nil)
	defer server.Close()
	var port int
	u, _ := url.Parse(server.URL)
	if _, err := fmt.Sscan(u.Port(), &port); err != nil {
		t.Fatal(err)
	}
	return port
}
