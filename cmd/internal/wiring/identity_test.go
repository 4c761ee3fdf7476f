package wiring

import (
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/settings"
)

func TestIdentity(t *testing.T) {
	secret := engine.NewSecret
	with := func(change func(*settings.Settings)) settings.Settings {
		s := settings.Settings{
			Redis: &settings.Redis{Addrs: []string{"a:1"}, Password: secret("p")}, EncryptionKey: secret("k"), Paths: settings.Paths{Database: "/d"},
			TokenURLs: map[string]string{engine.Claude: "u"}, Google: map[string]settings.GoogleClient{engine.GeminiCLI: {ID: "i", Secret: secret("s")}},
		}
		change(&s)
		return s
	}
	same := Identity(with(func(*settings.Settings) {}))
	seen := map[string]string{same: "unchanged"}
	for name, change := range map[string]func(*settings.Settings){
		"another Redis":          func(s *settings.Settings) { s.Redis.Addrs = []string{"b:1"} },
		"another database in it": func(s *settings.Settings) { s.Redis.DB = 1 },
		"another password":       func(s *settings.Settings) { s.Redis.Password = secret("q") },
		"another user":           func(s *settings.Settings) { s.Redis.Username = "u" },
		"TLS":                    func(s *settings.Settings) { s.Redis.TLS = true },
		"another key":            func(s *settings.Settings) { s.EncryptionKey = secret("l") },
		"another folder":         func(s *settings.Settings) { s.Paths.Database = "/e" },
		"another token endpoint": func(s *settings.Settings) { s.TokenURLs[engine.Claude] = "v" },
		"no token endpoint":      func(s *settings.Settings) { s.TokenURLs = nil },
		"another Google secret": func(s *settings.Settings) {
			s.Google[engine.GeminiCLI] = settings.GoogleClient{ID: "i", Secret: secret("t")}
		},
		"the embedded store": func(s *settings.Settings) { s.Redis = nil },
		"the other Google client": func(s *settings.Settings) {
			s.Google[engine.Antigravity] = settings.GoogleClient{ID: "i", Secret: secret("s")}
		},
	} {
		id := Identity(with(change))
		if other := seen[id]; other != "" {
			t.Errorf("%s is the same as %s", name, other)
		}
		seen[id] = name
	}
	for name, change := range map[string]func(*settings.Settings){
		"policy":  func(s *settings.Settings) { s.Proactive, s.Interval, s.Window = true, time.Hour, time.Minute },
		"webhook": func(s *settings.Settings) { s.WebhookURL = secret("w") },
		"log":     func(s *settings.Settings) { s.Paths.Log = "/l" },
	} {
		if Identity(with(change)) != same {
			t.Errorf("another %s is another identity", name)
		}
	}
	embedded := func(key string) string {
		return Identity(settings.Settings{EncryptionKey: secret(key), Paths: settings.Paths{Database: "/d"}})
	}
	if embedded("k") != embedded("l") {
		t.Error("the embedded store does not know the relay's key")
	}
}
