package provider

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"tokentray/engine"
)

func TestProxyURL(t *testing.T) {
	for text, want := range map[string]string{
		"":     "",
		"null": "",
		`{"type":"socks5","host":"127.0.0.1","port":1080,"username":"u","password":"p:@/"}`: "socks5://u:p%3A%40%2F@127.0.0.1:1080",
		`{"type":"http","host":"proxy.example","port":"8118"}`:                              "http://proxy.example:8118",
		`{"type":"https","host":"::1","port":443}`:                                          "https://[::1]:443",
		`{"type":"socks4","host":"h","port":1}`:                                             "!",
		`{"type":"socks5","host":"","port":1}`:                                              "!",
		`{"type":"socks5","host":"h","port":0}`:                                             "!",
		`{"type":"socks5","host":"h","port":70000}`:                                         "!",
		`{"type":"socks5","host":"h"}`:                                                      "!",
		`{"type":"socks5","host":"user@h","port":1}`:                                        "!",
		`socks5://u:hunter2@h:1`:                                                            "!",
		`[]`:                                                                                "!",
		`{"type":"socks5","host":"h","port":1,"password":"hunter2"`:                         "!",
		`"` + strings.Repeat("x", maxProxyText) + `"`:                                       "!",
	} {
		u, err := ProxyURL(engine.NewSecret(text))
		got := ""
		switch {
		case err != nil:
			got = "!"
			if engine.KindOf(err) != engine.KindProxy || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q: %v", text, err)
			}
		case u != nil:
			got = u.String()
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// proxied runs one exchange through the proxy at address.
func proxied(t *testing.T, cfg Config, kind, address, user, password string) error {
	t.Helper()
	host, port, _ := net.SplitHostPort(address)
	req := request()
	req.Proxy = engine.NewSecret(fmt.Sprintf(`{"type":%q,"host":%q,"port":%s,"username":%q,"password":%q}`, kind, host, port, user, password))
	_, err := New(cfg)[engine.Claude].Exchange(t.Context(), req)
	return err
}

// The endpoint's name resolves nowhere but at the proxies of this test.
const farName = "token.endpoint.invalid"

func farEndpoint(t *testing.T) (cfg Config, address string) {
	server := httptest.NewUnstartedServer(answering(200, `{"access_token":"a"}`))
	server.StartTLS()
	t.Cleanup(server.Close)
	pool := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	// The test certificate is for example.com.
	return Config{URLs: map[string]string{engine.Claude: "https://example.com:444/token"}, RootCAs: pool}, server.Listener.Addr().String()
}

func TestHTTPProxy(t *testing.T) {
	cfg, target := farEndpoint(t)
	var connects atomic.Int32
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != "example.com:444" {
			t.Errorf("asked for %s %s", r.Method, r.Host)
		}
		if r.Header.Get("Proxy-Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("user:pass")) {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		connects.Add(1)
		upstream, err := net.Dial("tcp", target)
		if err != nil {
			t.Error(err)
			return
		}
		conn, _, _ := http.NewResponseController(w).Hijack()
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { io.Copy(upstream, conn); upstream.Close() }()
		io.Copy(conn, upstream)
		conn.Close()
	})
	plain := httptest.NewServer(handler)
	defer plain.Close()
	if err := proxied(t, cfg, "http", plain.Listener.Addr().String(), "user", "pass"); err != nil {
		t.Errorf("http proxy: %v", err)
	}
	// An https proxy: the test's certificate is for 127.0.0.1 too.
	secure := httptest.NewTLSServer(handler)
	defer secure.Close()
	if err := proxied(t, cfg, "https", secure.Listener.Addr().String(), "user", "pass"); err != nil {
		t.Errorf("https proxy: %v", err)
	}
	if connects.Load() != 2 {
		t.Errorf("%d connections through the proxies, want 2", connects.Load())
	}
	err := proxied(t, cfg, "http", plain.Listener.Addr().String(), "user", "wrong-password")
	if engine.KindOf(err) != engine.KindProxy || !isUnsent(err) || strings.Contains(err.Error(), "wrong-password") {
		t.Errorf("wrong password: %v", err)
	}
}

func isUnsent(err error) bool {
	e, ok := err.(*engine.Error)
	return ok && e.Unsent
}

func TestSOCKS5Proxy(t *testing.T) {
	cfg, target := farEndpoint(t)
	cfg.URLs[engine.Claude] = "https://" + farName + ":444/token"
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	names := make(chan string, 4)
	go func() {
		for {
			conn, err := proxy.Accept()
			if err != nil {
				return
			}
			go socks5(conn, target, names)
		}
	}()
	// The far certificate is not for that name: the connection itself, and
	// where the name was resolved, is what this is about.
	err = proxied(t, cfg, "socks5", proxy.Addr().String(), "user", "pass")
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("through the proxy: %v", err)
	}
	if name := <-names; name != farName {
		t.Errorf("the proxy was asked for %q", name)
	}
	cfg.URLs[engine.Claude] = "https://example.com:444/token"
	if err := proxied(t, cfg, "socks5", proxy.Addr().String(), "user", "pass"); err != nil {
		t.Errorf("through the proxy: %v", err)
	}
	if err := proxied(t, cfg, "socks5", proxy.Addr().String(), "user", "wrong"); engine.KindOf(err) != engine.KindProxy || !isUnsent(err) {
		t.Errorf("wrong password: %v", err)
	}
}

// socks5 is one connection of a SOCKS 5 server (RFC 1928) that wants
// user:pass (RFC 1929) and leads everything to target.
func socks5(conn net.Conn, target string, names chan<- string) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	read := func(n int) []byte {
		b := make([]byte, n)
		io.ReadFull(r, b)
		return b
	}
	read(int(read(2)[1]))
	conn.Write([]byte{5, 2})
	user := string(read(int(read(2)[1])))
	password := string(read(int(read(1)[0])))
	if user != "user" || password != "pass" {
		conn.Write([]byte{1, 1})
		return
	}
	conn.Write([]byte{1, 0})
	head := read(4)
	name := ""
	if head[3] == 3 {
		name = string(read(int(read(1)[0])))
	}
	_ = binary.BigEndian.Uint16(read(2))
	names <- name
	upstream, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	go func() { io.Copy(upstream, r); upstream.Close() }()
	io.Copy(conn, upstream)
}

// A proxy that cannot be used never means a direct connection.
func TestDeadProxyIsNotGoneAround(t *testing.T) {
	direct := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { direct = true }))
	defer server.Close()
	closed, _ := net.Listen("tcp", "127.0.0.1:0")
	closed.Close()
	cfg := Config{URLs: map[string]string{engine.Claude: server.URL}}
	for _, kind := range []string{"socks5", "http", "https", "ftp"} {
		if err := proxied(t, cfg, kind, closed.Addr().String(), "user", "hunter2"); engine.KindOf(err) != engine.KindProxy ||
			strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if direct {
		t.Error("the endpoint was reached directly")
	}
}
