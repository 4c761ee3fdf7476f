package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// transcriptKey names the file that has all that the commands of a script wrote,
// but the one line of token.
const transcriptKey = "TRANSCRIPT"

// planted are the secrets of the scripts: tokens of the dump and of the strict
// provider, codes, passwords, keys and passphrases.
var planted = regexp.MustCompile(`fixture-(access|refresh)|\b(access|refresh|id|code)-[A-Z2-7]{20,}|planted-|sk-ant-o|ya29\.|hook-secret|s3cret\+100|strict-google|tokentray-fixture-key`)

// transcribed is main, with what it writes noted down too.
func transcribed() {
	file := os.Getenv(transcriptKey)
	if file == "" {
		main()
	}
	transcript, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	var copying sync.WaitGroup
	note := func(to **os.File, also io.Writer) (end func()) {
		out := *to
		r, w, err := os.Pipe()
		if err != nil {
			panic(err)
		}
		*to = w
		copying.Go(func() {
			io.Copy(io.MultiWriter(also, out), r)
			r.Close() // nobody reads any more: let that be felt
		})
		return func() { w.Close() }
	}
	var told io.Writer = transcript
	if slices.Contains(os.Args, "token") {
		told = io.Discard
	}
	endOut, endErr := note(&os.Stdout, told), note(&os.Stderr, transcript)
	code := interruptible(os.Args[1:])
	endOut()
	endErr()
	copying.Wait()
	os.Exit(code)
}

// checkSecrets looks for planted secrets in all that a script's commands wrote,
// and in the logs.
func checkSecrets(env *testscript.Env) error {
	return filepath.WalkDir(env.WorkDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() != "transcript" && !strings.Contains(entry.Name(), "tokentray.log") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			if planted.MatchString(line) {
				return fmt.Errorf("a secret is shown in %s: %s", entry.Name(), line)
			}
		}
		return nil
	})
}
