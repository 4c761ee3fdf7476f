package main

import (
	"flag"
	"io"
	"strings"

	"tokentray/engine/settings"
)

// readFlags reads the app's own flags, by the settings' names: where metrics
// are served. All else of it is chosen in its window, or in the env file.
func readFlags(args []string, help io.Writer) (map[string]string, error) {
	given := map[string]string{}
	set := flag.NewFlagSet("tokentray", flag.ContinueOnError)
	set.SetOutput(io.Discard) // an error is told once, by main
	set.Usage = func() {
		set.SetOutput(help)
		set.PrintDefaults()
	}
	for _, spec := range settings.Specs() {
		take := func(text string) error {
			given[spec.Name] = text
			return nil
		}
		switch {
		case !strings.HasPrefix(spec.Name, "TOKENTRAY_LISTEN") || spec.Secret:
		case spec.Allowed == "true or false":
			set.BoolFunc(spec.Flag(), spec.Help, take)
		default:
			set.Func(spec.Flag(), spec.Help, take)
		}
	}
	return given, set.Parse(args)
}
