package relay

import (
	"maps"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tokentray/engine"
	"tokentray/engine/store/relay/redistest"
)

// Every token that the relay encrypted is read, and what is written here
// decrypts with Node's crypto as the relay does it.
func TestCipherAgainstTheRelay(t *testing.T) {
	dump := redistest.Relay(t)
	keys := newKeyring(engine.NewSecret(dump.EncryptionKey))
	for _, plain := range dump.Plain {
		p := platforms[plain.Platform]
		hash := dump.Hash(t, p.hashKey(plain.ID))
		for field, want := range map[string]string{"accessToken": plain.AccessToken, "refreshToken": plain.RefreshToken} {
			got, err := engine.Seal(hash[field], keys.opener(p)).Open()
			if err != nil || got.Reveal() != want {
				t.Errorf("%s %s: %q, %v; want %q", plain.Name, field, got.Reveal(), err, want)
			}
		}
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node here to decrypt with")
	}
	for _, name := range slices.Sorted(maps.Keys(platforms)) {
		p := platforms[name]
		for _, want := range []string{"x", "sixteen letters!", "sk-ant-ort01-" + strings.Repeat("a", 300)} {
			out, err := exec.Command(node, "-e", nodeDecrypt, dump.EncryptionKey, p.salt, keys.encrypt(p, want)).CombinedOutput()
			if err != nil || string(out) != want {
				t.Errorf("%s: node reads %q, %v; want %q", name, out, err, want)
			}
		}
	}
}

const nodeDecrypt = `
const crypto = require('crypto');
const [key, salt, text] = process.argv.slice(1);
const [iv, data] = text.split(':');
const d = crypto.createDecipheriv('aes-256-cbc', crypto.scryptSync(key, salt, 32), Buffer.from(iv, 'hex'));
process.stdout.write(d.update(data, 'hex', 'utf8') + d.final('utf8'));`

func TestCipherRefuses(t *testing.T) {
	right, wrong := newKeyring(engine.NewSecret(testKey)), newKeyring(engine.NewSecret("another key"))
	claude, gemini := platforms[engine.Claude], platforms[engine.Gemini]
	sealed := right.encrypt(claude, "refresh-token")
	for name, text := range map[string]string{
		"plain text": "refresh-token", "no iv": ":" + strings.Repeat("00", 16), "short iv": "00:" + strings.Repeat("00", 16),
		"odd length": sealed[:len(sealed)-2], "not hex": "zz" + sealed[2:], "no data": strings.Repeat("00", 16) + ":",
		"huge": strings.Repeat("a", maxSealed+1),
	} {
		if _, err := right.opener(claude)(text); engine.KindOf(err) != engine.KindUnreadable {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := right.opener(gemini)("plain-token"); err != nil || got.Reveal() != "plain-token" {
		t.Errorf("an old import's plain text: %v", err)
	}
	// One wrong key in some 256 pads well: it must be told all the same.
	for i := range 2000 {
		if _, err := wrong.opener(claude)(right.encrypt(claude, "refresh-token-"+strconv.Itoa(i))); err == nil {
			t.Fatal("a wrong key gave a token")
		}
	}
	record := right.sealRecord(claude, "id", engine.NewSecret("record"))
	if got, err := record.Open(); err != nil || got.Reveal() != "record" {
		t.Errorf("record: %q, %v", got.Reveal(), err)
	}
	for what, s := range map[string]engine.Sealed{
		"a wrong key": wrong.sealedRecord(claude, "id", record.Stored()), "another account": right.sealedRecord(claude, "other", record.Stored()),
		"a damaged one": right.sealedRecord(claude, "id", record.Stored()[1:]),
	} {
		if got, err := s.Open(); engine.KindOf(err) != engine.KindUnreadable || !got.Empty() {
			t.Errorf("%s opened a record: %v", what, err)
		}
	}
}
