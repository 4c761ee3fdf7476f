// Package language is the language that the app and the messages of all programs
// are in: the one that was chosen in the app, or else the system's.
package language

import (
	"strings"
	"sync"

	"github.com/jeandeaual/go-locale"

	"tokentray/assets"
	"tokentray/engine/settings"
	"tokentray/ui/view"
)

// Setting is under what the choice lies in settings.json: a language's name. Any
// other value is System.
const (
	Setting = "APP_LANGUAGE"
	System  = "system"
)

// All are those that there are texts in, each called as its speakers do.
var All = []struct{ Name, Code string }{{"English", "en"}, {"简体中文", "zh-Hans"}}

// Code is the code of the language of that name, or else of the system's, by
// the environment or what the platform has for it.
func Code(name string) string {
	for _, l := range All {
		if l.Name == name {
			return l.Code
		}
	}
	if system, err := locale.GetLanguage(); err == nil && strings.HasPrefix(system, "zh") {
		return "zh-Hans"
	}
	return "en"
}

// Texts translates into the language as it is at the first text: most commands
// have none.
func Texts(set settings.Settings) func(key string, args ...any) string {
	texts := sync.OnceValue(func() view.Texts {
		texts, _ := assets.Texts(Code(settings.Kept(set.Paths.SettingsFile, Setting))) // without any, English
		return texts
	})
	return func(key string, args ...any) string { return texts().Get(key, args...) }
}
