//go:build !windows

package logins

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
)

// fakeSecurity is a program that keeps items in files as macOS's security
// does, and notes how it was called.
const fakeSecurity = `#!/bin/sh
dir=$(dirname "$0")
echo "$*" >>"$dir/calls"
[ -e "$dir/locked" ] && { echo "User interaction is not allowed: $(cat "$dir/item")" >&2; exit 36; }
case $1 in
find-generic-password)
	[ "$*" = 'find-generic-password -a me -s Claude Code-credentials -w' ] || exit 2
	[ -e "$dir/item" ] || exit 44
	cat "$dir/item"; echo ;;
-i)
	read -r line
	[ -e "$dir/deaf" ] && exit 0
	hex=${line##* }
	[ "${line% *}" = 'add-generic-password -U -a "me" -s "Claude Code-credentials" -X' ] || exit 2
	printf "$(echo "$hex" | sed 's/../\\x&/g')" >"$dir/item" ;;
*) exit 2 ;;
esac
`

// keychainStore has its Claude Code login in a fake keychain.
func keychainStore(t *testing.T) (s *Store, dir string) {
	t.Helper()
	dir = t.TempDir()
	program := filepath.Join(dir, "security")
	if err := os.WriteFile(program, []byte(strings.Replace(fakeSecurity, "/bin/sh", "/bin/bash", 1)), 0o700); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, ".claude")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Config{LockDir: filepath.Join(dir, "locks")})
	if err != nil {
		t.Fatal(err)
	}
	s.spots = spots([]Place{{claudeCode, keychainPrefix + keychainItem, folder}}, func(item string) vault { return keychain{program, "me", item} })
	return s, dir
}

func TestKeychain(t *testing.T) {
	s, dir := keychainStore(t)
	key := engine.Key{Provider: engine.Claude, ID: "keychain:Claude Code-credentials"}
	if listing, err := s.List(t.Context()); err != nil || len(listing.Accounts) > 0 {
		t.Fatal(listing, err)
	}
	if _, err := s.Load(t.Context(), key); engine.KindOf(err) != engine.KindNotFound {
		t.Fatal(err)
	}
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "item"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(textOf(claudeCode, "secret-r", "secret-a", before, ""))
	a, err := s.Load(t.Context(), key)
	if err != nil || a.Problem != nil || a.Name != claudeCode || a.RefreshToken.Stored() != "secret-r" {
		t.Fatal(a, err)
	}
	for _, change := range []engine.Change{{Record: engine.NewSecret("intent")},
		{Token: engine.Token{RefreshToken: engine.NewSecret("secret-R"), AccessToken: engine.NewSecret("secret-A"), ExpiresAt: after}}} {
		if _, err := s.Write(t.Context(), a, change); err != nil {
			t.Fatal(err)
		}
	}
	if text, _ := os.ReadFile(filepath.Join(dir, "item")); string(text) != textOf(claudeCode, "secret-R", "secret-A", after, "") {
		t.Errorf("now %s", text)
	}
	if _, err := s.Write(t.Context(), a, engine.Change{}); engine.KindOf(err) != engine.KindConflict {
		t.Error(err)
	}
	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil || strings.Contains(string(calls), "secret") || strings.Contains(string(calls), "736563726574") {
		t.Errorf("called as %s, %v", calls, err)
	}

	// security prints a text with a letter beyond ASCII in hexadecimal.
	put(fmt.Sprintf("%x", `{"claudeAiOauth":{"refreshToken":"r","é":1}}`))
	if a, err = s.Load(t.Context(), key); err != nil || a.RefreshToken.Stored() != "r" {
		t.Error(a.Problem, err)
	}
	// A write that security does not make is told.
	os.WriteFile(filepath.Join(dir, "deaf"), nil, 0o600)
	if _, err := s.Write(t.Context(), a, engine.Change{Token: engine.Token{RefreshToken: engine.NewSecret("R")}}); engine.KindOf(err) != engine.KindTransient {
		t.Error(err)
	}
	// An item that could not be written is told before a token is sent.
	put(`{"claudeAiOauth":{"refreshToken":"r"},"x":"` + strings.Repeat("x", 2000) + `"}`)
	if _, err := s.Write(t.Context(), a, engine.Change{}); engine.KindOf(err) != engine.KindUnreadable || !strings.Contains(err.Error(), "longer") {
		t.Error(err)
	}
	// What security says may have the item in it.
	put("secret")
	os.WriteFile(filepath.Join(dir, "locked"), nil, 0o600)
	listing, err := s.List(t.Context())
	if err != nil || len(listing.Accounts) != 1 {
		t.Fatal(listing, err)
	}
	if said := fmt.Sprint(listing.Accounts[0].Problem); !strings.Contains(said, "unlock the keychain") || strings.Contains(said, "secret") {
		t.Error(said)
	}
}

// Nothing tells of a change in the keychain: it is looked at.
func TestWatchKeychain(t *testing.T) {
	s, dir := keychainStore(t)
	s.pollEvery = 50 * time.Millisecond
	w := watching(t, s)
	if err := os.WriteFile(filepath.Join(dir, "item"), []byte(`{"claudeAiOauth":{"refreshToken":"r"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	w.expect(t, "a sign-in")
	n := w.count()
	if w.settle(); w.count() != n {
		t.Error("told of nothing")
	}
}

func TestKeychainCommand(t *testing.T) {
	for _, k := range []keychain{{account: "a\" -x", item: "i"}, {account: "a\n", item: "i"}, {account: "a", item: `\`}} {
		if _, err := k.command([]byte("{}")); err != oddItem {
			t.Errorf("%q: %v", k, err)
		}
	}
}
