package wiring

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"tokentray/engine/settings"
)

// Identity stands for all settings that decide which accounts are worked with,
// and how their tokens are exchanged: two processes with the same may answer
// for each other. When to refresh, and whom to tell, is no part of it. Secrets
// go into it, and only the hash of all leaves.
func Identity(s settings.Settings) string {
	type client struct{ ID, Secret string }
	of := struct {
		Database      string
		Redis         *settings.Redis // its password shows as redacted, and stands below
		Password, Key string
		TokenURLs     map[string]string
		Google        map[string]client
	}{Database: s.Paths.Database, Redis: s.Redis, TokenURLs: s.TokenURLs, Google: map[string]client{}}
	if s.Redis != nil { // else neither says anything
		of.Password, of.Key = s.Redis.Password.Reveal(), s.EncryptionKey.Reveal()
	}
	for name, c := range s.Google {
		of.Google[name] = client{c.ID, c.Secret.Reveal()}
	}
	text, err := json.Marshal(of) // with the maps' keys in order
	if err != nil {
		panic(err) // plain values
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
