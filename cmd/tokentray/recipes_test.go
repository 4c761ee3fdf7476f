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
	bin, asked := t.TempDir(), filepath.Join(t.TempDir(), "asked")
	for name, does := range map[string]string{"tokentrayctl": "printf '%s\\n' \"$@\" >" + asked, "curl": ""} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+does+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
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
				os.Remove(asked)
				run := exec.Command(shell, "-c", command)
				run.Env = []string{"PATH=" + bin, "HOME=/nowhere"}
				if out, err := run.CombinedOutput(); err != nil {
					t.Fatalf("%s for %q: %v: %s\n%s", recipe.Title, name, err, out, command)
				}
				got, _ := os.ReadFile(asked)
				want := "token\n" + name + "\n"
				if strings.HasPrefix(name, "-") { // else it would be taken for a flag
					want = "token\n--\n" + name + "\n"
				}
				if recipe.Title == "A status bar" { // it is about all
					want = "status\n--short\n"
				}
				if string(got) != want {
					t.Errorf("%s for %q asks for %q, not %q", recipe.Title, name, got, want)
				}
			}
		}
	}
}
