package settings

import (
	"fmt"
	"strings"
	"testing"

	"tokentray/engine"
)

func TestAlerts(t *testing.T) {
	b := newBench(t)
	s := b.load()
	if s.RelayWebhooks || len(s.NotifyURLs) > 0 || s.QuietHours != (Quiet{}) || !s.AlertKinds[engine.AlertUnused] || s.AlertKinds[engine.AlertClock] {
		t.Errorf("by default %+v", s)
	}
	b.env["ALERT_KINDS"], b.env["USE_RELAY_WEBHOOKS"], b.env["ALERT_QUIET_HOURS"] = "expired, store_away", "true", "22:00-07:30"
	b.env["NOTIFY_URLS"] = "ntfy://ntfy.sh/s3cret,telegram://1:s3cret@telegram?chats=@a,@b\n  smtp://u:s3cret@h:25/?from=a@b&to=c@d,e@f, generic+https://h/x"
	s = b.load()
	var urls []string
	for _, u := range s.NotifyURLs {
		urls = append(urls, u.Reveal())
	}
	if got := strings.Join(urls, " | "); got != "ntfy://ntfy.sh/s3cret | telegram://1:s3cret@telegram?chats=@a,@b | smtp://u:s3cret@h:25/?from=a@b&to=c@d,e@f | generic+https://h/x" {
		t.Error(got)
	}
	if !s.RelayWebhooks || s.QuietHours != (Quiet{22 * 60, 7*60 + 30}) || !s.AlertKinds[engine.AlertStoreAway] || s.AlertKinds[engine.AlertNeedsLogin] {
		t.Errorf("%+v", s)
	}
	if shown := fmt.Sprintf("%+v", s); strings.Contains(shown, "s3cret") || s.Value("NOTIFY_URLS") != "set" {
		t.Errorf("shown: %s", shown)
	}
	b.env["ALERT_KINDS"] = "none"
	for kind, on := range b.load().AlertKinds {
		if on {
			t.Errorf("none, and %s is told", kind)
		}
	}
}

func TestAlertsRefused(t *testing.T) {
	for name, tests := range map[string]map[string]string{
		"ALERT_KINDS":        {"expired;recovered": `is "expired;recovered": it must be none, or some of needs_login,`, "all": "it must be none, or some of"},
		"ALERT_QUIET_HOURS":  {"22-7": `is "22-7": it must be two times of the day, such as 22:00-07:00`, "22:00": "it must be", "7:00-7:00": "it must be", "22:00-24:00": "it must be"},
		"USE_RELAY_WEBHOOKS": {"yes": "it must be true or false"},
		"NOTIFY_URLS":        {"pigeon://s3cret": "cannot be used: it must be shoutrrr URLs such as", "s3cret": "cannot be used", "ntfy://ntfy.sh/a s3cret": "cannot be used"},
	} {
		for text, want := range tests {
			b := newBench(t)
			b.env[name] = text
			got := b.refused()
			contains(t, got, name+" from environment", want)
			if strings.Contains(got, "s3cret") {
				t.Errorf("%s shows a secret", got)
			}
		}
	}
}
