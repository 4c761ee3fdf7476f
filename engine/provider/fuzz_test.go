package provider

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tokentray/engine"
)

// FuzzAnswer: whatever an endpoint answers, what is taken for a token can be
// one, and nothing of a refusal's body gets into its error.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		`{"access_token":"a","refresh_token":"r","expires_in":3600,"token_type":"Bearer","scope":"x y"}`,
		`{"access_token":"a","expires_in":"60","organization_id":"org_1","authentication_method":"SSO"}`,
		`{"access_token":"a","refresh_token":"r","expires_at":"2099-01-01T00:00:00Z"}`,
		`{"access_token":"e30.eyJleHAiOjQwMDAwMDAwMDB9.s"}`, `{"access_token":"e30.eyJleHAiOjFlOTl9.s"}`, `{"access_token":"..","id_token":"i"}`,
		// Nothing usable, of which some has a new refresh token.
		``, `null`, `[]`, `{}`, `{`, `"a"`, "\xff\xfe", `<html>502</html>`, strings.Repeat(`{"error":`, 20_000), strings.Repeat("[", 20_000),
		`{"refresh_token":"r"}`, `{"access_token":"","refresh_token":"r"}`, `{"access_token":7,"refresh_token":"r"}`, `{"access_token":"a","refresh_token":7}`,
		`{"access_token":"a b"}`, `{"access_token":"a\n"}`, `{"access_token":"\u001b[2Ja"}`, `{"access_token":"\u202ea"}`, `{"access_token":"a\u2028"}`,
		"{\"access_token\":\"a\xff\"}", `{"access_token":"\ud800"}`, `{"access_token":"a","refresh_token":"r\u0000"}`, `{"access_token":"a","refresh_token":"\u202er"}`,
		`{"access_token":"a","id_token":"\u001b"}`, `{"access_token":"` + strings.Repeat("a", maxToken+1) + `"}`,
		// Lifetimes.
		`{"access_token":"a","scope":"` + strings.Repeat("x", 600<<10) + `"}`, `{"access_token":"a","scope":"\u001b\u202e","token_type":"\u2028"}`,
		`{"access_token":"` + strings.Repeat("<", maxToken) + `","refresh_token":"` + strings.Repeat("&", maxToken) + `","id_token":"` + strings.Repeat("\\\\", maxToken) + `"}`,
		`{"access_token":"a","expires_in":1e-9}`, `{"access_token":"a","expires_in":0.0009}`,
		`{"access_token":"a","expires_in":0}`, `{"access_token":"a","expires_in":-1}`, `{"access_token":"a","expires_in":1e308}`, `{"access_token":"a","expires_in":1e999}`,
		`{"access_token":"a","expires_in":"NaN"}`, `{"access_token":"a","expires_in":"Inf"}`, `{"access_token":"a","expires_in":NaN}`, `{"access_token":"a","expires_in":null}`,
		`{"access_token":"a","expires_in":{"a":[1]}}`, `{"access_token":"a","expires_in":true}`, `{"access_token":"a","expires_in":"0x1p60"}`, `{"access_token":"a","expires_in":315360001}`,
		`{"access_token":"a","expires_at":"9999-12-31T23:59:59-23:59"}`, `{"access_token":"a","expires_at":"2001-01-01T00:00:00Z"}`, `{"access_token":"a","expires_at":9e9}`,
		// Refusals.
		`{"error":"invalid_grant","error_description":"token sk-ant-ort01-hidden was refused"}`, `{"error":"invalid_client"}`, `{"error":"Invalid_Grant"}`,
		`{"error":{"code":"refresh_token_reused","message":"hidden"}}`, `{"error":{"type":"invalid_grant","code":7}}`, `{"code":"app_session_terminated"}`,
		`{"error":"invalid_grant\u001b[2J"}`, `{"error":"\u202einvalid_grant"}`, `{"error":"sk-ant-ort01-hidden"}`, `{"error":["invalid_grant"]}`, `{"error":{"code":{"code":"invalid_grant"}}}`,
		`{"error":null,"code":"access_denied"}`, `{"ERROR":"invalid_grant"}`,
	} {
		f.Add([]byte(body), 400)
	}
	for _, status := range []int{0, 302, 401, 403, 407, 418, 429, 500, 999} {
		f.Add([]byte(`{"error":"invalid_grant","error_description":"\u001b[2J hidden"}`), status)
	}
	dialects := map[string]dialect{engine.Claude: claude(Config{}), engine.Gemini: gemini(Config{}), engine.OpenAI: openAI(Config{}), engine.Droid: droid(Config{})}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		for name, d := range dialects {
			now := time.Now().Round(0)
			token, usable := d.token(body, now)
			for what, secret := range map[string]engine.Secret{"access": token.AccessToken, "refresh": token.RefreshToken, "id": token.IDToken} {
				if text := secret.Reveal(); !secret.Empty() && !sendable(text) {
					t.Errorf("%s: the %s token is %q", name, what, text)
				}
			}
			switch {
			case usable && token.AccessToken.Empty():
				t.Errorf("%s: usable without an access token", name)
			case usable && (!token.ExpiresAt.After(now) || token.ExpiresAt.After(now.Add(maxLifetime))):
				t.Errorf("%s: at %v it expires at %v", name, now, token.ExpiresAt)
			case !usable && token != (engine.Token{RefreshToken: token.RefreshToken}):
				t.Errorf("%s: not usable, but %+v", name, token)
			}
			// It is kept in a record first; one that cannot be read again is lost.
			if r := (engine.Record{Head: token.RefreshToken.Fingerprint(), Newest: token}); usable {
				if _, err := engine.DecodeRecord(r.Encode()); err != nil {
					t.Errorf("%s: its record: %v", name, err)
				}
			}
		}

		refused, silent := refusal(&http.Response{StatusCode: status}, body), refusal(&http.Response{StatusCode: status}, nil)
		if refused.Code == "" { // as if there had been no body
			if refused.Error() != silent.Error() || refused.Kind != silent.Kind {
				t.Errorf("%d says %v, %q; without a body %v, %q", status, refused.Kind, refused, silent.Kind, silent)
			}
		} else if !slices.Contains(slices.Concat(finalCodes, settingsCodes), refused.Code) || refused.Code != errorCode(body) ||
			refused.Error() != engine.CodeText(refused.Code) {
			t.Errorf("%d has code %q and says %q", status, refused.Code, refused)
		}
		if text := refused.Error(); engine.CleanLine(text) != text {
			t.Errorf("%d says %q", status, text)
		}
	})
}

