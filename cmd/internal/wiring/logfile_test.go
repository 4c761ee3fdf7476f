package wiring

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Several processes write one log through its rotations: no line is lost or
// written over.
func TestLogFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "tokentray.log")
	var wg sync.WaitGroup
	const writers, lines = 4, 300
	for w := range writers {
		wg.Go(func() {
			l, err := openLogFile(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer l.Close()
			for i := range lines {
				if _, err := fmt.Fprintf(l, "writer %d line %d %s\n", w, i, strings.Repeat("x", 10000)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	files, _ := filepath.Glob(path + "*")
	seen := map[string]bool{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > logLimit+writers*11000 {
			t.Errorf("%s has %d bytes", f, len(text))
		}
		for line := range bytes.Lines(text) {
			seen[string(line)] = true
		}
		if info, err := os.Stat(f); err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", f, info.Mode())
		}
	}
	if len(seen) != writers*lines {
		t.Errorf("%d lines of %d, in %d files", len(seen), writers*lines, len(files))
	}
}
