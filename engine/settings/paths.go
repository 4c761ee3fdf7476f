package settings

import (
	"fmt"
	"path/filepath"

	"github.com/adrg/xdg"

	"tokentray/engine"
)

// Paths is where everything lies. None of it need exist.
type Paths struct {
	Config, Data, State, Relays          string // folders
	EnvFile, SettingsFile, Database, Log string
}

// FindPaths follows the XDG variables or, where they are not set, the
// platform's custom. TOKENTRAY_HOME puts everything under one folder. A
// relative folder would move with the working directory, and the two programs
// would no longer meet on the same data: in TOKENTRAY_HOME it is an error, in
// an XDG variable it does not count, as their specification has it.
func FindPaths(getenv func(string) string) (Paths, error) {
	if home := getenv("TOKENTRAY_HOME"); home != "" {
		if !filepath.IsAbs(home) {
			return Paths{}, engine.Errorf(engine.KindSettings, fmt.Sprintf(
				"TOKENTRAY_HOME from environment is %q: it must be an absolute path", engine.Clean(home)), nil)
		}
		return pathsIn(home, home, home), nil
	}
	folder := func(variable, usual string) string {
		if set := getenv(variable); filepath.IsAbs(set) {
			usual = set
		}
		return filepath.Join(usual, "tokentray")
	}
	return pathsIn(
		folder("XDG_CONFIG_HOME", xdg.ConfigHome),
		folder("XDG_DATA_HOME", xdg.DataHome),
		folder("XDG_STATE_HOME", xdg.StateHome),
	), nil
}

func pathsIn(config, data, state string) Paths {
	return Paths{
		Config: config, Data: data, State: state, Relays: filepath.Join(config, "relays"),
		EnvFile:      filepath.Join(config, ".env"),
		SettingsFile: filepath.Join(config, "settings.json"),
		Database:     filepath.Join(data, "tokentray.db"),
		Log:          filepath.Join(state, "tokentray.log"),
	}
}
