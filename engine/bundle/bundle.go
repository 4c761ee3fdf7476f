package bundle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"

	"tokentray/engine"
)

const (
	// version is the newest form of a file that is known here.
	version = 1
	// maxSize bounds a file, in bytes.
	maxSize = 64 << 20
	// maxWorkFactor is the most that a file may demand: 2^20 takes a gigabyte
	// of memory and some seconds.
	maxWorkFactor = 20
)

// workFactor is the cost of one try at a passphrase: 2^18 is a second and
// 256 MiB. The tests have no secrets and set it low.
var workFactor = 18

// content is what is encrypted.
type content struct {
	Version  int       `json:"version"`
	Accounts []account `json:"accounts"`
}

type account struct {
	Provider     string    `json:"provider"`
	Name         string    `json:"name"`
	Client       string    `json:"client"`
	AccessToken  string    `json:"access_token"`
	RefreshToken string    `json:"refresh_token"`
	IDToken      string    `json:"id_token,omitempty"`
	ExpiresAt    time.Time `json:"expires_at,omitzero"` // RFC 3339
	Scopes       string    `json:"scopes"`
	Organization string    `json:"organization"`
	Proxy        string    `json:"proxy"`           // JSON, as text
	OAuth        string    `json:"oauth,omitempty"` // likewise, of generic accounts
	Active       bool      `json:"active"`
}

// Open makes an account that was read with its tokens one that can be exported
// or added elsewhere. Its error is of KindUnreadable.
func Open(a engine.Account) (engine.NewAccount, error) {
	if a.Problem != nil {
		return engine.NewAccount{}, a.Problem
	}
	refresh, err := a.RefreshToken.Open()
	if err != nil {
		return engine.NewAccount{}, err
	}
	access, err := a.AccessToken.Open()
	if err != nil {
		return engine.NewAccount{}, err
	}
	return engine.NewAccount{
		Provider: a.Provider, Name: a.Name, Client: a.Client, RefreshToken: refresh, AccessToken: access, ExpiresAt: a.ExpiresAt,
		Proxy: a.Proxy, Scopes: a.Scopes, Organization: a.Organization, OAuth: a.OAuth, Inactive: !a.Active,
	}, nil
}

// Export writes the accounts, encrypted with the passphrase, and nothing where
// it fails before the writing. An empty passphrase, and what Import would not
// take, is an error of KindSettings.
func Export(w io.Writer, accounts []engine.NewAccount, passphrase engine.Secret) error {
	if err := needed(passphrase); err != nil {
		return err
	}
	c := content{Version: version, Accounts: []account{}}
	for _, n := range accounts {
		c.Accounts = append(c.Accounts, account{
			Provider: n.Provider, Name: n.Name, Client: n.Client, AccessToken: n.AccessToken.Reveal(), RefreshToken: n.RefreshToken.Reveal(),
			IDToken: n.IDToken.Reveal(), ExpiresAt: n.ExpiresAt.UTC(), Scopes: n.Scopes, Organization: n.Organization, Proxy: n.Proxy.Reveal(),
			OAuth:  n.OAuth.Reveal(),
			Active: !n.Inactive,
		})
	}
	text, err := json.Marshal(c)
	if err != nil { // a year past 9999; its text could show the value
		return engine.Errorf(engine.KindSettings, "an account's expiry cannot be exported: refresh the accounts and export them again", nil)
	}
	if _, err := decode(text); err != nil {
		return err
	}
	file, err := encrypt(text, passphrase)
	if err != nil {
		return fmt.Errorf("the export could not be encrypted: %w", err)
	}
	if len(file) > maxSize {
		return engine.Errorf(engine.KindSettings, fmt.Sprintf("the export would be larger than %d MiB: export fewer accounts at once", maxSize>>20), nil)
	}
	if _, err := w.Write(file); err != nil {
		return fmt.Errorf("the export could not be written: %w", err)
	}
	return nil
}

func needed(passphrase engine.Secret) error {
	if passphrase.Empty() {
		return engine.Errorf(engine.KindSettings, "the passphrase is empty: an export holds tokens and is never without one", nil)
	}
	return nil
}

func encrypt(text []byte, passphrase engine.Secret) ([]byte, error) {
	recipient, err := age.NewScryptRecipient(passphrase.Reveal())
	if err != nil {
		return nil, err
	}
	recipient.SetWorkFactor(workFactor)
	var file bytes.Buffer
	armored := armor.NewWriter(&file)
	sealed, err := age.Encrypt(armored, recipient)
	if err != nil {
		return nil, err
	}
	for _, step := range []func() error{
		func() error { _, err := sealed.Write(text); return err },
		sealed.Close,
		armored.Close,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return file.Bytes(), nil
}
