package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"tokentray/engine"
)

// Import reads what Export wrote. Its errors are of KindSettings: a person
// chose the file and typed the passphrase.
func Import(r io.Reader, passphrase engine.Secret) ([]engine.NewAccount, error) {
	if err := needed(passphrase); err != nil {
		return nil, err
	}
	file, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("the file could not be read: %w", err)
	}
	if len(file) > maxSize {
		return nil, refuse("the file is larger than %d MiB: no export is; choose the file that the export wrote", maxSize>>20)
	}
	text, err := decrypt(file, passphrase)
	if err != nil {
		return nil, err
	}
	return decode(text)
}

func refuse(format string, args ...any) error {
	return engine.Errorf(engine.KindSettings, fmt.Sprintf(format, args...), nil)
}

// decrypt leaves out the causes, which can quote the file.
func decrypt(file []byte, passphrase engine.Secret) ([]byte, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(file), []byte(armor.Header)) {
		return nil, refuse("this is no export of Tokentray: choose the file that the export wrote")
	}
	damaged := refuse("the file is damaged or cut short: copy it again, or export once more")
	binary, err := io.ReadAll(armor.NewReader(bytes.NewReader(file)))
	if err != nil {
		return nil, damaged
	}
	identity, err := age.NewScryptIdentity(passphrase.Reveal())
	if err != nil {
		return nil, err
	}
	identity.SetMaxWorkFactor(maxWorkFactor)
	plain, err := age.Decrypt(bytes.NewReader(binary), identity)
	if other, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		if slices.Contains(other.StanzaTypes, "scrypt") {
			return nil, refuse("the passphrase is wrong: type the one that the export was made with")
		}
		return nil, refuse("the file is encrypted to a key, not with a passphrase: choose the file that the export wrote")
	}
	if err != nil {
		return nil, damaged
	}
	text, err := io.ReadAll(plain)
	if err != nil {
		return nil, damaged
	}
	return text, nil
}

// decode reads the decrypted JSON. Fields that are not known here are left
// out.
func decode(text []byte) ([]engine.NewAccount, error) {
	foreign := refuse("what is encrypted in the file is no export of Tokentray: choose the file that the export wrote")
	var form struct{ Version int }
	if err := json.Unmarshal(text, &form); err != nil || form.Version < 1 {
		return nil, foreign
	}
	if form.Version > version {
		return nil, refuse("the file was written by a newer Tokentray (version %d of its form, %d is known here): update", form.Version, version)
	}
	var c content
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, foreign
	}
	accounts := make([]engine.NewAccount, 0, len(c.Accounts))
	for i, a := range c.Accounts {
		if err := a.check(); err != nil {
			return nil, refuse("account %d of the export cannot be used: %v", i+1, err)
		}
		accounts = append(accounts, engine.NewAccount{
			Provider: a.Provider, Name: engine.Clean(a.Name), Client: a.Client, RefreshToken: engine.NewSecret(a.RefreshToken),
			AccessToken: engine.NewSecret(a.AccessToken), ExpiresAt: a.ExpiresAt.UTC(), Proxy: engine.NewSecret(a.Proxy),
			Scopes: engine.CleanLine(a.Scopes), IDToken: engine.NewSecret(a.IDToken), Organization: engine.Clean(a.Organization),
			OAuth: engine.NewSecret(a.OAuth), Inactive: !a.Active,
		})
	}
	return accounts, nil
}

// check quotes nothing of the account.
func (a account) check() error {
	if engine.Clean(a.Name) == "" {
		return errors.New("it has no name")
	}
	if engine.Clean(a.Provider) != a.Provider || a.Provider == "" || engine.Clean(a.Client) != a.Client {
		return errors.New("its provider or its client is no name")
	}
	if a.AccessToken == "" && a.RefreshToken == "" {
		return errors.New("it has no token")
	}
	for _, token := range []string{a.AccessToken, a.RefreshToken, a.IDToken} {
		if strings.ContainsFunc(token, func(r rune) bool { return r < '!' || r > '~' }) {
			return errors.New("a token of it is not printable ASCII")
		}
	}
	if year := a.ExpiresAt.UTC().Year(); !a.ExpiresAt.IsZero() && (year < 1970 || year > 9999) {
		return errors.New("its expiry is no time of ours")
	}
	return nil
}
