package autostart

import (
	"errors"

	windows "golang.org/x/sys/windows/registry"
)

const runName = "Tokentray"

func here(program string) (Entry, error) { return runKey{program, currentUser{}}, nil }

// currentUser is the system's registry.
type currentUser struct{}

func (currentUser) text(path string) (text string, err error) {
	err = with(path, windows.QUERY_VALUE, func(key windows.Key) (err error) {
		text, _, err = key.GetStringValue(runName)
		return err
	})
	return text, err
}

func (currentUser) binary(path string) (value []byte, err error) {
	err = with(path, windows.QUERY_VALUE, func(key windows.Key) (err error) {
		value, _, err = key.GetBinaryValue(runName)
		return err
	})
	return value, err
}

func (currentUser) setText(path, text string) error {
	key, _, err := windows.CreateKey(windows.CURRENT_USER, path, windows.SET_VALUE)
	if err != nil {
		return err
	}
	defer key.Close()
	return key.SetStringValue(runName, text)
}

func (currentUser) remove(path string) error {
	return with(path, windows.SET_VALUE, func(key windows.Key) error { return key.DeleteValue(runName) })
}

// with does something with a key. That the key or its value is not there is no
// error.
func with(path string, access uint32, do func(windows.Key) error) error {
	key, err := windows.OpenKey(windows.CURRENT_USER, path, access)
	if err == nil {
		defer key.Close()
		err = do(key)
	}
	if errors.Is(err, windows.ErrNotExist) {
		return nil
	}
	return err
}
