package assets

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tokentray/ui/view"
)

// names are texts that are the same in every language.
var names = []string{"curl", "ENCRYPTION_KEY", "TLS", "Webhook"}

// languages are all but English, by code.
func languages(t *testing.T) map[string]view.Texts {
	files, err := filepath.Glob("translations/*.json")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]view.Texts{}
	for _, file := range files {
		code := strings.TrimSuffix(filepath.Base(file), ".json")
		texts, err := Texts(code)
		if err != nil {
			t.Fatal(err)
		}
		if code != "en" {
			all[code] = texts
		}
	}
	return all
}

var verb = regexp.MustCompile(`%(?:\[(\d+)\])?(\d*[a-z%])`)

// verbs are what a text fills in, by the place of the argument.
func verbs(text string) map[int]string {
	found, next := map[int]string{}, 0
	for _, v := range verb.FindAllStringSubmatch(text, -1) {
		if v[2] == "%" {
			continue
		}
		if next++; v[1] != "" {
			next, _ = strconv.Atoi(v[1])
		}
		found[next] += v[2]
	}
	return found
}

// What a text fills in, every language fills in.
func TestEveryLanguageFillsInTheSame(t *testing.T) {
	for code, texts := range languages(t) {
		for _, key := range slices.Sorted(maps.Keys(texts)) {
			if want, got := verbs(key), verbs(texts[key]); !maps.Equal(want, got) {
				t.Errorf("%s: %q fills in %v, and %q %v", code, key, want, texts[key], got)
			}
		}
	}
}

func TestNothingIsLeftInEnglish(t *testing.T) {
	for code, texts := range languages(t) {
		for _, key := range slices.Sorted(maps.Keys(texts)) {
			if same := texts[key] == key; same != slices.Contains(names, key) {
				t.Errorf("%s: %q is %q", code, key, texts[key])
			}
		}
	}
}

func TestChineseFillsIn(t *testing.T) {
	chinese := languages(t)["zh-Hans"]
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for want, got := range map[string]string{
		"12 秒前":      chinese.Age(noon.Add(-12*time.Second), noon),
		"59 分钟前":     chinese.Age(noon.Add(-59*time.Minute), noon),
		"47 小时前":     chinese.Age(noon.Add(-47*time.Hour), noon),
		"2 天前":       chinese.Age(noon.Add(-49*time.Hour), noon),
		"从未":         chinese.Age(time.Time{}, noon),
		"119 分钟":     chinese.Span(119 * time.Minute),
		"00:07:51":   chinese.Countdown(471 * time.Second),
		"−1 天 01 小时": chinese.Countdown(-25 * time.Hour),
		"6 小时 58 分":  chinese.Countdown(6*time.Hour + 58*time.Minute),
		"1 个账户":      chinese.Count(1, "1 account", "%d accounts"),
		"0 个账户":      chinese.Count(0, "1 account", "%d accounts"),
		"12 个账户":     chinese.Count(12, "1 account", "%d accounts"),
		"下次启动时仍以 .env 中的 15 为准": chinese.Get("%s from %s again at the next start", "15", ".env"),
		"，占配额 10,000 的 4.4 %":   chinese.Get(", %s of %s", "4.4 %", "10,000"),
		"work，3 分钟后":            chinese.Get("%s in %s", "work", chinese.Get("%d min", 3)),
		"上次刷新没有收到可读的答复，刷新令牌可能已用掉。09:41 再试一次。": chinese.Get("The last refresh had no readable answer, so the refresh token may be used up. It is tried once more at %s.", "09:41"),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