// sendable is what a token must be to go into a header.
func sendable(text string) bool {
	return len(text) <= maxToken && !strings.ContainsFunc(text, func(r rune) bool { return r < '!' || r > '~' })
}

// No header keeps an account waiting for more than an hour, and none gets into
// the error.
func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	for _, value := range []string{
		"", "0", "1", "120", "3600", "3601", "-1", "+5", " 5", "5 ", "1.5", "1e3", "0x10", "NaN", "Inf", "9223372036854775807", "9223372036854775808",
		"-9223372036854775808", "18446744073709551617", strings.Repeat("9", 400), "Wed, 25 Nov 2026 10:01:00 GMT", "Wed, 25 Nov 2026 09:59:59 GMT",
		"Wed, 25 Nov 2026 10:01:00 +0000", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0000 00:00:00 GMT", "Wednesday, 25-Nov-26 10:01:00 GMT",
		"Wed Nov 25 10:01:00 2026", "2026-11-25T10:01:00Z", "120\r\nX: y", "\x1b[2J", "\u202e120", "120\u2028", "١٢٠", "\xff",
	} {
		f.Add(value, int64(0))
		f.Add(value, now.Unix())
	}
	f.Fuzz(func(t *testing.T, value string, at int64) {
		if d := retryAfter(value, time.Unix(at, 0)); d < 0 || d > maxRetryAfter {
			t.Errorf("%q at %d: %v", value, at, d)
		}
		for _, status := range []int{429, 503} {
			refused := refusal(&http.Response{StatusCode: status, Header: http.Header{"Retry-After": {value}}}, nil)
			text := refused.Error()
			if refused.RetryAfter < 0 || refused.RetryAfter > maxRetryAfter || engine.CleanLine(text) != text || len(text) > 80 {
				t.Errorf("%d, %q: %v, %q", status, value, refused.RetryAfter, text)
			}
		}
	})
}

