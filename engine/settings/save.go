package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"tokentray/engine"
)

// Save keeps values, by the settings' names, in settings.json: what the app
// itself was told. The other names in the file stay as they are; an empty
// value removes its name. The file is its owner's, and replaced in one step: a
// crash leaves the old or the new one. A file lock keeps whoever saves at the
// same time, here or in another process, from undoing it.
func Save(path string, values map[string]string) error {
	err := save(path, values)
	if err != nil {
		return engine.Errorf(engine.KindSettings, fmt.Sprintf("%s could not be written", path), err)
	}
	return nil
}

func save(path string, values map[string]string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	lock := flock.New(path+".lock", flock.SetPermissions(0o600)) // each its own: it holds between goroutines too
	if err := lock.Lock(); err != nil {
		return err
	}
	defer lock.Close()
	object := map[string]any{}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &object)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for name, value := range values {
		if value == "" {
			delete(object, name)
		} else {
			object[name] = value
		}
	}
	if text, err = json.MarshalIndent(object, "", "  "); err != nil {
		return err
	}
	return writeFile(path, append(text, '\n'))
}

// writeFile replaces a file of its owner's in one step.
func writeFile(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".settings-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // nothing, once it was renamed
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
