package autostart

import (
	"strings"
	"testing"
)

// hive is a registry: its values by path.
type hive map[string]string

func (h hive) text(path string) (string, error)   { return h[path], nil }
func (h hive) binary(path string) ([]byte, error) { return []byte(h[path]), nil }
func (h hive) setText(path, text string) error    { h[path] = text; return nil }
func (h hive) remove(path string) error           { delete(h, path); return nil }

func TestTheRunKey(t *testing.T) {
	keys := hive{}
	r := runKey{"/Token tray/tokentray.exe", keys}
	enabled(t, r, false)
	set(t, r, false)
	for range 2 {
		set(t, r, true)
		enabled(t, r, true)
	}
	if keys[runPath] != `"/Token tray/tokentray.exe"` {
		t.Errorf("the value is %s", keys[runPath])
	}
	enabled(t, runKey{"/elsewhere/tokentray.exe", keys}, false)

	// What the Task Manager writes.
	const when = "\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08"
	for first, want := range map[string]bool{"\x02": true, "\x06": true, "\x03": false, "\x07": false} {
		keys[approvedPath] = first + when
		enabled(t, r, want)
		set(t, r, true)
		enabled(t, r, true)
	}
	keys[approvedPath] = "\x03" + when
	set(t, r, false)
	enabled(t, r, false)
	if len(keys) > 0 {
		t.Errorf("it left %q", keys)
	}

	keys[runPath] = `"C:\Games\other.exe"`
	enabled(t, r, false)
	for _, on := range []bool{true, false} {
		if err := r.Set(on); err == nil || !strings.Contains(err.Error(), runPath) {
			t.Errorf("Set(%v) says %v, not where it is", on, err)
		}
	}
	if keys[runPath] != `"C:\Games\other.exe"` {
		t.Errorf("it is now %s", keys[runPath])
	}
}
