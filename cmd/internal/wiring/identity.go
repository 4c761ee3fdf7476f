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
		Relays        []string // each with its secrets
		Home          string
		ToolFolders   map[string]string
	}{Database: s.Paths.Database, Redis: s.Redis, TokenURLs: s.TokenURLs, Google: map[string]client{}, Home: s.Home, ToolFolders: s.ToolFolders}
	if s.Redis != nil { // else neither says anything
		of.Password, of.Key = s.Redis.Password.Reveal(), s.EncryptionKey.Reveal()
	}
	for name, c := range s.Google {
		of.Google[name] = client{c.ID, c.Secret.Reveal()}
	}
	for _, r := range s.Relays {
		redis, _ := json.Marshal(r.Redis)
		of.Relays = append(of.Relays, r.Name, string(redis), r.Redis.Password.Reveal(), r.EncryptionKey.Reveal())
	}
	text, err := json.Marshal(of) // with the maps' keys in order
	if err != nil {
		panic(err) // plain values
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
