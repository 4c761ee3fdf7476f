package local

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/zalando/go-keyring"

	"tokentray/engine"
)

// Where a key can lie, as the data records it.
const (
	inKeyring = "keyring"
	inFile    = "file"

	metaKeyPlace = "key_place"
	metaKeyName  = "key_name" // its name in the keyring, or the file's
	metaKeyCheck = "key_check"

	keyringService = "tokentray"
	keySize        = 32
)

// keyring is the system's, or none.
type ring interface {
	get(name string) (string, error)
	set(name, secret string) error
}

// systemKeyring returns nil where there is none to be asked. On Linux it is
// behind D-Bus, whose library would start a bus of its own where none runs.
func systemKeyring() ring {
	if runtime.GOOS == "linux" && os.Getenv("DBUS_SESSION_BUS_ADDRESS") == "" {
		if _, err := os.Stat(filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "bus")); os.Getenv("XDG_RUNTIME_DIR") == "" || err != nil {
			return nil
		}
	}
	return patient{}
}

// patient asks the system's keyring, and gives up on one that is locked and
// waits for ever for somebody to unlock it.
type patient struct{}

const keyringTimeout = 5 * time.Second

func (patient) get(name string) (string, error) {
	return within(func() (string, error) { return keyring.Get(keyringService, name) })
}

func (patient) set(name, secret string) error {
	_, err := within(func() (string, error) { return "", keyring.Set(keyringService, name, secret) })
	return err
}

func within(ask func() (string, error)) (string, error) {
	type answer struct {
		secret string
		err    error
	}
	answers := make(chan answer, 1)
	go func() {
		secret, err := ask()
		answers <- answer{secret, err}
	}()
	select {
	case a := <-answers:
		return a.secret, a.err
	case <-time.After(keyringTimeout):
		return "", errors.New("it does not answer; is it locked?")
	}
}

// KeyPlace says where the key lies ("keyring" or a file's path), "" before
// there is one.
func (s *Store) KeyPlace(ctx context.Context) (string, error) {
	place, name, _, err := s.keyMeta(ctx)
	if place == inFile {
		return filepath.Join(filepath.Dir(s.path), name), err
	}
	return place, err
}

// aead returns the cipher. Its error, of KindStore, says where the key should
// be. With create, a key is made where the data has none yet.
func (s *Store) aead(ctx context.Context, create bool) (cipher.AEAD, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cipher == nil {
		key, err := s.loadKey(ctx)
		if errors.Is(err, sql.ErrNoRows) && create {
			err = s.alone(func() (err error) { // another process may be faster
				if key, err = s.loadKey(ctx); errors.Is(err, sql.ErrNoRows) {
					key, err = s.makeKey(ctx)
				}
				return err
			})
		}
		if err != nil {
			return nil, s.fault(err)
		}
		if s.cipher, err = newAEAD(key); err != nil {
			return nil, err
		}
	}
	return s.cipher, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// keyMeta returns sql.ErrNoRows where there is no key yet.
func (s *Store) keyMeta(ctx context.Context) (place, name, check string, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT
		(SELECT value FROM meta WHERE name = ?), (SELECT value FROM meta WHERE name = ?), value FROM meta WHERE name = ?`,
		metaKeyPlace, metaKeyName, metaKeyCheck).Scan(&place, &name, &check)
	return place, name, check, err
}

func (s *Store) loadKey(ctx context.Context) ([]byte, error) {
	place, name, check, err := s.keyMeta(ctx)
	if err != nil {
		return nil, err
	}
	lost := func(where string, cause error) error {
		return engine.Errorf(engine.KindStore, fmt.Sprintf("the key of the embedded store %s should be in %s and is not to be had "+
			"there: bring it back; without it the accounts cannot be read, and no other key is made", s.path, where), cause)
	}
	var text string
	where := "the system's keyring, as " + keyringService + "/" + name
	if place == inKeyring {
		if s.ring == nil {
			return nil, lost(where, errors.New("no keyring can be reached from here: no D-Bus session"))
		}
		text, err = s.ring.get(name)
	} else {
		where = filepath.Join(filepath.Dir(s.path), name)
		text, err = readKeyFile(where)
	}
	if err != nil {
		return nil, lost(where, err)
	}
	key, err := hex.DecodeString(text)
	if err != nil || len(key) != keySize {
		return nil, lost(where, errors.New("what is there is not a key"))
	}
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	sealed, _ := hex.DecodeString(check)
	if _, err := aead.Open(nil, nil, sealed, []byte(metaKeyCheck)); err != nil {
		return nil, lost(where, errors.New("what is there is another key"))
	}
	return key, nil
}

func readKeyFile(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if len(text) != 2*keySize {
		return "", errors.New("the file is not a key")
	}
	return string(text), nil
}

// makeKey makes the one key, stores it durably, and records where.
func (s *Store) makeKey(ctx context.Context) ([]byte, error) {
	key := make([]byte, keySize)
	rand.Read(key)
	text := hex.EncodeToString(key)
	place, name := inKeyring, rand.Text() // one keyring may serve several stores
	if !s.keyringTakes(name, text) {
		place, name = inFile, filepath.Base(s.path)+".key"
		if err := writeKeyFile(filepath.Join(filepath.Dir(s.path), name), text); err != nil {
			return nil, err
		}
	}
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	check := hex.EncodeToString(aead.Seal(nil, nil, nil, []byte(metaKeyCheck)))
	_, err = s.writer.exec(ctx, `INSERT INTO meta (name, value) VALUES (?, ?), (?, ?), (?, ?)`,
		metaKeyPlace, place, metaKeyName, name, metaKeyCheck, check)
	return key, err
}

// keyringTakes reports whether the keyring has kept the key.
func (s *Store) keyringTakes(name, text string) bool {
	if s.ring == nil || s.ring.set(name, text) != nil {
		return false
	}
	back, err := s.ring.get(name)
	return err == nil && back == text
}

// writeKeyFile makes the file and never writes over one: that could be the key
// of data which was set aside.
func writeKeyFile(path, text string) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("there is a key at %s already, of data that is not there: move it away to begin anew", path)
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close(), syncFolder(filepath.Dir(path)))
}

// syncFolder makes a new file's name durable, where the system can.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
