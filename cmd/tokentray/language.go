package main

import (
	"io"
	"log"
	"os"
	"runtime"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
	"github.com/go-text/typesetting/fontscan"
	script "github.com/go-text/typesetting/language"

	"tokentray/assets"
	"tokentray/cmd/internal/language"
	"tokentray/ui/view"
)

// spoken are the languages by code: their locales, and what Fyne should say
// otherwise in them.
var spoken = map[string]struct{ locale, fyne string }{
	"en":      {"en_US.UTF-8", `{}`},
	"zh-Hans": {"zh_CN.UTF-8", `{"No": "否", "OK": "确定", "Select all": "全选", "Undo": "撤销"}`},
}

// speak returns the texts of the language that was chosen, or else of the
// system's. Fyne's own words follow. The environment, by which Fyne is told, is
// then as before: the system's language can be asked for again, and programs
// that are started, such as the browser, speak it.
func speak(chosen string) (view.Texts, error) {
	code := language.Code(chosen)
	if chosen != language.System && runtime.GOOS == "linux" { // where Fyne asks the environment
		for name, value := range map[string]string{"LC_ALL": spoken[code].locale, "LANGUAGE": ""} {
			before, was := os.LookupEnv(name)
			defer func() {
				if was {
					os.Setenv(name, before)
				} else {
					os.Unsetenv(name)
				}
			}()
			os.Setenv(name, value)
		}
	}
	for _, l := range language.All {
		// Fyne asks for its language anew. A locale that it has no words for
		// would take the place of the language.
		if err := lang.AddTranslationsForLocale([]byte(spoken[l.Code].fyne), fyne.Locale(l.Code)); err != nil {
			return nil, err
		}
	}
	return assets.Texts(code)
}

// lacksChinese reports whether no font of the system has Chinese.
func lacksChinese() bool {
	fonts := fontscan.NewFontMap(log.New(io.Discard, "", 0))
	cache, err := os.UserCacheDir()
	if err != nil || fonts.UseSystemFonts(cache) != nil {
		return false // nothing is known
	}
	fonts.SetQuery(fontscan.Query{Families: []string{fontscan.SansSerif}})
	const han = '中'
	fonts.SetScript(script.LookupScript(han)) // as Fyne asks
	face := fonts.ResolveFace(han)
	if face == nil {
		return true
	}
	_, has := face.NominalGlyph(han)
	return !has
}

// chineseHint is in English, as nothing else can be read then.
const chineseHint = "Chinese needs a font that is not installed here. On Debian and Ubuntu: apt install fonts-noto-cjk. On Fedora: dnf install google-noto-sans-cjk-fonts. Then start Tokentray again."
