package main

import (
	"os"
	"runtime"
	"testing"

	"fyne.io/fyne/v2/lang"
)

// The app and what Fyne says by itself speak the chosen language, also when it
// is chosen anew, and the system's after another.
func TestSpeak(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("Fyne asks the system here")
	}
	t.Setenv("LC_ALL", "C")
	for _, l := range []struct{ chosen, system, open, quit, no string }{
		{"简体中文", "C", "打开", "退出", "否"}, {"system", "C", "Open", "Quit", "No"}, {"简体中文", "C", "打开", "退出", "否"},
		{"English", "zh_CN.UTF-8", "Open", "Quit", "No"}, {"system", "zh_CN.UTF-8", "打开", "退出", "否"},
	} {
		t.Setenv("LC_ALL", l.system)
		t.Setenv("LANGUAGE", "") // which goes before LC_ALL
		if l.system != "C" {
			t.Setenv("LANGUAGE", "zh_CN:en")
		}
		texts, err := speak(l.chosen)
		if err != nil {
			t.Fatal(err)
		}
		if got := texts.Get("Open"); got != l.open {
			t.Errorf("%s: %q, want %q", l.chosen, got, l.open)
		}
		if quit, no := lang.L("Quit"), lang.L("No"); quit != l.quit || no != l.no {
			t.Errorf("%s: Fyne says %q and %q, want %q and %q", l.chosen, quit, no, l.quit, l.no)
		}
		if now := os.Getenv("LC_ALL"); now != l.system || (os.Getenv("LANGUAGE") != "") != (l.system != "C") {
			t.Errorf("%s: what is started next is told %q and %q", l.chosen, now, os.Getenv("LANGUAGE"))
		}
	}
}
