package provider

import (
	"encoding/json"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"tokentray/engine"
)

// maxProxyText bounds an account's proxy setting, in bytes.
const maxProxyText = 4096

// ProxyURL reads an account's proxy setting, JSON as relay/INTEROP.md has it.
// It returns nil where there is none ("" or null). A malformed one is an error
// of KindProxy and never means a direct connection.
func ProxyURL(setting engine.Secret) (*url.URL, error) {
	text := strings.TrimSpace(setting.Reveal())
	if text == "" || text == "null" {
		return nil, nil
	}
	malformed := func(why string) error {
		return engine.Errorf(engine.KindProxy, "the account's proxy is malformed ("+why+"): correct it where the account is kept; "+
			"nothing is sent without it", nil)
	}
	if len(text) > maxProxyText {
		return nil, malformed("too long")
	}
	var p struct {
		Type, Host         string
		Port               json.RawMessage
		Username, Password string
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil { // err may quote a password
		return nil, malformed("not the JSON object it should be")
	}
	if !slices.Contains([]string{"socks5", "http", "https"}, p.Type) {
		return nil, malformed("its type is not socks5, http or https") // and not quoted: it may be a URL with a password
	}
	port, err := strconv.ParseUint(strings.Trim(string(p.Port), `"`), 10, 16)
	if err != nil || port == 0 {
		return nil, malformed("no port from 1 to 65535")
	}
	host := strings.TrimSuffix(strings.TrimPrefix(p.Host, "["), "]")
	if !usableHost(host) {
		return nil, malformed("no usable host")
	}
	u := &url.URL{Scheme: p.Type, Host: net.JoinHostPort(host, strconv.FormatUint(port, 10))}
	if p.Username != "" || p.Password != "" {
		u.User = url.UserPassword(p.Username, p.Password)
	}
	return u, nil
}

// usableHost takes an address or a name. Errors show it.
func usableHost(host string) bool {
	also := "-._"
	if _, err := netip.ParseAddr(host); err == nil {
		also += ":%"
	}
	return host != "" && !strings.ContainsFunc(host, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.M, unicode.N) && !strings.ContainsRune(also, r)
	})
}
