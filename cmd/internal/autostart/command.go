package autostart

import "strings"

// commandLine is a program's path as the Run key of Windows has it.
func commandLine(program string) string { return `"` + program + `"` }

// starts reports whether a command line of Windows starts a program of that
// file name: then the value is ours, if from another place. A registry value
// has no room for a mark.
func starts(command, name string) bool {
	program := command
	if rest, quoted := strings.CutPrefix(command, `"`); quoted {
		program, _, _ = strings.Cut(rest, `"`)
	}
	return strings.EqualFold(program[strings.LastIndexAny(program, `\/`)+1:], name)
}
