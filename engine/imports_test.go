package engine_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The engine stays free of everything outside it, so that any store, provider
// or window can be put around it: no leaf, no window, no third party but
// golang.org/x/time. The leaves know the engine and not each
// other.
func TestImports(t *testing.T) {
	if strings.Contains(list(t, "-deps", "tokentray/engine"), "tokentray/engine/") {
		t.Error("engine imports a leaf")
	}
	for dep := range strings.FieldsSeq(list(t, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "tokentray/engine")) {
		if dep != "tokentray/engine" && !strings.HasPrefix(dep, "golang.org/x/sync") && !strings.HasPrefix(dep, "golang.org/x/time") {
			t.Errorf("engine depends on %s", dep)
		}
	}
	for line := range strings.Lines(list(t, "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "tokentray/engine/...")) {
		parts := strings.Fields(line)
		for _, dep := range parts[1:] {
			leaf := strings.HasPrefix(dep, "tokentray/") && dep != "tokentray/engine"
			if leaf {
				t.Errorf("%s imports %s", parts[0], dep)
			}
		}
	}
}

func list(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