// A proxy setting is a proxy, an error or, only where it is blank, none; and
// its credentials stay where they are.
func FuzzProxy(f *testing.F) {
	for _, text := range []string{
		``, ` `, `null`, "\u00a0null\n", `nul`, `NULL`, `{}`, `[]`, `""`, `7`, `{`, "\xff", strings.Repeat(`{"type":`, 20_000), strings.Repeat("[", 2000),
		`{"type":"socks5","host":"127.0.0.1","port":1080,"username":"u","password":"p:@/"}`, `{"type":"http","host":"proxy.example","port":"8118"}`,
		`{"type":"https","host":"::1","port":443}`, `{"type":"https","host":"[::1]","port":443}`, `{"type":"http","host":"fe80::1%eth0","port":1}`,
		`{"type":"socks4","host":"h","port":1}`, `{"type":"HTTP","host":"h","port":1}`, `{"type":"\u001b[2J\u202e","host":"h","port":1}`, `{"type":7,"host":"h","port":1}`,
		`{"type":"http","host":"h","port":0}`, `{"type":"http","host":"h","port":-1}`, `{"type":"http","host":"h","port":65536}`, `{"type":"http","host":"h","port":1e3}`,
		`{"type":"http","host":"h","port":1.0}`, `{"type":"http","host":"h","port":NaN}`, `{"type":"http","host":"h","port":99999999999999999999}`, `{"type":"http","host":"h","port":{"port":[1]}}`,
		`{"type":"http","host":"h","port":"\"1"}`, `{"type":"http","host":"","port":1}`, `{"type":"http","host":"u:hunter2@h","port":1}`, `{"type":"http","host":"h/","port":1}`,
		`{"type":"http","host":"h\r\nX: y","port":1}`, `{"type":"http","host":"h\u0000","port":1}`, `{"type":"http","host":"h\u007f","port":1}`,
		`socks5://u:hunter2@h:1`, `{"type":"socks5://u:hunter2@h:1"}`, `{"type":"http","host":"[]","port":1}`, `{"type":"http","host":"[","port":1}`, `{"type":"http","host":"h\u202e","port":1}`, `{"type":"http","host":"h\u009b31m","port":1}`, `{"type":"http","host":"h\u2028x","port":1}`, `{"type":"http","host":"a:b","port":1}`, `{"type":"http","host":"h%zz","port":1}`, `{"type":"http","host":"h\\","port":1}`, `{"type":"http","host":"h\u061c","port":1}`, `{"type":"http","host":"h\"<","port":1}`, `{"type":"http","host":"a]b[c","port":1}`, `{"type":"http","host":"[::1","port":1}`, `{"type":"http","host":"帳","port":1}`,
		`{"type":"socks5","host":"h","port":1,"password":"hunter2"`, `{"type":"socks5","host":"h","port":1,"password":["hunter2"]}`,
		`{"username":"hunter2","password":"hunter2"}`, `{"type":"http","host":"h","port":1,"password":"` + strings.Repeat("x", maxProxyText) + `"}`,
	} {
		f.Add(text, "user", "hunter2")
	}
	f.Add("", "", "")
	f.Add("", "\x1b\u202e", "\u2028\x00\xff")
	f.Fuzz(func(t *testing.T, text, user, password string) {
		u, err := ProxyURL(engine.NewSecret(text))
		again, errAgain := ProxyURL(engine.NewSecret(text))
		if fmt.Sprint(u, err) != fmt.Sprint(again, errAgain) {
			t.Errorf("%q: %v, %v, then %v, %v", text, u, err, again, errAgain)
		}
		blank := strings.TrimSpace(text) == "" || strings.TrimSpace(text) == "null"
		switch {
		case err != nil:
			said := err.Error()
			if u != nil || blank || engine.KindOf(err) != engine.KindProxy || engine.CleanLine(said) != said || strings.Contains(said, "hunter2") {
				t.Errorf("%q: %v, %q", text, u, said)
			}
		case blank != (u == nil):
			t.Errorf("%q: %v and no error", text, u)
		case u != nil:
			checkProxy(t, u)
		}

		// The same with these credentials and with none: no error can quote them.
		var setting map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &setting) != nil || setting == nil {
			return
		}
		for name := range setting {
			if strings.EqualFold(name, "username") || strings.EqualFold(name, "password") {
				delete(setting, name)
			}
		}
		bare, _ := json.Marshal(setting)
		setting["username"], _ = json.Marshal(user)
		setting["password"], _ = json.Marshal(password)
		full, _ := json.Marshal(setting)
		if len(full) > maxProxyText {
			return
		}
		u, err = ProxyURL(engine.NewSecret(string(full)))
		bareURL, bareErr := ProxyURL(engine.NewSecret(string(bare)))
		if fmt.Sprint(err) != fmt.Sprint(bareErr) {
			t.Errorf("%s: %v, but without credentials %v", full, err, bareErr)
		}
		if u == nil {
			return
		}
		if u.Scheme != bareURL.Scheme || u.Host != bareURL.Host || bareURL.User != nil {
			t.Errorf("%s: to %s, but without credentials %s", full, u, bareURL)
		}
		got, _ := u.User.Password()
		if utf8.ValidString(user) && u.User.Username() != user || utf8.ValidString(password) && got != password {
			t.Errorf("%s: %s", full, u)
		}
	})
}

// checkProxy: the URL can be dialled, shown, and written as text and read again.
func checkProxy(t *testing.T, u *url.URL) {
	t.Helper()
	port, err := strconv.Atoi(u.Port())
	if err != nil || port < 1 || port > 65535 || u.Hostname() == "" || !slices.Contains([]string{"socks5", "http", "https"}, u.Scheme) {
		t.Errorf("%q cannot be used", u)
	}
	if engine.CleanLine(u.Host) != u.Host {
		t.Errorf("the host %q is shown in errors", u.Host)
	}
	again, err := url.Parse(u.String())
	if err != nil || again.Host != u.Host || again.Scheme != u.Scheme || again.User.String() != u.User.String() {
		t.Errorf("%q is read as %q, %v", u, again, err)
	}
}
