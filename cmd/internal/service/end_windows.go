package service

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/windows"
)

// endEvent is what a run of the task waits for; it is there while one runs.
// "Local" is the user's session, in which the task runs.
const endEvent = `Local\Tokentray service ends`

// Asked returns what is closed when End asks this program for its end.
func Asked() (<-chan struct{}, error) {
	name, err := windows.UTF16PtrFromString(endEvent)
	if err != nil {
		return nil, err
	}
	event, err := windows.CreateEvent(nil, 1, 0, name)
	if err != nil && !errors.Is(err, windows.ERROR_ALREADY_EXISTS) {
		return nil, err
	}
	asked := make(chan struct{})
	go func() { // event stays open until the program has ended
		if _, err := windows.WaitForSingleObject(event, windows.INFINITE); err == nil {
			close(asked)
		}
	}()
	return asked, nil
}

// End is an Ender.
func End(ctx context.Context) (ran bool, err error) {
	name, err := windows.UTF16PtrFromString(endEvent)
	if err != nil {
		return false, err
	}
	for {
		event, err := windows.OpenEvent(windows.EVENT_MODIFY_STATE, false, name)
		if errors.Is(err, windows.ERROR_FILE_NOT_FOUND) {
			return ran, nil
		}
		if err != nil {
			return ran, err
		}
		ran = true
		err = windows.SetEvent(event)
		windows.CloseHandle(event) // or it would be there for as long as this is
		if err != nil {
			return ran, err
		}
		select {
		case <-time.After(time.Second / 2):
		case <-ctx.Done():
			return ran, ctx.Err()
		}
	}
}
