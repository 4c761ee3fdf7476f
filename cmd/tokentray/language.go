package main

import (
	"io"
	"log"
	"os"
	"runtime"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
	"github.com/go-text/typesetting/fontscan"
	"github.com/go-text/typesetting/language"

	"tokentray/assets"
	"tokentray/ui/view"
)

// languages are those that the app speaks, each called as its speakers do, with
// what Fyne should say otherwise.
var languages = []struct{ name, code, locale, fyne string }{
	{"English", "en", "en_US.UTF-8", `{}`},
	{"简体中文", "zh-Hans", "zh_CN.UTF-8", `{"No": "否", "OK": "确定", "Select all": "全选", "Undo": "撤销"}`},
}

// speak returns the texts of the language that was chosen, or else of the
// system's. Fyne's own words follow. The environment, by which Fyne is told, is
// then as before: the system's language can be asked for again, and programs
// that are started, such as the browser, speak it.
func speak(chosen string) (view.Texts, error) {
	code := "en"
	if strings.HasPrefix(lang.SystemLocale().LanguageString(), "zh") {
		code = "zh-Hans"
	}
	for _, l := range languages {
		if l.name == chosen {
			code = l.code
			if runtime.GOOS == "linux" { // where Fyne asks the environment
				before, was := os.LookupEnv("LC_ALL")
				defer func() {
					if was {
						os.Setenv("LC_ALL", before)
					} else {
						os.Unsetenv("LC_ALL")
					}
				}()
				os.Setenv("LC_ALL", l.locale)
			}
		}
		// Fyne asks for its language anew. A locale that it has no words for
		// would take the place of the language.
		if err := lang.AddTranslationsForLocale([]byte(l.fyne), fyne.Locale(l.code)); err != nil {
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
	fonts.SetScript(language.LookupScript(han)) // as Fyne asks
	face := fonts.ResolveFace(han)
	if face == nil {
		return true
	}
	_, has := face.NominalGlyph(han)
	return !has
}

// chineseHint is in English, as nothing else can be read then.
const chineseHint = "Chinese needs a font that is not installed here. On Debian and Ubuntu: apt install fonts-noto-cjk. On Fedora: dnf install google-noto-sans-cjk-fonts. Then start Tokentray again."
