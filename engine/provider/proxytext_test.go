package provider

import (
	"strings"
	"testing"

	"tokentray/engine"
)

func TestParseProxy(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "",
		" socks5://10.0.0.1:1080 ":          "socks5://10.0.0.1:1080",
		"socks5h://host":                    "socks5://host:1080",
		"http://user:p%40ss@proxy.example/": "http://user:p%40ss@proxy.example:80",
		"https://[::1]:8443":                "https://[::1]:8443",
		`{"type":"http","host":"h","port":"3128"}`: "http://h:3128",
	} {
		setting, err := ParseProxy(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		u, err := ProxyURL(setting)
		if err != nil || u == nil != (want == "") || u != nil && u.String() != want {
			t.Errorf("%q: %v, %v", text, u, err)
		}
	}
	for _, text := range []string{"host:1080", "ftp://user:geheim@host", "socks5://user:geheim@", "http://h:geheim", "http://h/geheim", "{geheim", `{"type":"geheim"}`, "http://h?geheim"} {
		setting, err := ParseProxy(text)
		if engine.KindOf(err) != engine.KindSettings || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: %v, %v", text, setting, err)
		}
	}
}
