package relay

import (
	"strings"
	"testing"

	"tokentray/engine"
	"tokentray/engine/store/relay/redistest"
)

// The relay's channels are read as they are, and never written.
func TestAlertChannels(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server, "any key")
	if config, err := s.AlertChannels(t.Context()); err != nil || !config.Empty() {
		t.Errorf("without any: %v, %v", config, err)
	}
	const config = `{"enabled":true,"platforms":[{"type":"slack","url":"https://hooks.slack.com/s3cret","enabled":true}]}`
	server.Client.Set(t.Context(), channelsKey, config, 0)
	got, err := s.AlertChannels(t.Context())
	if err != nil || got.Reveal() != config {
		t.Errorf("%q, %v", got.Reveal(), err)
	}
	if after := server.Client.Get(t.Context(), channelsKey).Val(); after != config {
		t.Errorf("afterwards %s", after)
	}
	server.Client.Del(t.Context(), channelsKey)
	server.Client.HSet(t.Context(), channelsKey, "url", "s3cret")
	if _, err := s.AlertChannels(t.Context()); engine.KindOf(err) != engine.KindUnreadable || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("of another type: %v", err)
	}
	server.Kill()
	if _, err := s.AlertChannels(t.Context()); engine.KindOf(err) != engine.KindStore {
		t.Errorf("without a Redis: %v", err)
	}
}
