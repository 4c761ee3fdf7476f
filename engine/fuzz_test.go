package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// A record from a store or a journal is another's text: whatever it is, what
// comes of it keeps the rules of a Record, and is read again as it was written.
func FuzzRecord(f *testing.F) {
	known := line(early, "a", "b", "c")
	f.Add(known.Encode().Reveal())
	known.Sent, known.Dead = Sending{Token: fp("c"), Sends: 1, ID: "id"}, Verdict{Token: fp("b"), Code: "invalid_grant", At: early}
	known.Failure = Failure{Token: fp("c"), Kind: KindTransient, Message: "\x1b[2J\u202e", Failures: 3, At: early}
	known.Unsaved, known.Seen, known.Settled, known.Exchanged, known.Restored = true, early, "id", early, 2
	f.Add(known.Encode().Reveal())
	var many []string
	for i := range 40 {
		many = append(many, fmt.Sprintf("%q", strings.Repeat(fmt.Sprintf("%02x", i), 32)))
	}
	f.Add(`{"head":` + many[39] + `,"used":[` + strings.Join(many, ",") + `]}`)
	f.Add(`{"head":` + many[1] + `,"used":[` + many[1] + `,` + many[1] + `]}`)
	for _, text := range []string{
		"", "null", "{}", `{"newest":{"scope":"` + strings.Repeat("<", maxRecord/2) + `"}}`, "[]", "{", `"record"`, "\xff", `{"head":null}`, `{"head":"00"}`, `{"head":"zz"}`, `{"used":["",null]}`,
		`{"newest":{"refresh":"not the head's"}}`, `{"newest":{"access":"\u0000\u001b[2J\u202e\u2028\ud800"}}`, "{\"settled\":\"\xff\"}",
		`{"restored":-1,"sent":{"sends":9223372036854775807}}`, `{"restored":1e400}`, `{"restored":NaN}`, `{"failure":{"kind":256}}`,
		`{"seen":"0000-01-01T00:00:00+23:59"}`, `{"seen":"9999-12-31T23:59:59.999999999-23:59"}`, `{"seen":"10000-01-01T00:00:00Z"}`, `{"seen":"9999-12-31T23:59:59.999999999-24:59"}`, `{"seen":"2026-01-01T00:00:00+24:59"}`,
		`{"seen":"0001-01-01T01:00:00+01:00"}`, `{"newest_at":1764064800}`, strings.Repeat(`{"sent":`, 20_000), strings.Repeat("[", 20_000),
		strings.Repeat(" ", maxRecord), strings.Repeat(" ", maxRecord+1),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := DecodeRecord(NewSecret(text))
		if err != nil {
			if !slices.Contains([]string{"the record cannot be read", "the record contradicts itself", "the record is longer than 524288 bytes"},
				err.Error()) {
				t.Errorf("the error is %q", err)
			}
			if !r.same(Record{}) || r.Newest != (Token{}) {
				t.Errorf("beside an error came %+v", r)
			}
			return
		}
		if len(text) > maxRecord {
			t.Errorf("%d bytes were read", len(text))
		}
		if len(r.Used) > usedUpLimit {
			t.Errorf("%d tokens are used up", len(r.Used))
		}
		if slices.Contains(r.Used, r.Head) {
			t.Error("the newest token is used up")
		}
		if newest := r.Newest.RefreshToken; !newest.Empty() && newest.Fingerprint() != r.Head {
			t.Error("the newest token is not the one that is said to be")
		}
		for _, at := range []time.Time{r.NewestAt, r.Newest.ExpiresAt, r.RefreshedAt, r.Seen, r.Exchanged, r.Dead.At, r.Failure.At, r.Failure.RetryAt} {
			if at.Year() < 0 || at.Year() > 9999 {
				t.Errorf("the time %v cannot be encoded", at)
			}
		}
		encoded := r.Encode()
		if len(encoded.Reveal()) > maxRecord { // by its escapes: its tokens are longer than a provider's can be
			return
		}
		again, err := DecodeRecord(encoded)
		if err != nil {
			t.Fatalf("encoded again: %v", err)
		}
		if !again.same(r) || again.Encode() != encoded {
			t.Errorf("encoded again it is %+v, not %+v", again, r)
		}
	})
}

// unsafe reports whether a character may end a line, steer a terminal or turn
// the direction of what follows.
func unsafe(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
}

// Text from outside is harmless once it is clean, and clean for good.
func FuzzClean(f *testing.F) {
	for _, text := range []string{
		"", " ", "work", "a\u061cb", strings.Repeat("a", 199) + " b", "Büro 帳戶 🙂", " a\tb\r\nc ", "\x1b]0;title\a\x1b[31mred", "\x00\x7f", "\u0085\u009b31m", "pay\u202e gpj.exe",
		"\u2066a\u2069\u200e\u200f\u202a\u202b\u202c\u202d", "a\u2028b\u2029c", "\ufeffname", "a\u200db", "\ud7ff\ue000\U0010ffff",
		"\xff", "a\xc3", "\xed\xa0\x80", "\xf0\x9f\x98", "\xc0\x80", "\u0085 \u202e \u2028", "\u00a0\u3000wide\u2003",
		strings.Repeat("a", 200), strings.Repeat("a", 201), strings.Repeat("帳", 201), strings.Repeat("\u202e", 500),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		clean, line := Clean(text), CleanLine(text)
		for name, got := range map[string]string{"Clean": clean, "CleanLine": line} {
			if !utf8.ValidString(got) || strings.ContainsFunc(got, unsafe) || strings.TrimSpace(got) != got {
				t.Errorf("%s leaves %q", name, got)
			}
			if CleanLine(got) != got || Clean(got) != Clean(clean) {
				t.Errorf("%s of its own %q is another text", name, got)
			}
		}
		if utf8.RuneCountInString(clean) > 200 || !strings.HasPrefix(line, clean) {
			t.Errorf("Clean gives %q of %q", clean, line)
		}
		if utf8.ValidString(text) && !strings.ContainsFunc(text, unsafe) && line != strings.TrimSpace(text) {
			t.Errorf("harmless %q became %q", text, line)
		}
	})
}
