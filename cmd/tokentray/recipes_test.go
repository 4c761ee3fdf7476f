package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tokentray/engine"
)

// Each recipe asks for the account that it was made for, whatever its name, as a
// shell has it.
func TestRecipesNameTheAccount(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell here")
	}
	bin := t.TempDir()
	// It says what it was asked for, as one word a line.
	if err := os.WriteFile(filepath.Join(bin, "tokentrayctl"), []byte("#!/bin/sh\nprintf '%s\\n' \"$@\" >"+filepath.Join(bin, "asked")+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "curl"), []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"work", "团队账户", "a b", "it's", `"$HOME" \ ; rm`, "`id`", "-n", "--json"} {
		for _, provider := range []string{engine.Claude, engine.Gemini, engine.OpenAI, engine.Droid, engine.Generic} {
			for _, recipe := range recipes(engine.View{Account: engine.Account{Key: engine.Key{Provider: provider}, Name: name}}) {
				command := recipe.Text
				if strings.HasPrefix(command, "{") {
					var file struct{ APIKeyHelper string }
					if err := json.Unmarshal([]byte(command), &file); err != nil {
						t.Fatalf("%s for %q: %v in %s", recipe.Title, name, err, command)
					}
					command = file.APIKeyHelper
				}
				run := exec.Command(shell, "-c", command)
				run.Env = []string{"PATH=" + bin, "HOME=/nowhere"}
				if out, err := run.CombinedOutput(); err != nil {
					t.Fatalf("%s for %q: %v: %s\n%s", recipe.Title, name, err, out, command)
				}
				asked, err := os.ReadFile(filepath.Join(bin, "asked"))
				if err != nil {
					t.Fatal(err)
				}
				words := strings.Split(strings.TrimSuffix(string(asked), "\n"), "\n")
				if strings.Contains(command, "status") {
					continue // it is about all
				}
				if words[0] != "token" || words[len(words)-1] != name || len(words) > 3 || len(words) == 3 && words[1] != "--" {
					t.Errorf("%s for %q asks for %q", recipe.Title, name, words)
				}
				if strings.HasPrefix(name, "-") != (len(words) == 3) {
					t.Errorf("%s: %q would be taken for a flag: %q", recipe.Title, name, words)
				}
			}
		}
	}
}
