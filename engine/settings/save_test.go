package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestSave(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "settings.json")
	for _, values := range []map[string]string{
		{"TOKEN_REFRESH_INTERVAL": "30", "REDIS_PASSWORD": "hunter2"},
		{"TOKEN_REFRESH_INTERVAL": "20", "THEME": "dark"},
		{"THEME": ""},
	} {
		if err := Save(path, values); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if want := "{\n  \"REDIS_PASSWORD\": \"hunter2\",\n  \"TOKEN_REFRESH_INTERVAL\": \"20\"\n}\n"; err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if rest, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".settings-*")); len(rest) > 0 {
		t.Errorf("left behind: %v", rest)
	}
	if kept := Kept(path, "TOKEN_REFRESH_INTERVAL") + Kept(path, "THEME"); kept != "20" {
		t.Errorf("kept %q", kept)
	}
	s, err := Load(Input{Getenv: func(name string) (string, bool) {
		if name == "TOKENTRAY_HOME" {
			return filepath.Dir(path), true
		}
		return "", false
	}})
	if err != nil || s.Interval.Minutes() != 20 || s.Sources["TOKEN_REFRESH_INTERVAL"].Kind != "saved" {
		t.Errorf("read back: %v %v %v", s.Interval, s.Sources["TOKEN_REFRESH_INTERVAL"], err)
	}
	// A file that is not understood is not written over.
	os.WriteFile(path, []byte("[]"), 0o600)
	if err := Save(path, map[string]string{"THEME": "dark"}); err == nil {
		t.Error("a file that is no object was written over")
	}
}

// Several things are kept at the same time, each on a goroutine of its own: the
// window's size, a policy, a mute.
func TestSaveTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings.json")
	var saving sync.WaitGroup
	for i := range 20 {
		saving.Go(func() {
			if err := Save(path, map[string]string{fmt.Sprint("N", i): "kept"}); err != nil {
				t.Error(err)
			}
		})
	}
	saving.Wait()
	for i := range 20 {
		if Kept(path, fmt.Sprint("N", i)) != "kept" {
			t.Errorf("N%d was lost", i)
		}
	}
}
