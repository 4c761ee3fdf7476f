package relay

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
)

// emptySealed is what encrypting nothing would give: one block of padding.
func (k keyring) emptySealed(p platform) string {
	sealed := k.encrypt(p, strings.Repeat("a", 16))
	iv := sealed[33:65]
	return iv + ":" + sealed[65:]
}

// testPlatforms are all four, by number.
func testPlatforms() []platform {
	var all []platform
	for _, name := range slices.Sorted(maps.Keys(platforms)) {
		all = append(all, platforms[name])
	}
	return all
}

// mustBeToken checks what opening a stored token gave.
func mustBeToken(t *testing.T, stored string, token engine.Secret, err error) {
	t.Helper()
	if err != nil {
		said := err.Error()
		if engine.KindOf(err) != engine.KindUnreadable || !token.Empty() || engine.CleanLine(said) != said || len(said) > 120 {
			t.Errorf("%q opens as %q, %q", stored, token.Reveal(), said)
		}
		return
	}
	if text := token.Reveal(); text == "" && stored != "" || strings.ContainsFunc(text, func(r rune) bool { return r < '!' || r > '~' }) {
		t.Errorf("%q opens as %q", stored, text)
	}
}

// An account's hash is written by others. Whatever it holds, what is shown of
// it is clean, its times are times, and its tokens are tokens or unreadable.
func FuzzAccount(f *testing.F) {
	s := &Store{keys: newKeyring(engine.NewSecret(testKey))}
	all := testPlatforms()
	type hash struct {
		id, name, status, message, refresh, expires, refreshed, used, proxy, scopes, client, organization, method, access, record string
		absent                                                                                                                    uint16
	}
	good := hash{id: "3f7c", name: "work", status: "active", expires: "1764064800000", refreshed: "2026-11-25T10:00:00.000Z", used: "2026-11-25T10:00:00Z",
		proxy: `{"type":"socks5","host":"h","port":1}`, scopes: "user:profile", client: "gemini-cli", organization: "org_1"}
	seeds := []hash{
		{}, {absent: 1<<15 - 1}, {id: "\x1b[2J\u202e", absent: 1}, {name: " \u2028\u202e\x00 ", id: "\u202e"}, {refresh: "plain", access: "plain:text", expires: "0"},
		{name: "\x1b]0;x\a\u202egpj\u2029", status: "\u009b31m", message: "a\r\nb\u2066", scopes: "\xff\u0000", client: "\x1b", organization: "\u202e", method: "API_KEY"},
		{name: strings.Repeat("帳", 300), status: strings.Repeat("\xff", 300), message: strings.Repeat("a", 5000), refresh: strings.Repeat("a", 5000)},
		{refresh: "tok\x1ben", access: "\u202e", record: "\xff"}, {refresh: ":", access: "00:00", record: strings.Repeat("\x00", 40)}, {refresh: "\xff:\xff", access: "\x00"},
	}
	for _, text := range []string{"1764064800000", "0", "-1", "253402300799999", "253402300800000", "9223372036854775808", "1e12", "NaN", "null", "1764064800.5", "٣",
		"2026-11-25T10:00:00+14:00", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59.999999999Z", "10000-01-01T00:00:00Z", "2026-11-25", "\x1b2026\u202e", "\u2028", "\xff"} {
		h := good
		h.expires, h.refreshed, h.used = text, text, text
		seeds = append(seeds, h)
	}
	for i, p := range all {
		h := good
		h.refresh, h.access = s.keys.encrypt(p, "refresh-token"), s.keys.encrypt(p, "access\u202e\ntoken")
		h.record = s.keys.sealRecord(p, h.id, engine.NewSecret("{}")).Stored()
		for _, h := range append([]hash{h}, seeds...) {
			f.Add(byte(i), h.id, h.name, h.status, h.message, h.refresh, h.expires, h.refreshed, h.used, h.proxy, h.scopes, h.client, h.organization, h.method,
				h.access, h.record, h.absent)
		}
	}
	f.Fuzz(func(t *testing.T, which byte, id, name, status, message, refresh, expires, refreshed, used, proxy, scopes, client, organization, method,
		access, record string, absent uint16) {
		p := all[int(which)%len(all)]
		var values []any
		there := false
		for i, text := range []string{name, "true", status, message, refresh, expires, refreshed, "", used, proxy, scopes, client, organization, method, access} {
			if absent>>i&1 == 1 {
				values = append(values, nil)
				continue
			}
			values, there = append(values, text), true
		}
		a, exists := s.account(p, id, values, record)
		if exists != there {
			t.Fatalf("of %q it exists: %v", values, exists)
		}
		if !exists {
			return
		}
		for field, text := range map[string]string{"name": a.Name, "status": a.StoreStatus, "error": a.StoreError, "scopes": a.Scopes} {
			if engine.CleanLine(text) != text || field == "name" && text == "" {
				t.Errorf("the %s is %q", field, text)
			}
		}
		if a.Problem != nil {
			if said := a.Problem.Error(); engine.KindOf(a.Problem) != engine.KindUnreadable || engine.CleanLine(said) != said {
				t.Errorf("the problem is %q", said)
			}
		}
		for field, at := range map[string]time.Time{"expiry": a.ExpiresAt, "last refresh": a.LastRefreshAt, "last use": a.LastUsedAt} {
			if year := at.UTC().Year(); !at.IsZero() && (year < 1970 || year > 9999) {
				t.Errorf("the %s is %v", field, at)
			}
		}
		token, err := a.RefreshToken.Open()
		mustBeToken(t, a.RefreshToken.Stored(), token, err)
		token, err = a.AccessToken.Open()
		mustBeToken(t, a.AccessToken.Stored(), token, err)
		if r, err := a.Record.Open(); err != nil && (engine.KindOf(err) != engine.KindUnreadable || !r.Empty()) {
			t.Errorf("the record opens as %q, %v", r.Reveal(), err)
		}
	})
}

