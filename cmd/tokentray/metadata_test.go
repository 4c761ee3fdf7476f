package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/BurntSushi/toml"
)

// FyneApp.toml is for packagers; the program says the same of itself.
func TestMetadata(t *testing.T) {
	text, err := os.ReadFile("../../FyneApp.toml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Details struct {
			Name, ID, Version, Icon string
			Build                   int
		}
	}
	if err := toml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	d := file.Details
	if got, want := fmt.Sprint(metadata.Name, metadata.ID, metadata.Version, metadata.Build), fmt.Sprint(d.Name, d.ID, d.Version, d.Build); got != want {
		t.Errorf("the program says %s, the file %s", got, want)
	}
	if _, err := os.Stat("../../" + d.Icon); err != nil {
		t.Error(err)
	}
}
