package provider

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tokentray/engine"
)

func TestWellKnown(t *testing.T) {
	for issuer, want := range map[string][]string{
		"https://as.example":          {"https://as.example/.well-known/openid-configuration", "https://as.example/.well-known/oauth-authorization-server"},
		"https://as.example/":         {"https://as.example/.well-known/openid-configuration", "https://as.example/.well-known/oauth-authorization-server"},
		"https://as.example/a%2Fb/c/": {"https://as.example/a%2Fb/c/.well-known/openid-configuration", "https://as.example/.well-known/oauth-authorization-server/a%2Fb/c"},
	} {
		if got := wellKnown(issuer); !slices.Equal(got, want) {
			t.Errorf("%s: %q", issuer, got)
		}
	}
}

// An issuer is asked by both standards, believed only where it names itself as
// it was asked, and only with endpoints that secrets may be sent to.
func TestDiscover(t *testing.T) {
	const openID, rfc8414 = "/tenant/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/tenant"
	const endpoints = `"token_endpoint":"https://as.example/token","authorization_endpoint":"https://as.example/authorize"`
	for name, test := range map[string]struct {
		pages map[string]string // bodies, with ISSUER for the issuer
		want  OAuth             // beside the issuer
		err   string
	}{
		"OpenID": {map[string]string{openID: `{"issuer":"ISSUER",` + endpoints + `,"token_endpoint_auth_methods_supported":["client_secret_post"]}`},
			OAuth{TokenURL: "https://as.example/token", AuthorizeURL: "https://as.example/authorize", AuthStyle: StyleParams}, ""},
		"RFC 8414": {map[string]string{rfc8414: `{"issuer":"ISSUER",` + endpoints + `,"authorization_response_iss_parameter_supported":true,"token_endpoint_auth_methods_supported":["client_secret_basic","none"]}`},
			OAuth{TokenURL: "https://as.example/token", AuthorizeURL: "https://as.example/authorize", NamesItself: true, AuthStyle: StyleHeader}, ""},
		"a page for everything":   {map[string]string{openID: `<html>`, rfc8414: `{"issuer":"ISSUER","token_endpoint":"https://as.example/token"}`}, OAuth{TokenURL: "https://as.example/token"}, ""},
		"another issuer":          {map[string]string{openID: `{"issuer":"https://evil.example",` + endpoints + `}`}, OAuth{}, `the issuer calls itself "https://evil.example"`},
		"a slash more":            {map[string]string{openID: `{"issuer":"ISSUER/",` + endpoints + `}`}, OAuth{}, "the issuer calls itself"},
		"no issuer":               {map[string]string{openID: `{` + endpoints + `}`}, OAuth{}, `the issuer calls itself ""`},
		"a token URL in the open": {map[string]string{openID: `{"issuer":"ISSUER","token_endpoint":"http://as.example/token"}`}, OAuth{}, "names endpoints that cannot be used"},
		"no token URL":            {map[string]string{openID: `{"issuer":"ISSUER"}`}, OAuth{}, "names endpoints that cannot be used"},
		"nothing":                 {nil, OAuth{}, "does not tell its endpoints"},
		"too much":                {map[string]string{openID: `{"issuer":"ISSUER",` + endpoints + `}` + strings.Repeat(" ", maxBody)}, OAuth{}, "does not tell its endpoints"},
	} {
		t.Run(name, func(t *testing.T) {
			var issuer string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if body, there := test.pages[r.URL.Path]; there {
					fmt.Fprint(w, strings.ReplaceAll(body, "ISSUER", issuer))
				} else {
					http.NotFound(w, r)
				}
			}))
			defer server.Close()
			issuer = server.URL + "/tenant"
			got, err := OAuth{Issuer: issuer}.Discover(t.Context(), Config{}, engine.Secret{})
			if test.err != "" {
				if engine.KindOf(err) != engine.KindSettings || !strings.Contains(fmt.Sprint(err), test.err) {
					t.Error(err)
				}
				return
			}
			if test.want.Issuer = issuer; err != nil || got != test.want {
				t.Errorf("%+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

// What stands in the way is told as it is, and no redirect is followed.
func TestDiscoverTroubled(t *testing.T) {
	followed := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed = true }))
	defer elsewhere.Close()
	for status, kind := range map[int]engine.Kind{500: engine.KindTransient, 429: engine.KindRateLimited, 302: engine.KindSettings} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(status)
		}))
		if _, err := (OAuth{Issuer: server.URL}).Discover(t.Context(), Config{}, engine.Secret{}); engine.KindOf(err) != kind || err == nil {
			t.Errorf("%d: %v", status, err)
		}
		server.Close()
		if _, err := (OAuth{Issuer: server.URL}).Discover(t.Context(), Config{}, engine.Secret{}); engine.KindOf(err) != engine.KindOffline {
			t.Errorf("nobody there: %v", err)
		}
	}
	if followed {
		t.Error("a redirect was followed")
	}
	for _, issuer := range []string{"http://as.example", "as.example", "https://as.example?x", "https://u:hunter2@as.example"} {
		_, err := OAuth{Issuer: issuer}.Discover(t.Context(), Config{}, engine.Secret{})
		if engine.KindOf(err) != engine.KindSettings || strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%s: %v", issuer, err)
		}
	}
}

// An issuer that only the account's proxy reaches.
func TestDiscoverProxied(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"issuer":"https://%s","token_endpoint":"https://%s/token"}`, r.Host, r.Host)
	}))
	defer server.Close()
	target, _ := url.Parse(server.URL)
	e := &endpoint{dialect: dialect{url: "http://" + farName + "/.well-known/openid-configuration"}}
	via, err := ProxyURL(socksProxy(t, target.Host)("pass"))
	if err != nil {
		t.Fatal(err)
	}
	if m, err := e.metadata(t.Context(), via); err != nil || m == nil || m.Issuer != "https://"+farName {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := e.metadata(t.Context(), nil); err == nil {
		t.Error("it was gone around the proxy")
	}
}
