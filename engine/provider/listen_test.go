package provider

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
)

// waiting is a sign-in whose Wait runs; result blocks until it ends.
func waiting(t *testing.T, ctx context.Context, s *SignIn) (result func() (engine.Secret, error)) {
	t.Helper()
	var code engine.Secret
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		code, err = s.Wait(ctx)
	}()
	return func() (engine.Secret, error) { <-done; return code, err }
}

// closedNow reports whether nobody listens where the browser comes back to.
func closedNow(s *SignIn) bool {
	conn, err := net.Dial("tcp", s.listener.Addr().String())
	if err == nil {
		conn.Close()
	}
	return err != nil
}

// Nothing but a GET with this sign-in's state on its path ends the waiting.
func TestStrayRequestsDoNotEndASignIn(t *testing.T) {
	s := start(t, Config{SignInPorts: anyPort}, engine.OpenAI, "")
	result := waiting(t, t.Context(), s)
	base := strings.TrimSuffix(s.redirect, "/auth/callback")
	good := "?code=the-code&state=" + s.state
	for _, stray := range []struct {
		method, address string
		status          int
	}{
		{"GET", base + "/favicon.ico", 404},
		{"GET", base + "/" + good, 404},
		{"GET", s.redirect + "/" + good, 404},
		{"GET", base + "/x/../auth/callback" + good, 404},
		{"GET", s.redirect, 400},
		{"GET", s.redirect + "?code=the-code", 400},
		{"GET", s.redirect + "?code=the-code&state=", 400},
		{"GET", s.redirect + "?code=the-code&state=" + s.state + "x", 400},
		{"GET", s.redirect + "?code=the-code&state=" + strings.Repeat("a", len(s.state)), 400},
		{"GET", s.redirect + "?error=access_denied&state=of-another", 400},
		{"GET", s.redirect + good + strings.Repeat("x", 128<<10), 431},
		{"POST", s.redirect + good, 405},
		{"HEAD", s.redirect + good, 405},
		{"OPTIONS", s.redirect + good, 405},
	} {
		req, err := http.NewRequest(stray.method, stray.address, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatalf("%s %.80s: %v", stray.method, stray.address, err)
		}
		resp.Body.Close()
		if resp.StatusCode != stray.status {
			t.Errorf("%s %.80s: %d, want %d", stray.method, stray.address, resp.StatusCode, stray.status)
		}
	}
	if status, page := visit(t, s.redirect+good); status != 200 || !strings.Contains(page, "close this page") {
		t.Errorf("%d, %s", status, page)
	}
	if code, err := result(); err != nil || code.Reveal() != "the-code" {
		t.Errorf("%v, %q", err, code.Reveal())
	}
	if !closedNow(s) {
		t.Error("the port is still open")
	}
	if _, err := s.Wait(t.Context()); engine.KindOf(err) != engine.KindTransient || !strings.Contains(err.Error(), "start again") {
		t.Errorf("waiting once more: %v", err)
	}
}

// The page stands by itself, and keeps the code in its address to itself.
func TestThePageTheBrowserEndsOn(t *testing.T) {
	s := start(t, Config{SignInPorts: anyPort}, engine.OpenAI, "")
	result := waiting(t, t.Context(), s)
	resp, err := http.Get(s.redirect + "?code=hidden-code&state=" + s.state)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	page := string(text)
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "Content-Type": "text/html; charset=utf-8"} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	for _, not := range []string{"http:", "https:", "//", "src=", "<script", "hidden", s.state} {
		if strings.Contains(page, not) {
			t.Errorf("the page has %q:\n%s", not, page)
		}
	}
	if _, err := result(); err != nil {
		t.Error(err)
	}
}

// A page that is loaded twice comes with the same code twice: the first counts,
// and both get their page.
func TestReload(t *testing.T) {
	s := start(t, Config{SignInPorts: anyPort}, engine.OpenAI, "")
	came := make(chan outcome, 1)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.back(w, r, came) })}
	go server.Serve(s.listener)
	defer server.Close()
	for _, code := range []string{"first", "first", "second"} {
		if status, _ := visit(t, s.redirect+"?code="+code+"&state="+s.state); status != 200 {
			t.Errorf("%s: %d", code, status)
		}
	}
	if o := <-came; o.err != nil || o.code.Reveal() != "first" {
		t.Errorf("%v, %q", o.err, o.code.Reveal())
	}
}