// What is encrypted here is read again; what was not comes out as a token or
// not at all; and a sealed record cannot be altered or moved.
func FuzzCipher(f *testing.F) {
	keys := newKeyring(engine.NewSecret(testKey))
	all := testPlatforms()
	block := strings.Repeat("00", 16)
	for i, p := range all {
		sealed := keys.encrypt(p, "refresh-token")
		for _, text := range []string{
			"", ":", "refresh-token", "sixteen letters!", "\x1b[2J\u202e\u2028", "\xff\xfe", "\x00", "a\nb", "令牌", keys.emptySealed(p), strings.Repeat("a", 5000), strings.Repeat("\x10", 16), "NaN", `{"a":[{}]}`,
			sealed, strings.ToUpper(sealed), sealed + ":" + sealed, sealed[1:], sealed[:len(sealed)-1], sealed[:len(sealed)-32], "zz" + sealed[2:], sealed + "\n", sealed + block,
			block + ":" + block, block + ":", ":" + block, "00:" + block, block + ":\u202e", keys.encrypt(p, "a\u202e\nb"), keys.encrypt(p, "\xff"), "  ", "::::",
		} {
			f.Add(byte(i), text, "3f7c", uint(0), byte(1))
			f.Add(byte(i), text, "\x1b\u202e:", uint(len(text)), byte(0x80))
		}
	}
	f.Fuzz(func(t *testing.T, which byte, text, id string, place uint, flip byte) {
		if len(text) > 64<<10 {
			return
		}
		p := all[int(which)%len(all)]
		open := keys.opener(p)

		sealed := keys.encrypt(p, text)
		if text != "" {
			if got, err := keys.decrypt(p, sealed); err != nil || got != text {
				t.Errorf("%q comes back as %q, %v", text, got, err)
			}
			if keys.encrypt(p, text) == sealed {
				t.Errorf("%q is encrypted the same way twice", text)
			}
		} else if sealed != "" {
			t.Errorf("nothing is encrypted as %q", sealed)
		}
		for _, stored := range []string{text, sealed} {
			plain, err := keys.decrypt(p, stored)
			token, openErr := engine.Seal(stored, open).Open()
			mustBeToken(t, stored, token, openErr)
			if openErr == nil && stored != "" && (err != nil || plain != token.Reveal()) {
				t.Errorf("%q opens as %q, decrypts as %q, %v", stored, token.Reveal(), plain, err)
			}
			if err != nil && plain != "" {
				t.Errorf("%q decrypts as %q, %v", stored, plain, err)
			}
		}

		record := keys.sealRecord(p, id, engine.NewSecret(text))
		if got, err := record.Open(); err != nil || got.Reveal() != text {
			t.Errorf("the record %q comes back as %q, %v", text, got.Reveal(), err)
		}
		altered := []byte(record.Stored())
		altered[place%uint(len(altered))] ^= max(flip, 1)
		for what, s := range map[string]engine.Sealed{
			"altered":               keys.sealedRecord(p, id, string(altered)),
			"another account's":     keys.sealedRecord(p, id+"0", record.Stored()),
			"another platform's":    keys.sealedRecord(all[(int(which)+1)%len(all)], id, record.Stored()),
			"shorter":               keys.sealedRecord(p, id, record.Stored()[1:]),
			"no record, but a text": keys.sealedRecord(p, id, text+"x"),
		} {
			if got, err := s.Open(); engine.KindOf(err) != engine.KindUnreadable || !got.Empty() {
				t.Errorf("%s: opened as %q, %v", what, got.Reveal(), err)
			}
		}
	})
}
