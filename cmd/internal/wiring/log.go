package wiring

import (
	"io"
	"log/slog"

	"tokentray/engine"
	"tokentray/engine/guidelog"
)

// LogParams says where the log goes and how it looks.
type LogParams struct {
	File   string    // rotated; for its owner only
	Screen io.Writer // nil: the file alone
	JSON   bool
	Level  slog.Level
	Recent *guidelog.Recent // nil: none is kept
}

// OpenLog opens the log. A file that cannot be written is an error of
// KindSettings.
func OpenLog(p LogParams) (*slog.Logger, io.Closer, error) {
	file, err := openLogFile(p.File)
	if err != nil {
		return nil, nil, engine.Errorf(engine.KindSettings, "the log file cannot be written: check the folder, or set TOKENTRAY_HOME", err)
	}
	handlers := []slog.Handler{guidelog.Text(file, p.Level, true)}
	if p.JSON {
		handlers[0] = guidelog.JSON(file, p.Level)
	}
	if p.Screen != nil {
		if p.JSON {
			handlers = append(handlers, guidelog.JSON(p.Screen, p.Level))
		} else {
			handlers = append(handlers, guidelog.Text(p.Screen, p.Level, false))
		}
	}
	if p.Recent != nil {
		handlers = append(handlers, p.Recent)
	}
	return slog.New(slog.NewMultiHandler(handlers...)), file, nil
}
