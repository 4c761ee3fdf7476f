package wiring

import (
	"context"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// nodeProgram installs one of testdata's programs in bin/, once for every state of
// its files, and returns where.
func nodeProgram(t testing.TB, name string) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("testdata/%s cannot run: no %s here", name, program)
		}
	}
	source, sum := os.DirFS(filepath.Join("testdata", name)), crc32.NewIEEE()
	files, err := fs.ReadDir(source, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(source, file.Name())
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(text)
	}
	bin, err := filepath.Abs("../../../bin")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(bin, fmt.Sprintf("node-%s-%08x", name, sum.Sum32()))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}

	if err := os.MkdirAll(bin, 0o777); err != nil {
		t.Fatal(err)
	}
	unfinished, err := os.MkdirTemp(bin, "node-"+name+"-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(unfinished) })
	if err := os.CopyFS(unfinished, source); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1")
	npm.Dir, npm.WaitDelay = unfinished, time.Second
	if out, err := npm.CombinedOutput(); err != nil {
		t.Skipf("testdata/%s cannot run, as npm does not install what it needs (%v):\n%s", name, err, out)
	}
	if err := os.Rename(unfinished, dir); err != nil {
		if _, there := os.Stat(dir); there != nil { // else another test was faster
			t.Fatal(err)
		}
	}
	return dir
}
