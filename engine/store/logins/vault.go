package logins

import (
	"bytes"
	"context"
	"errors"
)

// vault is where a login's text lies.
type vault interface {
	// read returns the text, or errGone.
	read(ctx context.Context) ([]byte, error)
	// swap puts text in the place of was, or returns errChanged where
	// something else is there by now. It is durable when it returns.
	swap(ctx context.Context, was, text []byte) error
	// try checks that a swap would go through. It changes nothing.
	try(ctx context.Context, was []byte) error
}

var (
	errGone    = errors.New("nothing is there")
	errChanged = errors.New("another program changed it")
)

// maxText is how long a login's text may be, in bytes.
const maxText = 1 << 20

// still returns errChanged unless was is what is there.
func still(ctx context.Context, v vault, was []byte) error {
	now, err := v.read(ctx)
	if err == nil && !bytes.Equal(now, was) {
		return errChanged
	}
	return err
}
