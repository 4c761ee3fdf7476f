package relay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"tokentray/engine"
)

// maxFile bounds a file of a relay's accounts, in bytes.
const maxFile = 64 << 20

// lists are what the relay's export scripts call the accounts of a platform.
var lists = map[string]string{
	"claudeAccounts": engine.Claude, "geminiAccounts": engine.Gemini, "openaiAccounts": engine.OpenAI, "droidAccounts": engine.Droid,
}

// ReadJSON reads a relay's accounts from a file:
//   - the export of its scripts/data-transfer.js or data-transfer-enhanced.js,
//     {"metadata": …, "data": {"claudeAccounts": [hash, …], …}};
//   - a dump of its keys, {"keys": {"claude:account:ID": hash, …}}, or those
//     keys alone.
//
// Tokens are encrypted under encryptionKey (where that is empty, under the
// "encryptionKey" of a dump) or plain. Accounts that cannot be used are left
// out, each with an error of KindUnreadable that names it, joined, beside the
// others. Any other error is of KindSettings. An expiry that is no time counts
// as none.
func ReadJSON(r io.Reader, encryptionKey engine.Secret) ([]engine.NewAccount, error) {
	return readJSON(r, encryptionKey, newKeyring)
}

func readJSON(r io.Reader, encryptionKey engine.Secret, keyringOf func(engine.Secret) keyring) ([]engine.NewAccount, error) {
	file, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("the file could not be read: %w", err)
	}
	if len(file) > maxFile {
		return nil, refuse("the file is larger than %d MiB: export the accounts alone (--types=accounts)", maxFile>>20)
	}
	found, ownKey, err := findHashes(file)
	if err != nil {
		return nil, err
	}
	if encryptionKey.Empty() {
		encryptionKey = ownKey
	}
	reader := fileReader{keys: keyringOf(encryptionKey), hasKey: !encryptionKey.Empty()}
	var accounts []engine.NewAccount
	var problems []error
	shut := 0
	for _, h := range found {
		n, err := reader.account(h)
		if err == nil {
			accounts = append(accounts, n)
			continue
		}
		if errors.Is(err, errShut) {
			shut++
		}
		problems = append(problems, unreadable(fmt.Sprintf("%s account %s is left out", engine.ProviderTitle(h.provider), h.name()), err))
	}
	if len(accounts) == 0 && shut == len(problems) {
		if !reader.hasKey {
			return nil, refuse("the tokens in the file are encrypted: give the ENCRYPTION_KEY of the relay that it is from")
		}
		return nil, refuse("no account of the file can be decrypted: give the ENCRYPTION_KEY of the relay that it is from")
	}
	return accounts, errors.Join(problems...)
}

func refuse(format string, args ...any) error {
	return engine.Errorf(engine.KindSettings, fmt.Sprintf(format, args...), nil)
}

// foundHash is an account as the file has it.
type foundHash struct {
	platform
	id     string // "" where the file has none but the hash's own
	fields map[string]json.RawMessage
}

func (h foundHash) name() string {
	for _, text := range []string{h.text("name"), h.id, h.text("id")} {
		if text = engine.Clean(text); text != "" {
			return text
		}
	}
	return "(unnamed)"
}

// text is a field as Redis has it, all of which is text: an export may have
// read JSON out of it.
func (h foundHash) text(field string) string { return plainText(h.fields[field]) }

func plainText(raw json.RawMessage) string {
	var text string
	var many []string
	switch raw = bytes.TrimSpace(raw); {
	case len(raw) == 0 || string(raw) == "null":
		return ""
	case json.Unmarshal(raw, &text) == nil:
		return text
	case json.Unmarshal(raw, &many) == nil:
		return strings.Join(many, " ")
	}
	return string(raw)
}

// findHashes tells the forms apart. What is no account is read over.
func findHashes(file []byte) (found []foundHash, encryptionKey engine.Secret, err error) {
	foreign := refuse("the file has no accounts of a relay: give the export of its scripts/data-transfer-enhanced.js, or a dump of its keys, as JSON")
	var top map[string]json.RawMessage
	if json.Unmarshal(bytes.TrimPrefix(file, []byte("\ufeff")), &top) != nil {
		return nil, encryptionKey, foreign
	}
	if raw, ok := top["data"]; ok {
		var data map[string]json.RawMessage
		if json.Unmarshal(raw, &data) != nil {
			return nil, encryptionKey, foreign
		}
		for _, list := range slices.Sorted(maps.Keys(lists)) {
			var hashes []map[string]json.RawMessage
			if raw, ok := data[list]; ok && json.Unmarshal(raw, &hashes) != nil {
				return nil, encryptionKey, refuse("%s in the file is no list of accounts: export them once more", list)
			}
			for _, fields := range hashes {
				found = append(found, foundHash{platform: platforms[lists[list]], fields: fields})
			}
		}
	} else {
		keys := top
		if raw, ok := top["keys"]; ok {
			keys = nil
			if json.Unmarshal(raw, &keys) != nil {
				return nil, encryptionKey, foreign
			}
			encryptionKey = engine.NewSecret(plainText(top["encryptionKey"]))
		}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			for _, p := range platforms {
				var fields map[string]json.RawMessage
				if id, ok := strings.CutPrefix(key, p.prefix); ok && json.Unmarshal(keys[key], &fields) == nil && len(fields) > 0 {
					found = append(found, foundHash{p, id, fields})
				}
			}
		}
	}
	if len(found) == 0 {
		return nil, encryptionKey, foreign
	}
	return found, encryptionKey, nil
}
