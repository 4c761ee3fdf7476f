package provider

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"tokentray/engine"
)

// ParseProxy reads a proxy as people write it, a URL such as
// socks5://user:password@host:1080, or the JSON that accounts have, and returns
// that JSON; "" where there is none. Its error quotes nothing of the text, which
// may hold a password.
func ParseProxy(text string) (engine.Secret, error) {
	text = strings.TrimSpace(text)
	if text == "" || strings.HasPrefix(text, "{") {
		setting := engine.NewSecret(text)
		_, err := ProxyURL(setting)
		return setting, notUsable(err)
	}
	u, err := url.Parse(text)
	port, portErr := strconv.Atoi(portOf(u))
	if err != nil || portErr != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return engine.Secret{}, notUsable(errNoProxyURL)
	}
	password, _ := u.User.Password()
	b, err := json.Marshal(struct {
		Type     string `json:"type"`
		Host     string `json:"host"`
		Port     int    `json:"port"`
		Username string `json:"username"`
		Password string `json:"password"`
	}{strings.TrimSuffix(u.Scheme, "h"), u.Hostname(), port, u.User.Username(), password}) // socks5h is what socks5 does here
	if err != nil {
		return engine.Secret{}, err
	}
	setting := engine.NewSecret(string(b))
	_, err = ProxyURL(setting)
	return setting, notUsable(err)
}

func portOf(u *url.URL) string {
	switch {
	case u == nil:
		return ""
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	case u.Scheme == "https":
		return "443"
	}
	return "1080"
}

var errNoProxyURL = engine.Errorf(engine.KindSettings, "", nil)

func notUsable(err error) error {
	if err == nil {
		return nil
	}
	return engine.Errorf(engine.KindSettings, "this is no proxy: write it as socks5://host:port, http://host:port or https://host:port, "+
		"with user:password@ before the host where it wants them, special characters percent-encoded", nil)
}
