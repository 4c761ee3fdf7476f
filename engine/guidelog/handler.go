package guidelog

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"tokentray/engine"
)

// lines is the slog.Handler of the text format: the message alone, as the
// guide has it, on a line of its own.
type lines struct {
	mu    *sync.Mutex
	out   io.Writer
	level slog.Leveler
	stamp bool
}

// Text returns a handler that writes the guide's lines and nothing else; with
// stamp each begins with the local date and time, for a file.
func Text(out io.Writer, level slog.Leveler, stamp bool) slog.Handler {
	return lines{&sync.Mutex{}, out, level, stamp}
}

// JSON returns a handler that writes an object a line: time, level, msg and
// the attributes.
func JSON(out io.Writer, level slog.Leveler) slog.Handler {
	return slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.MessageKey {
			a.Value = slog.StringValue(engine.CleanLine(a.Value.String()))
		}
		return a
	}})
}

func (l lines) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level.Level() }

func (l lines) Handle(_ context.Context, r slog.Record) error {
	// A cause may span lines; a log line must not.
	indent := r.Message[:len(r.Message)-len(strings.TrimLeft(r.Message, " "))]
	var parts []string
	for part := range strings.Lines(r.Message) {
		parts = append(parts, engine.CleanLine(part))
	}
	text := indent + strings.Join(parts, " · ") + "\n"
	if l.stamp {
		text = r.Time.Format(time.DateTime) + " " + text
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := io.WriteString(l.out, text)
	return err
}

func (l lines) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l lines) WithGroup(string) slog.Handler      { return l }
