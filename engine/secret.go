package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"unique"
)

const redacted = "[redacted]"

// Secret is a token, key or password. Printed, logged or marshalled in any
// way it shows as "[redacted]"; Reveal is the one way out, so that a search
// for it finds every place where a secret leaves.
//
// The text is behind a handle, since fmt calls no methods of a struct's
// unexported fields: it would print the text itself.
type Secret struct{ text unique.Handle[string] }

// NewSecret wraps text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{unique.Make(text)}
}

// Reveal returns the text itself. It must go only to the provider, to an
// encrypted store, or to the person who asked for it.
func (s Secret) Reveal() string {
	if s.Empty() {
		return ""
	}
	return s.text.Value()
}

// Empty reports whether there is no text.
func (s Secret) Empty() bool { return s == Secret{} }

// Fingerprint identifies the secret without giving it away.
func (s Secret) Fingerprint() Fingerprint { return fingerprint(s.Reveal()) }

func fingerprint(text string) Fingerprint {
	sum := sha256.Sum256([]byte(text))
	return Fingerprint(sum[:len(Fingerprint{})])
}

func (s Secret) String() string                   { return redacted }
func (s Secret) GoString() string                 { return redacted }
func (s Secret) Format(f fmt.State, _ rune)       { fmt.Fprint(f, redacted) }
func (s Secret) LogValue() slog.Value             { return slog.StringValue(redacted) }
func (s Secret) MarshalText() ([]byte, error)     { return []byte(redacted), nil }
func (s *Secret) UnmarshalText(text []byte) error { *s = NewSecret(string(text)); return nil }

// Fingerprint is the first half of a refresh token's SHA-256. Refresh tokens
// carry at least 128 random bits, so it may be kept and shared; it is never shown
// to people.
type Fingerprint [sha256.Size / 2]byte

// Zero reports whether f is the fingerprint of nothing.
func (f Fingerprint) Zero() bool { return f == Fingerprint{} }

// MarshalText returns f as hexadecimal.
func (f Fingerprint) MarshalText() ([]byte, error) {
	return hex.AppendEncode(nil, f[:]), nil
}

// UnmarshalText reads what MarshalText wrote, and the whole SHA-256 that
// Tokentray 0.1 wrote.
func (f *Fingerprint) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != len(f) && len(b) != sha256.Size {
		return fmt.Errorf("not a fingerprint: %d characters", len(text))
	}
	copy(f[:], b)
	return nil
}

// Sealed is a secret as its store holds it: encrypted, and opened only by
// whoever is about to use it.
type Sealed struct {
	text *string // what the store holds may be the secret itself: fmt prints a pointer, see Secret
	open func(text string) (Secret, error)
}

// Seal pairs the stored text with the store's way to open it.
func Seal(text string, open func(text string) (Secret, error)) Sealed {
	if text == "" {
		return Sealed{}
	}
	return Sealed{&text, open}
}

// Empty reports whether the store holds nothing there.
func (s Sealed) Empty() bool { return s.text == nil }

// Stored returns the text as the store holds it, for its compare-and-swap.
func (s Sealed) Stored() string {
	if s.Empty() {
		return ""
	}
	return *s.text
}

// Open decrypts. Its error is of KindUnreadable.
func (s Sealed) Open() (Secret, error) {
	if s.Empty() {
		return Secret{}, nil
	}
	return s.open(s.Stored())
}

// digest tells whether the stored text is the same as before without keeping it.
func (s Sealed) digest() Fingerprint {
	if s.Empty() {
		return Fingerprint{}
	}
	return fingerprint(*s.text)
}

func (s Sealed) String() string             { return redacted }
func (s Sealed) GoString() string           { return redacted }
func (s Sealed) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }
func (s Sealed) LogValue() slog.Value       { return slog.StringValue(redacted) }
