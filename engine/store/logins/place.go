package logins

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"tokentray/engine"
)

// keychainPrefix begins the Path of an item of the macOS keychain.
const keychainPrefix = "keychain:"

// keychainItem is the item that Claude Code keeps its login in.
const keychainItem = "Claude Code-credentials"

// Place is where a tool keeps its login. Nothing need be there yet.
type Place struct {
	Tool string // "claude-code", "gemini-cli" or "codex"
	// Path is the file's absolute path, or "keychain:" and the item's name.
	Path string
	// Folder is the tool's folder, in which its own locks lie.
	Folder string
}

// Find returns the places where the tools of a user with that home folder keep
// their logins, as the environment has it.
func Find(home string, getenv func(string) string) []Place { return find(runtime.GOOS, home, getenv) }

func find(system, home string, getenv func(string) string) []Place {
	var places []Place
	for _, f := range formats {
		folders := []string{filepath.Join(home, f.folder)}
		if own := getenv(f.env); own != "" {
			if f.tool == geminiCLI { // its variable names the home folder
				own = filepath.Join(own, f.folder)
			}
			if own, err := filepath.Abs(own); err == nil && own != folders[0] {
				folders = append(folders, own)
			}
		}
		for i, folder := range folders {
			if f.tool == claudeCode && system == "darwin" {
				item := keychainItem
				if i > 0 { // with a folder of its own the tool has an item of its own
					sum := sha256.Sum256([]byte(getenv(f.env)))
					item += "-" + hex.EncodeToString(sum[:4])
				}
				places = append(places, Place{f.tool, keychainPrefix + item, folder})
			}
			places = append(places, Place{f.tool, filepath.Join(folder, f.file), folder})
		}
	}
	return places
}

// spot is a place with all that is known of it.
type spot struct {
	Place
	format format
	key    engine.Key
	name   string
	vault  vault
}

// spots gives each place its account. The first of a tool is named as the
// tool is; others by their folder too.
func spots(places []Place, keychain func(item string) vault) []spot {
	var all []spot
	for _, p := range places {
		f, ok := formatOf(p.Tool)
		if !ok || slices.ContainsFunc(all, func(s spot) bool { return s.Path == p.Path }) {
			continue
		}
		s := spot{Place: p, format: f, key: engine.Key{Provider: f.provider, ID: p.Path}, name: f.tool, vault: file(p.Path)}
		item, inKeychain := strings.CutPrefix(p.Path, keychainPrefix)
		if inKeychain {
			s.vault = keychain(item)
		}
		if slices.ContainsFunc(all, func(s spot) bool { return s.Tool == p.Tool }) {
			s.name += " " + engine.Clean(filepath.Base(p.Folder))
			if inKeychain {
				s.name += " keychain"
			}
		}
		all = append(all, s)
	}
	return all
}
