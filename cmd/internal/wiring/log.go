package wiring

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"gopkg.in/natefinch/lumberjack.v2"

	"tokentray/engine"
	"tokentray/engine/guidelog"
)

// LogParams says where the log goes and how it looks.
type LogParams struct {
	File   string    // rotated; for its owner only
	Screen io.Writer // nil: the file alone
	JSON   bool
	Level  slog.Level
}

// OpenLog opens the log. A file that cannot be written is an error of
// KindSettings.
func OpenLog(p LogParams) (*slog.Logger, io.Closer, error) {
	if err := writable(p.File); err != nil {
		return nil, nil, engine.Errorf(engine.KindSettings, "the log file cannot be written: check the folder, or set TOKENTRAY_HOME", err)
	}
	file := &lumberjack.Logger{Filename: p.File, MaxSize: 5, MaxBackups: 3} // MiB
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
	return slog.New(slog.NewMultiHandler(handlers...)), file, nil
}

func writable(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}
