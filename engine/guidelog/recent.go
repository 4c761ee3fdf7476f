package guidelog

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"tokentray/engine"
)

// recentKept is how many lines Recent holds.
const recentKept = 2000

// Line is one line of the log.
type Line struct {
	Time      time.Time
	Level     slog.Level
	Text      string // clean, on one line
	AccountID string // "" where the line is of none
}

// Recent is a slog.Handler that keeps the last lines, for people to look at.
// The zero value is ready.
type Recent struct {
	mu    sync.Mutex
	lines []Line
	total int
}

// Lines returns the lines that are kept, the oldest first, and how many there
// were in all.
func (r *Recent) Lines() (lines []Line, total int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines), r.total
}

// Enabled implements slog.Handler: it keeps what the log has by default.
func (r *Recent) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle implements slog.Handler.
func (r *Recent) Handle(_ context.Context, record slog.Record) error {
	line := Line{Time: record.Time, Level: record.Level, Text: engine.CleanLine(strings.ReplaceAll(record.Message, "\n", " · "))}
	record.Attrs(func(a slog.Attr) bool {
		if a.Key == AttrAccountID {
			line.AccountID = a.Value.String()
		}
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lines) == recentKept {
		r.lines = slices.Delete(r.lines, 0, recentKept/10)
	}
	r.lines = append(r.lines, line)
	r.total++
	return nil
}

// WithAttrs implements slog.Handler.
func (r *Recent) WithAttrs([]slog.Attr) slog.Handler { return r }

// WithGroup implements slog.Handler.
func (r *Recent) WithGroup(string) slog.Handler { return r }
