package settings

import (
	"path/filepath"
	"testing"

	"github.com/adrg/xdg"

	"tokentray/engine"
)

func TestPaths(t *testing.T) {
	home, config, data, state := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	at := filepath.Join
	for name, test := range map[string]struct {
		env  env
		want Paths
	}{
		"one folder": {env{"TOKENTRAY_HOME": home, "XDG_CONFIG_HOME": config}, Paths{home, home, home, at(home, "relays"),
			at(home, ".env"), at(home, "settings.json"), at(home, "tokentray.db"), at(home, "tokentray.log")}},
		"xdg": {env{"XDG_CONFIG_HOME": config, "XDG_DATA_HOME": data, "XDG_STATE_HOME": state}, Paths{
			at(config, "tokentray"), at(data, "tokentray"), at(state, "tokentray"), at(config, "tokentray", "relays"),
			at(config, "tokentray", ".env"), at(config, "tokentray", "settings.json"),
			at(data, "tokentray", "tokentray.db"), at(state, "tokentray", "tokentray.log")}},
		"a relative folder does not count": {env{"XDG_CONFIG_HOME": "here", "XDG_DATA_HOME": "", "XDG_STATE_HOME": state}, Paths{
			at(xdg.ConfigHome, "tokentray"), at(xdg.DataHome, "tokentray"), at(state, "tokentray"), at(xdg.ConfigHome, "tokentray", "relays"),
			at(xdg.ConfigHome, "tokentray", ".env"), at(xdg.ConfigHome, "tokentray", "settings.json"),
			at(xdg.DataHome, "tokentray", "tokentray.db"), at(state, "tokentray", "tokentray.log")}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := FindPaths(func(name string) string { return test.env[name] })
			if err != nil || got != test.want {
				t.Errorf("%v\ngot  %+v\nwant %+v", err, got, test.want)
			}
		})
	}

	_, err := FindPaths(func(name string) string { return env{"TOKENTRAY_HOME": "here"}[name] })
	if engine.KindOf(err) != engine.KindSettings || err == nil {
		t.Fatal(err)
	}
	contains(t, err.Error(), "TOKENTRAY_HOME", `"here"`, "absolute")
}
