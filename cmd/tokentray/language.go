package main

import (
	"io"
	"log"
	"os"
	"runtime"
	"strings"

	"fyne.io/fyne/v2/lang"
	"github.com/go-text/typesetting/fontscan"

	"tokentray/assets"
	"tokentray/ui/view"
)

// languages are those that the app speaks, each called as its speakers do.
var languages = []struct{ name, code, locale string }{
	{"English", "en", "en_US.UTF-8"}, {"简体中文", "zh-Hans", "zh_CN.UTF-8"},
}

// speak returns the texts of the language that was chosen, or else of the
// system's. Fyne's own words follow.
func speak(chosen string) (view.Texts, error) {
	code := "en"
	if strings.HasPrefix(lang.SystemLocale().LanguageString(), "zh") {
		code = "zh-Hans"
	}
	for _, l := range languages {
		if l.name != chosen {
			continue
		}
		code = l.code
		if runtime.GOOS == "linux" { // where Fyne asks the environment
			os.Setenv("LC_ALL", l.locale)
			lang.AddTranslationsForLocale([]byte("{}"), lang.SystemLocale()) // asks it anew
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
	face := fonts.ResolveFace(han)
	if face == nil {
		return true
	}
	_, has := face.NominalGlyph(han)
	return !has
}

// chineseHint is in English, as nothing else can be read then.
const chineseHint = "Chinese needs a font that is not installed here. On Debian and Ubuntu: apt install fonts-noto-cjk. On Fedora: dnf install google-noto-sans-cjk-fonts. Then start Tokentray again."
