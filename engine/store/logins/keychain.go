package logins

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// keychain is the vault that is an item of the macOS keychain, by the
// program security.
type keychain struct {
	program string // /usr/bin/security
	account string // whose item it is: the user's name
	item    string
}

const (
	// maxCommand is how long a line security -i reads whole, with room to
	// spare.
	maxCommand = 4032
	// spareRoom is what a new token may be longer than the old one, in bytes.
	spareRoom = 64
	// noSuchItem is the exit code of security where there is none
	// (errSecItemNotFound).
	noSuchItem = 44
	// keychainTimeout bounds one run of security, which may ask the user.
	keychainTimeout = 10 * time.Second
)

const (
	longItem  = fault("is longer than the program security takes from its input: nothing can be written to it")
	oddItem   = fault("has a name or an account that security could take for more than a name")
	lockedOff = fault("cannot be read: unlock the keychain and allow Tokentray to read the item")
)

func (k keychain) read(ctx context.Context) ([]byte, error) {
	out, err := k.run(ctx, "", "find-generic-password", "-a", k.account, "-s", k.item, "-w")
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if exit.ExitCode() == noSuchItem {
			return nil, errGone
		}
		return nil, lockedOff
	}
	if err != nil {
		return nil, err
	}
	if len(out) > maxText {
		return nil, tooLong
	}
	return unhex(bytes.TrimSuffix(out, []byte("\n"))), nil
}

// unhex decodes a text that security prints in hexadecimal, as it does with one
// that has a line break or a letter beyond ASCII in it. JSON never is one.
func unhex(text []byte) []byte {
	plain, err := hex.DecodeString(string(text))
	if err != nil || !bytes.HasPrefix(bytes.TrimSpace(plain), []byte("{")) {
		return text
	}
	return plain
}

func (k keychain) swap(ctx context.Context, was, text []byte) error {
	command, err := k.command(text)
	if err != nil {
		return err
	}
	if err := still(ctx, k, was); err != nil {
		return err
	}
	if _, err := k.run(ctx, command, "-i"); err != nil {
		return fmt.Errorf("security did not write the item: %w", err)
	}
	// security -i says nothing of a command that failed.
	if now, err := k.read(ctx); err != nil || !bytes.Equal(now, text) {
		return errors.New("security did not write the item")
	}
	return nil
}

func (k keychain) try(ctx context.Context, was []byte) error {
	if _, err := k.command(append(bytes.Clone(was), make([]byte, spareRoom)...)); err != nil {
		return err
	}
	return still(ctx, k, was)
}

// command writes text to the item; it is for security's standard input, so that
// no command line shows it.
func (k keychain) command(text []byte) (string, error) {
	if strings.ContainsAny(k.account+k.item, "\"\\\n\r\x00") {
		return "", oddItem
	}
	line := fmt.Sprintf("add-generic-password -U -a \"%s\" -s \"%s\" -X %s\n", k.account, k.item, hex.EncodeToString(text))
	if len(line) > maxCommand {
		return "", longItem
	}
	return line, nil
}

func (k keychain) run(ctx context.Context, input string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, keychainTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, k.program, args...)
	cmd.Stdin = strings.NewReader(input)
	cmd.WaitDelay = time.Second
	var out bytes.Buffer // what it says of an error is not kept: it may repeat its input
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	return out.Bytes(), nil
}
