package ui

import (
	"os/exec"
	"strings"
	"testing"
)

// The window leaves fyne's app package, and with it OpenGL, to cmd; what it
// shows is worked out without fyne.
func TestImports(t *testing.T) {
	for pkg, banned := range map[string]string{"tokentray/ui": "fyne.io/fyne/v2/app", "tokentray/ui/view": "fyne.io/"} {
		out, err := exec.Command("go", "list", "-deps", pkg).Output()
		if err != nil {
			t.Fatal(err)
		}
		for dep := range strings.FieldsSeq(string(out)) {
			if strings.HasPrefix(dep, banned) {
				t.Errorf("%s depends on %s", pkg, dep)
			}
		}
	}
}
