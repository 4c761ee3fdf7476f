package language

import (
	"path/filepath"
	"runtime"
	"testing"

	"tokentray/engine/settings"
)

// What was chosen holds, else the system's language, else English.
func TestTexts(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the system is asked here")
	}
	for _, test := range []struct{ chosen, lcAll, lang, want string }{
		{"", "", "", "Open"}, {"", "", "zh_CN.UTF-8", "打开"}, {"", "C", "zh_CN.UTF-8", "Open"}, {"", "", "fr_FR.UTF-8", "Open"},
		{"system", "", "zh_TW", "打开"}, {"English", "", "zh_CN.UTF-8", "Open"}, {"简体中文", "C", "", "打开"}, {"Klingon", "", "zh_CN", "打开"},
	} {
		for name, value := range map[string]string{"LC_ALL": test.lcAll, "LC_MESSAGES": "", "LANG": test.lang, "LANGUAGE": ""} {
			t.Setenv(name, value)
		}
		set := settings.Settings{Paths: settings.Paths{SettingsFile: filepath.Join(t.TempDir(), "settings.json")}}
		if test.chosen != "" {
			if err := settings.Save(set.Paths.SettingsFile, map[string]string{Setting: test.chosen}); err != nil {
				t.Fatal(err)
			}
		}
		if got := Texts(set)("Open"); got != test.want {
			t.Errorf("chosen %q, with LC_ALL=%q and LANG=%q: %q", test.chosen, test.lcAll, test.lang, got)
		}
	}
}
