package service

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"tokentray/engine"
)

// Runner runs one program of the system's to its end and returns what it
// printed. Its error names the command and has the output.
type Runner func(ctx context.Context, name string, args ...string) (output string, err error)

// System runs what is found in PATH.
func System(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		err = engine.Errorf(engine.KindInternal, engine.CleanLine(fmt.Sprintf("%s %s: %s", name, strings.Join(args, " "), text)), err)
	}
	return text, err
}
