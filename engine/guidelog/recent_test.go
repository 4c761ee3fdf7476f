package guidelog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"tokentray/engine"
)

func TestRecent(t *testing.T) {
	var recent Recent
	log := slog.New(&recent)
	dead := engine.Event{Kind: engine.EventNeedsLogin, Err: errors.New("Invalid\nrefresh\x1b[31m token"),
		Account: engine.View{Account: engine.Account{Key: engine.Key{Provider: engine.Claude, ID: "abc-123"}, Name: "work"}}}
	Run(slices.Values([]engine.Event{dead}), log)
	log.Debug("nobody asked")
	lines, total := recent.Lines()
	if total != 1 || len(lines) != 1 {
		t.Fatal(lines)
	}
	if l := lines[0]; l.AccountID != "abc-123" || l.Level != slog.LevelWarn || l.Text != "🔑 Claude work (abc-123) needs you to sign in again: Invalid · refresh[31m token" {
		t.Errorf("%+v", l)
	}
	for i := range 3 * recentKept {
		log.LogAttrs(context.Background(), slog.LevelInfo, fmt.Sprint(i))
	}
	lines, total = recent.Lines()
	if len(lines) > recentKept || len(lines) < recentKept*8/10 || total != 3*recentKept+1 || lines[len(lines)-1].Text != fmt.Sprint(3*recentKept-1) {
		t.Errorf("%d lines of %d, the last %+v", len(lines), total, lines[len(lines)-1])
	}
}