// What the person, or the provider, refused on the page ends the sign-in in
// our own words.
func TestRefusedOnThePage(t *testing.T) {
	for _, test := range []struct {
		query string
		kind  engine.Kind
		code  string
		says  string
	}{
		{"error=access_denied&error_description=<b>hidden</b>", engine.KindTransient, "access_denied", "the sign-in was refused on the provider's page"},
		{"error=temporarily_unavailable", engine.KindTransient, "temporarily_unavailable", "later"},
		{"error=unauthorized_client", engine.KindSettings, "unauthorized_client", "client settings"},
		{"error=<i>hidden\x1b", engine.KindTransient, "", "start again"},
		{"error=access_denied&code=the-code", engine.KindTransient, "access_denied", "refused"},
		{"", engine.KindTransient, "", "no usable code"},
		{"code=", engine.KindTransient, "", "no usable code"},
		{"code=hidden+code", engine.KindTransient, "", "no usable code"},
	} {
		s := start(t, Config{SignInPorts: anyPort}, engine.OpenAI, "")
		result := waiting(t, t.Context(), s)
		_, page := visit(t, s.redirect+"?state="+s.state+"&"+strings.NewReplacer("<", "%3C", ">", "%3E", "\x1b", "%1B").Replace(test.query))
		code, err := result()
		e, ok := errors.AsType[*engine.Error](err)
		if !ok || e.Kind != test.kind || e.Code != test.code || !strings.Contains(e.Error(), test.says) || !code.Empty() {
			t.Errorf("%q: %v", test.query, err)
		}
		if strings.Contains(page+err.Error(), "hidden") || !strings.Contains(page, "You are not signed in") {
			t.Errorf("%q: %s", test.query, page)
		}
		if !closedNow(s) {
			t.Errorf("%q: the port is still open", test.query)
		}
	}

	server, cfg := strictConfig(t)
	server.Deny(engine.Gemini)
	s := start(t, cfg, engine.Gemini, "")
	result := waiting(t, t.Context(), s)
	visit(t, s.URL)
	if _, err := result(); engine.KindOf(err) != engine.KindTransient || !strings.Contains(err.Error(), "refused on the provider's page") {
		t.Errorf("denied: %v", err)
	}
}

// Nobody waits for ever, and the port is free afterwards.
func TestAWaitEnds(t *testing.T) {
	cfg := Config{SignInPorts: anyPort}
	late := start(t, cfg, engine.OpenAI, "")
	if late.patience != 5*time.Minute {
		t.Errorf("waits for %v", late.patience)
	}
	late.patience = time.Millisecond
	if _, err := late.Wait(t.Context()); engine.KindOf(err) != engine.KindTransient || !strings.Contains(err.Error(), "did not come back") || !closedNow(late) {
		t.Errorf("too late: %v", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	given := start(t, cfg, engine.OpenAI, "")
	if _, err := given.Wait(ctx); !errors.Is(err, context.Canceled) || engine.KindOf(err) != engine.KindTransient || !closedNow(given) {
		t.Errorf("given up: %v", err)
	}

	left := start(t, cfg, engine.OpenAI, "")
	result := waiting(t, t.Context(), left)
	left.Close()
	if _, err := result(); engine.KindOf(err) != engine.KindTransient || !closedNow(left) {
		t.Errorf("closed: %v", err)
	}

	if _, err := start(t, cfg, engine.Claude, "").Wait(t.Context()); err == nil {
		t.Error("waits for a browser that does not come")
	}
}

// A connection that says nothing, as browsers open some in advance, does not
// keep the sign-in.
func TestASilentConnection(t *testing.T) {
	s := start(t, Config{SignInPorts: anyPort}, engine.OpenAI, "")
	result := waiting(t, t.Context(), s)
	silent, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	visit(t, s.redirect+"?code=c&state="+s.state)
	began := time.Now()
	if code, err := result(); err != nil || code.Reveal() != "c" {
		t.Error(err)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it took %v", took)
	}
}

// The port is open to this machine alone.
func TestLoopbackOnly(t *testing.T) {
	_, cfg := strictConfig(t)
	for _, provider := range []string{engine.Gemini, engine.OpenAI} {
		s := start(t, cfg, provider, "")
		result := waiting(t, t.Context(), s)
		address := s.listener.Addr().(*net.TCPAddr)
		if !address.IP.Equal(net.IPv4(127, 0, 0, 1)) {
			t.Errorf("%s listens on %s", provider, address)
		}
		back, _ := url.Parse(s.redirect)
		others, _ := net.InterfaceAddrs()
		for _, other := range others {
			ip := other.(*net.IPNet).IP
			if ip.Equal(address.IP) {
				continue
			}
			if conn, err := net.DialTimeout("tcp", net.JoinHostPort(ip.String(), back.Port()), time.Second); err == nil {
				conn.Close()
				t.Errorf("%s can be reached at %s", provider, ip)
			}
		}
		s.Close()
		result()
	}
}
