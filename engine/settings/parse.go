package settings

import (
	"crypto/x509"
	"math"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tokentray/engine"
)

// reader turns the texts in force into values. It keeps the first fault, so
// that its caller asks once, at the end.
type reader struct {
	values map[string]value
	err    error
}

func (r *reader) isSet(name string) bool { return r.values[name].text != "" }

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// read parses one setting; a setting that is not set gives the zero T.
func read[T any](r *reader, name string, parse func(string) (T, bool)) T {
	var zero T
	v := r.values[name]
	if v.text == "" {
		return zero
	}
	parsed, ok := parse(v.text)
	if !ok {
		r.fail(v.fault("it must be " + v.Allowed))
		return zero
	}
	return parsed
}

func secret(text string) (engine.Secret, bool) { return engine.NewSecret(text), true }

func boolean(text string) (on, ok bool) {
	text = strings.ToLower(text)
	return text == "true", text == "true" || text == "false"
}

// decimal leaves out what ParseFloat takes beside it: signs, exponents, hex,
// Inf and NaN.
var decimal = regexp.MustCompile(`^[0-9]*\.?[0-9]+$`)

func minutes(text string) (time.Duration, bool) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !decimal.MatchString(text) || n < 0.05 || n > 1440 {
		return 0, false
	}
	return time.Duration(math.Round(n * float64(time.Minute))), true
}

func word(text string) (string, bool) {
	return text, text != "" && engine.CleanLine(text) == text && !strings.ContainsFunc(text, unicode.IsSpace)
}

func hostName(text string) (string, bool) {
	if _, err := netip.ParseAddr(text); err == nil {
		return text, true
	}
	_, ok := word(text)
	return text, ok && !strings.ContainsAny(text, `:/\@?#,[]`)
}

func port(text string) (string, bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	return text, err == nil && n > 0
}

func database(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil
}

// addresses reads host:port, separated by commas.
func addresses(text string) ([]string, bool) {
	list := strings.Split(text, ",")
	for i, address := range list {
		host, number, err := net.SplitHostPort(strings.TrimSpace(address))
		_, hostOK := hostName(host)
		_, portOK := port(number)
		if err != nil || !hostOK || !portOK {
			return nil, false
		}
		list[i] = net.JoinHostPort(host, number)
	}
	return list, true
}

// absoluteURL reads a URL that has one of the schemes, a host and, if any, a
// possible port.
func absoluteURL(text string, schemes ...string) (*url.URL, bool) {
	u, err := url.Parse(text)
	if err != nil || !slices.Contains(schemes, u.Scheme) {
		return nil, false
	}
	if _, ok := hostName(u.Hostname()); !ok {
		return nil, false
	}
	_, ok := port(u.Port())
	return u, ok || u.Port() == ""
}

// tokenURL is where tokens are sent, or where people sign in: in the clear to
// this machine only.
func tokenURL(text string) (string, bool) {
	u, ok := absoluteURL(text, "https", "http")
	return text, ok && u.User == nil && !strings.Contains(text, "#") && (u.Scheme == "https" || loopback(u.Hostname()))
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

func webhookURL(text string) (engine.Secret, bool) {
	_, ok := absoluteURL(text, "http", "https")
	return engine.NewSecret(text), ok
}

// redisURL refuses a query: an option that is not understood must not pass
// for one that holds.
func redisURL(text string) (*url.URL, bool) {
	u, ok := absoluteURL(text, "redis", "rediss")
	if !ok || strings.ContainsAny(text, "?#") {
		return nil, false
	}
	if db := strings.TrimPrefix(u.Path, "/"); db != "" {
		_, ok = database(db)
	}
	return u, ok
}

func certificates(path string) (string, bool) {
	pem, err := readFile(path)
	return path, err == nil && x509.NewCertPool().AppendCertsFromPEM(pem)
}

// origin is as much of a URL as can be shown.
func origin(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
