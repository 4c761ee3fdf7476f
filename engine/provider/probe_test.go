package provider

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
)

// Any answer of the endpoint shows that the proxy works, and nothing of an
// account goes there for it.
func TestProbe(t *testing.T) {
	for _, status := range []int{200, 302, 401, 404, 405, 503} {
		var got *http.Request
		var body []byte
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = r
			body, _ = io.ReadAll(r.Body)
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(status)
		}))
		defer server.Close()
		endpoint, _ := url.Parse(server.URL)
		cfg := Config{URLs: map[string]string{engine.Gemini: "http://" + farName + "/token"}}
		if err := Probe(t.Context(), cfg, engine.Gemini, engine.Secret{}, socksProxy(t, endpoint.Host)("pass")); err != nil {
			t.Errorf("%d: %v", status, err)
		}
		if got == nil || got.Method != http.MethodGet || got.URL.String() != "/token" || len(body) > 0 || got.Header.Get("Authorization") != "" {
			t.Errorf("%d: sent %+v", status, got)
		}
		cfg.URLs[engine.Gemini] = server.URL
		if err := Probe(t.Context(), cfg, engine.Gemini, engine.Secret{}, engine.Secret{}); err != nil {
			t.Errorf("%d without a proxy: %v", status, err)
		}
	}
}

// What is wrong is told of the proxy, by name and without its password.
func TestProbeOfAProxyThatDoesNotWork(t *testing.T) {
	server := httptest.NewServer(answering(200, ""))
	defer server.Close()
	endpoint, _ := url.Parse(server.URL)
	closed, _ := net.Listen("tcp", "127.0.0.1:0")
	closed.Close()
	wants := httptest.NewServer(answering(http.StatusProxyAuthRequired, "hidden"))
	defer wants.Close()
	at := func(kind, address string) engine.Secret {
		host, port, _ := net.SplitHostPort(address)
		return engine.NewSecret(fmt.Sprintf(`{"type":%q,"host":%q,"port":%s,"username":"user","password":"hunter2"}`, kind, host, port))
	}
	for name, test := range map[string]struct {
		proxy engine.Secret
		kind  engine.Kind
		says  string
	}{
		"wrong password": {socksProxy(t, endpoint.Host)("hunter2"), engine.KindProxy, "socks5://127.0.0.1:"},
		"nobody there":   {at("http", closed.Addr().String()), engine.KindProxy, "http://" + closed.Addr().String()},
		"407":            {at("http", wants.Listener.Addr().String()), engine.KindProxy, "http://" + wants.Listener.Addr().String() + " wants other credentials"},
		"malformed":      {engine.NewSecret(`{"type":"ftp","password":"hunter2"}`), engine.KindProxy, "malformed"},
	} {
		cfg := Config{URLs: map[string]string{engine.Claude: "http://" + farName + "/token"}}
		err := Probe(t.Context(), cfg, engine.Claude, engine.Secret{}, test.proxy)
		if said := fmt.Sprint(err); engine.KindOf(err) != test.kind || !strings.Contains(said, test.says) || strings.Contains(said, "hunter2") || strings.Contains(said, "hidden") {
			t.Errorf("%s: %v", name, err)
		}
	}

	cfg := Config{URLs: map[string]string{engine.Claude: "http://" + closed.Addr().String()}}
	if err := Probe(t.Context(), cfg, engine.Claude, engine.Secret{}, engine.Secret{}); engine.KindOf(err) != engine.KindOffline {
		t.Errorf("no proxy and nobody there: %v", err)
	}
	if err := Probe(t.Context(), cfg, "gpt", engine.Secret{}, engine.Secret{}); engine.KindOf(err) != engine.KindSettings {
		t.Errorf("unknown provider: %v", err)
	}
}

// An endpoint that does not answer is not waited for.
func TestProbeEnds(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer server.Close()
	endpoint, _ := url.Parse(server.URL)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err := Probe(ctx, Config{URLs: map[string]string{engine.Claude: "http://" + farName}}, engine.Claude, engine.Secret{}, socksProxy(t, endpoint.Host)("pass"))
	if engine.KindOf(err) != engine.KindProxy || !strings.HasSuffix(err.Error(), "timed out") {
		t.Error(err)
	}
}
