package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// recipe is one code block of docs/CREDENTIAL-HELPER.md, and what the comment
// before it says of it.
type recipe struct{ must, language, code string }

var recipes = regexp.MustCompile("(?s)(?:<!-- ([^\n]*?) ?-->\n)?```([a-z]+)\n(.*?)```\n")

// command is what the block has another program run.
func (r recipe) command(t *testing.T) string {
	find := func(re string) string {
		found := regexp.MustCompile(re).FindStringSubmatch(r.code)
		if found == nil {
			t.Fatalf("no command in\n%s", r.code)
		}
		return found[1]
	}
	switch r.language {
	case "bash":
		return r.code
	case "ini":
		return find(`(?m)^(?:exec = |ExecStart=)(.*)$`)
	case "tmux":
		return find(`#\((.*)\)`)
	case "cron":
		return find(`(?m)^(?:\S+ ){5}(.*?)(?: >/dev/null)?$`)
	case "json":
		var file struct {
			APIKeyHelper string                `json:"apiKeyHelper"`
			Module       struct{ Exec string } `json:"custom/tokentray"`
		}
		if err := json.Unmarshal([]byte(r.code), &file); err != nil {
			t.Fatal(err)
		}
		return file.APIKeyHelper + file.Module.Exec
	}
	t.Fatalf("a block of %s, which is not run", r.language)
	return ""
}

// TestCredentialHelper runs every recipe as it stands in the document.
func TestCredentialHelper(t *testing.T) {
	document, err := os.ReadFile("../../docs/CREDENTIAL-HELPER.md")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	bin := filepath.Join(home, ".local", "bin")
	program, err := exec.LookPath("tokentrayctl")
	if err == nil {
		err = os.MkdirAll(bin, 0o755)
	}
	if err == nil {
		err = os.Symlink(program, filepath.Join(bin, "tokentrayctl"))
	}
	// In the place of programs that would go out: they tell what they were given.
	for name, script := range map[string]string{"curl": "echo curl \"$@\"\n[ \"$1\" != --config ] || cat", "claude": "env"} {
		if err == nil {
			err = os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	shell := func(ctx context.Context, command string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "sh", "-eu", "-c", command)
		cmd.Env = []string{"HOME=" + home, "PATH=" + bin + ":" + os.Getenv("PATH"), "TOKENTRAY_HOME=" + filepath.Join(home, "data")}
		return cmd
	}
	for name, provider := range map[string]string{"work": "claude", "codex": "openai"} {
		add := shell(t.Context(), "tokentrayctl add --provider "+provider+" --name "+name)
		add.Stdin = strings.NewReader(`{"access_token":"access-of-` + name + `","expires_at":"2099-01-01T00:00:00Z"}`)
		if out, err := add.CombinedOutput(); err != nil {
			t.Fatalf("%s, %v", out, err)
		}
	}
	found := recipes.FindAllStringSubmatch(string(document), -1)
	if blocks := strings.Count(string(document), "\n```") / 2; len(found) != blocks || blocks == 0 {
		t.Fatalf("%d of %d blocks are understood", len(found), blocks)
	}
	for _, block := range found {
		r := recipe{block[1], block[2], block[3]}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if r.must == "starts" {
			starts(t, shell(ctx, "exec "+strings.ReplaceAll(r.command(t), "%h", home)))
			continue
		}
		want, ok := strings.CutPrefix(r.must, "prints:")
		if !ok {
			t.Errorf("the document does not say what this must do:\n%s", r.code)
			continue
		}
		if _, err := exec.LookPath("jq"); err != nil && strings.Contains(r.code, "| jq") {
			t.Log("no jq here: one recipe is not run")
			continue
		}
		out, err := shell(ctx, r.command(t)).CombinedOutput()
		if err != nil || !regexp.MustCompile("(?m)"+strings.TrimSpace(want)).Match(out) {
			t.Errorf("%s\nprints %q, %v", r.code, out, err)
		}
		if strings.TrimSpace(want) == "" && len(out) > 0 {
			t.Errorf("%s\nprints %q", r.code, out)
		}
	}
}

// starts lets a service begin, and end when it is asked to.
func starts(t *testing.T, cmd *exec.Cmd) {
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "Proactive token refresh is off") {
			cmd.Process.Signal(os.Interrupt)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s%v", &said, err)
	}
}
