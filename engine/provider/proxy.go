package provider

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

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
		return nil, malformed(fmt.Sprintf("type %q, not socks5, http or https", engine.Clean(p.Type)))
	}
	port, err := strconv.ParseUint(strings.Trim(string(p.Port), `"`), 10, 16)
	if err != nil || port == 0 {
		return nil, malformed("no port from 1 to 65535")
	}
	if p.Host == "" || strings.ContainsFunc(p.Host, func(r rune) bool { return r <= ' ' || strings.ContainsRune("/@?#\x7f", r) }) {
		return nil, malformed("no usable host")
	}
	u := &url.URL{Scheme: p.Type, Host: net.JoinHostPort(strings.Trim(p.Host, "[]"), strconv.FormatUint(port, 10))}
	if p.Username != "" || p.Password != "" {
		u.User = url.UserPassword(p.Username, p.Password)
	}
	return u, nil
}
