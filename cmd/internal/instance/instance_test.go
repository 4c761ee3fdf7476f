package instance

import (
	"errors"
	"testing"
)

func TestClaim(t *testing.T) {
	dir := t.TempDir()
	shown := 0
	first, err := Claim(dir, func() { shown++ })
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := Claim(dir, nil); !errors.Is(err, ErrRunning) {
			t.Errorf("second start: %v", err)
		}
	}
	if shown != 3 {
		t.Errorf("shown %d times", shown)
	}
	first.Release()
	again, err := Claim(dir, nil)
	if err != nil {
		t.Fatalf("after the end of the first: %v", err)
	}
	again.Release()
}
