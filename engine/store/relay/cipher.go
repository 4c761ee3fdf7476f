package relay

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/crypto/scrypt"

	"tokentray/engine"
)

// The cost of a key, as Node's scryptSync has it: 128·N·r bytes.
const (
	scryptN = 16384
	scryptR = 8
)

// keyring derives the relay's keys from ENCRYPTION_KEY, each when it is first
// needed and once: scrypt is meant to be slow.
type keyring struct {
	derive map[string]func() []byte // by provider
}

func newKeyring(encryptionKey engine.Secret) keyring {
	k := keyring{map[string]func() []byte{}}
	for name, p := range platforms {
		k.derive[name] = sync.OnceValue(func() []byte {
			largePages(128 * scryptN * scryptR)
			key, err := scrypt.Key([]byte(encryptionKey.Reveal()), []byte(p.salt), scryptN, scryptR, 1, 32)
			if err != nil {
				panic(err) // the parameters are constants
			}
			return key
		})
	}
	return k
}

// encrypt is AES-256-CBC with PKCS#7 and a fresh IV: hex(iv):hex(ciphertext).
// "" stays "".
func (k keyring) encrypt(p platform, plain string) string {
	if plain == "" {
		return ""
	}
	block, err := aes.NewCipher(k.derive[p.provider]())
	if err != nil {
		panic(err)
	}
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	data := append([]byte(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
	iv := make([]byte, aes.BlockSize)
	rand.Read(iv)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	return hex.EncodeToString(iv) + ":" + hex.EncodeToString(data)
}

// maxSealed bounds a stored value, in characters.
const maxSealed = 1 << 20

// decrypt undoes encrypt. The cipher has no authentication tag: a wrong key
// shows as bad padding, or one time in some 256 as garbage.
func (k keyring) decrypt(p platform, text string) (string, error) {
	if len(text) > maxSealed {
		return "", fmt.Errorf("longer than %d characters", maxSealed)
	}
	ivText, dataText, found := strings.Cut(text, ":")
	if !found {
		if p.plainText {
			return text, nil
		}
		return "", fmt.Errorf("not in the form hex:hex")
	}
	iv, err := hex.DecodeString(ivText)
	data, err2 := hex.DecodeString(dataText)
	if err != nil || err2 != nil || len(iv) != aes.BlockSize || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return "", fmt.Errorf("not in the form hex:hex")
	}
	block, err := aes.NewCipher(k.derive[p.provider]())
	if err != nil {
		panic(err)
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(data, data)
	pad := int(data[len(data)-1])
	if pad == 0 || pad > aes.BlockSize || !bytes.HasSuffix(data, bytes.Repeat([]byte{byte(pad)}, pad)) {
		return "", fmt.Errorf("wrong ENCRYPTION_KEY?")
	}
	return string(data[:len(data)-pad]), nil
}

// opener opens tokens: what is decrypted must be printable ASCII, or garbage
// would be sent to a provider.
func (k keyring) opener(p platform) func(string) (engine.Secret, error) {
	return func(text string) (engine.Secret, error) {
		plain, err := k.decrypt(p, text)
		if err == nil && plain == "" {
			err = fmt.Errorf("nothing was encrypted")
		}
		if err == nil && strings.ContainsFunc(plain, func(r rune) bool { return r < '!' || r > '~' }) {
			err = fmt.Errorf("wrong ENCRYPTION_KEY?")
		}
		if err != nil {
			return engine.Secret{}, unreadable("its tokens cannot be decrypted; nothing is written for it", err)
		}
		return engine.NewSecret(plain), nil
	}
}

// aead seals records: AES-256-GCM under a key of its own, derived from the
// platform's (HKDF-SHA256), so that one scrypt serves both.
func (k keyring) aead(p platform) cipher.AEAD {
	key, err := hkdf.Key(sha256.New, k.derive[p.provider](), []byte("tokentray-record-salt"), "tokentray record v1", 32)
	if err != nil {
		panic(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// sealRecord binds the account in, so that one account's record cannot be laid
// beside another.
func (k keyring) sealRecord(p platform, id string, record engine.Secret) engine.Sealed {
	text := k.aead(p).Seal(nil, nil, []byte(record.Reveal()), []byte(p.hashKey(id)))
	return k.sealedRecord(p, id, string(text))
}

func (k keyring) sealedRecord(p platform, id, text string) engine.Sealed {
	return engine.Seal(text, func(text string) (engine.Secret, error) {
		if len(text) > maxSealed {
			return engine.Secret{}, unreadable("the record beside it is too long", nil)
		}
		plain, err := k.aead(p).Open(nil, nil, []byte(text), []byte(p.hashKey(id)))
		if err != nil {
			return engine.Secret{}, unreadable("the record beside it cannot be opened", nil)
		}
		return engine.NewSecret(string(plain)), nil
	})
}
