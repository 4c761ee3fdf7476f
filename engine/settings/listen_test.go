package settings

import (
	"fmt"
	"strings"
	"testing"
)

const bearerSecret = "s3cret-s3cret-s3cret"

func TestListen(t *testing.T) {
	b := newBench(t)
	if l := b.load().Listen; l.Address != "" || !l.Token.Empty() || l.IDs {
		t.Errorf("by default %+v", l)
	}
	for _, text := range []string{"127.0.0.1:9464", "localhost:0", "[::1]:1", "127.9.9.9:65535"} {
		b.env["TOKENTRAY_LISTEN"] = text
		if l := b.load().Listen; l.Address != text {
			t.Errorf("%q gives %+v", text, l)
		}
	}
	b.env["TOKENTRAY_LISTEN_IDS"] = "true"
	b.flags["TOKENTRAY_LISTEN"] = "[::]:9464" // --listen
	b.env["TOKENTRAY_LISTEN_TOKEN"] = bearerSecret
	s := b.load()
	if l := s.Listen; l.Address != "[::]:9464" || l.Token.Reveal() != bearerSecret || !l.IDs {
		t.Errorf("%+v", l)
	}
	if got := s.Sources["TOKENTRAY_LISTEN"].String(); got != "--listen" {
		t.Errorf("it comes from %s", got)
	}
	if shown := fmt.Sprintf("%+v", s); strings.Contains(shown, "s3cret") || s.Value("TOKENTRAY_LISTEN_TOKEN") != "set" {
		t.Errorf("shown: %s", shown)
	}
}

// Other machines read nothing without a token.
func TestListenNeedsAToken(t *testing.T) {
	for _, text := range []string{"0.0.0.0:9464", ":9464", "[::]:9464", "192.0.2.1:1", "[fe80::1]:1"} {
		b := newBench(t)
		b.env["TOKENTRAY_LISTEN"] = text
		contains(t, b.refused(), fmt.Sprintf("TOKENTRAY_LISTEN from environment is %q", text), "set TOKENTRAY_LISTEN_TOKEN", "or listen on 127.0.0.1")
		b.env["TOKENTRAY_LISTEN_TOKEN"] = bearerSecret
		b.load()
	}
}

func TestListenRefused(t *testing.T) {
	for name, texts := range map[string][]string{
		"TOKENTRAY_LISTEN":       {"9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:http", "example.com:9464", "http://127.0.0.1:9464", "127.0.0.1:-1"},
		"TOKENTRAY_LISTEN_TOKEN": {"s3cret", "s3cret s3cret s3cret", "s3cret-s3cret-s3crét", "s3cret-s3cret-s3cret\n"},
		"TOKENTRAY_LISTEN_IDS":   {"yes"},
	} {
		for _, text := range texts {
			b := newBench(t)
			b.env[name] = text
			got := b.refused()
			contains(t, got, name+" from environment ", ": it must be "+specOf(name).Allowed)
			if strings.Contains(got, "s3cret") {
				t.Errorf("%s shows a secret", got)
			}
		}
	}
}
