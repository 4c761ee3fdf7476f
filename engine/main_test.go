package engine

import (
	"testing"

	"go.uber.org/goleak"
)

// No test may leave a goroutine behind: what Close does not end, nobody does.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
