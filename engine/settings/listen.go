package settings

import (
	"net"
	"net/netip"
	"regexp"
	"strconv"

	"tokentray/engine"
)

// Listen is where metrics and health are served. It can be compared.
type Listen struct {
	Address string        // host:port; empty: nowhere
	Token   engine.Secret // what reading metrics needs; empty: nothing, on this machine
	IDs     bool          // accounts are told apart, by name and id
}

// readListen refuses an address that other machines reach unless a token is
// needed there.
func readListen(r *reader) Listen {
	l := Listen{
		Address: read(r, "TOKENTRAY_LISTEN", listenAddress),
		Token:   read(r, "TOKENTRAY_LISTEN_TOKEN", bearerToken),
		IDs:     read(r, "TOKENTRAY_LISTEN_IDS", boolean),
	}
	if host, _, _ := net.SplitHostPort(l.Address); l.Address != "" && !loopback(host) && l.Token.Empty() && r.err == nil {
		r.fail(r.values["TOKENTRAY_LISTEN"].fault("other machines can read that: set TOKENTRAY_LISTEN_TOKEN, in the environment or " +
			"the env file, or listen on 127.0.0.1"))
	}
	return l
}

// listenAddress reads an address of this machine, or localhost, with a port;
// without an address it is all of them, and port 0 is any that is free.
func listenAddress(text string) (string, bool) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", false
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && host != "localhost" {
		return "", false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return text, err == nil
}

// bearer is RFC 6750's token, of a length that is not guessed.
var bearer = regexp.MustCompile(`^[A-Za-z0-9\-._~+/=]{16,}$`)

func bearerToken(text string) (engine.Secret, bool) {
	return engine.NewSecret(text), bearer.MatchString(text)
}
