package ownfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tokentray/cmd/internal/ownfile"
)

func TestOursIsMadeRepairedAndRemoved(t *testing.T) {
	f := ownfile.File{Path: filepath.Join(t.TempDir(), "not", "yet", "there"), Text: "X-Tokentray=true\nnew\n"}
	is(t, f, ownfile.Absent)
	writes(t, f, true)
	is(t, f, ownfile.Current)
	writes(t, f, false)

	older := ownfile.File{Path: f.Path, Text: "X-Tokentray=true\nold\n"}
	writes(t, older, true)
	is(t, f, ownfile.Stale)
	writes(t, f, true)
	is(t, f, ownfile.Current)

	for _, there := range []bool{true, false} {
		if removed, err := older.Remove(); removed != there || err != nil {
			t.Errorf("removed: %v, %v; want %v", removed, err, there)
		}
	}
	if left, _ := os.ReadDir(filepath.Dir(f.Path)); len(left) != 0 {
		t.Errorf("it left %v", left)
	}
}

func TestAnothersStays(t *testing.T) {
	f := ownfile.File{Path: filepath.Join(t.TempDir(), "theirs"), Text: "X-Tokentray=true\n"}
	if err := os.WriteFile(f.Path, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	is(t, f, ownfile.Foreign)
	_, written := f.Write()
	_, removed := f.Remove()
	for _, err := range []error{written, removed} {
		if err == nil || !strings.Contains(err.Error(), f.Path+" was not made by Tokentray") {
			t.Errorf("it says %v", err)
		}
	}
	if text, _ := os.ReadFile(f.Path); string(text) != "theirs" {
		t.Errorf("it holds %q", text)
	}
}

func TestWhatCannotBeReadIsNotWritten(t *testing.T) {
	f := ownfile.File{Path: t.TempDir(), Text: "X-Tokentray=true\n"} // a folder
	if _, err := f.State(); err == nil {
		t.Error("a folder is taken for a file")
	}
	if wrote, err := f.Write(); wrote || err == nil {
		t.Errorf("wrote: %v, %v", wrote, err)
	}
}

func is(t *testing.T, f ownfile.File, want ownfile.State) {
	t.Helper()
	if got, err := f.State(); got != want || err != nil {
		t.Errorf("it is %v, %v; want %v", got, err, want)
	}
}

func writes(t *testing.T, f ownfile.File, want bool) {
	t.Helper()
	if got, err := f.Write(); got != want || err != nil {
		t.Errorf("wrote: %v, %v; want %v", got, err, want)
	}
}
