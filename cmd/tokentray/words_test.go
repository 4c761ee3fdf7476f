package main

import (
	"strings"
	"testing"

	"tokentray/assets"
	"tokentray/cmd/internal/wiring"
	"tokentray/engine"
	"tokentray/engine/settings"
	"tokentray/engine/store/local"
)

// What is wrong with a setting is said in the user's language, for every setting
// of the page.
func TestWrongValues(t *testing.T) {
	chinese, err := assets.Texts("zh-Hans")
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"REDIS_PORT": "many", "REDIS_DB": "x", "REDIS_HOST": "a host", "REDIS_USERNAME": "two words", "WEBHOOK_URL": "no url",
		"NOTIFY_URLS": "no url", "ALERT_QUIET_HOURS": "night", "USE_RELAY_WEBHOOKS": "perhaps"} {
		_, err := settings.Load(settings.Input{Getenv: func(asked string) (string, bool) {
			switch asked {
			case name:
				return value, true
			case "ENCRYPTION_KEY":
				return "x", true
			case "TOKENTRAY_HOME", "HOME":
				return t.TempDir(), true
			}
			return "", false
		}})
		if err == nil {
			t.Errorf("%s=%s is taken", name, value)
			continue
		}
		if said := wrongValue(chinese, name, err).Error(); !strings.HasPrefix(said, "须为") || strings.Contains(said, " or ") || strings.Contains(said, "must") {
			t.Errorf("%s: %s", name, said)
		}
	}
}

// Where an account lies is said in the user's language.
func TestPlace(t *testing.T) {
	chinese, err := assets.Texts("zh-Hans")
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/tokentray.db"
	store, err := local.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if got := placeOf(chinese, engine.Key{Store: wiring.Embedded}, store.Name(), path); got != "内置存储 "+path {
		t.Errorf("%s", got)
	}
	if got := placeOf(nil, engine.Key{Store: wiring.Embedded}, store.Name(), path); got != store.Name() {
		t.Errorf("%s, the log says %s", got, store.Name())
	}
}
