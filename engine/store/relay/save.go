package relay

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"tokentray/engine"
)

var (
	//go:embed swap.lua
	swapText   string
	swapScript = newScript(swapText)
)

// Write implements engine.Store. Of an exchange it writes what the relay itself
// writes after a refresh, for each platform; of a dead token what the relay
// writes on failures, but not where the account's auto-protection is switched
// off.
func (s *Store) Write(ctx context.Context, old engine.Account, c engine.Change) (engine.Account, error) {
	p, ok := platforms[old.Provider]
	if !ok {
		return engine.Account{}, notFound(old.Key)
	}
	next := old
	var changes []string
	set := func(name, value string) { changes = append(changes, name, value) }
	seal := func(secret engine.Secret) engine.Sealed {
		return engine.Seal(s.keys.encrypt(p, secret.Reveal()), s.keys.opener(p))
	}
	newRefresh, unless := "", ""
	if !c.Token.RefreshToken.Empty() {
		next.RefreshToken = seal(c.Token.RefreshToken)
		newRefresh = next.RefreshToken.Stored()
		set("refreshToken", newRefresh)
	}
	if !c.Token.AccessToken.Empty() {
		next.AccessToken = seal(c.Token.AccessToken)
		next.ExpiresAt = c.Token.ExpiresAt
		set("accessToken", next.AccessToken.Stored())
		set("expiresAt", p.expiry(c.Token.ExpiresAt))
		if p.provider != engine.OpenAI {
			next.LastRefreshAt = c.At
			set("lastRefreshAt", iso(c.At))
			if !c.Restored {
				next.StoreStatus, next.StoreError = "active", ""
				set("status", "active")
				set("errorMessage", "")
			}
		}
		if err := s.setOwn(p, old, c.Token, c.At, set); err != nil {
			return engine.Account{}, err
		}
	}
	if c.Dead != "" && p.marksDead {
		set("status", "error")
		set("errorMessage", engine.CodeText(c.Dead))
		unless = "disableAutoProtection"
	}
	next.Record = s.keys.sealRecord(p, old.ID, c.Record)
	return next, s.swap(ctx, p, old, newRefresh, next.Record.Stored(), unless, changes)
}

// setOwn sets the fields that only one platform has.
func (s *Store) setOwn(p platform, old engine.Account, token engine.Token, at time.Time, set func(name, value string)) error {
	switch p.provider {
	case engine.Gemini:
		refresh := token.RefreshToken
		if refresh.Empty() {
			var err error
			if refresh, err = old.RefreshToken.Open(); err != nil {
				return err
			}
		}
		set("updatedAt", iso(at))
		set("geminiOauth", s.keys.encrypt(p, geminiOauth(refresh, token, old.Scopes)))
	case engine.OpenAI:
		set("updatedAt", iso(at))
		if !token.IDToken.Empty() {
			set("idToken", s.keys.encrypt(p, token.IDToken.Reveal()))
		}
	case engine.Droid:
		set("expiresIn", strconv.Itoa(int(token.ExpiresAt.Sub(at).Round(time.Second).Seconds())))
		for name, value := range map[string]string{"tokenType": orBearer(token.Type), "authenticationMethod": token.AuthMethod,
			"organizationId": token.Organization} {
			if value != "" {
				set(name, value)
			}
		}
	}
	return nil
}

// geminiOauth is the JSON that the relay keeps, encrypted, beside the fields.
func geminiOauth(refresh engine.Secret, token engine.Token, scopes string) string {
	scope := token.Scope
	if scope == "" {
		scope = scopes
	}
	text, err := json.Marshal(struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		Scope        string `json:"scope"`
		TokenType    string `json:"token_type"`
		ExpiryDate   int64  `json:"expiry_date"`
	}{token.AccessToken.Reveal(), refresh.Reveal(), scope, orBearer(token.Type), millis(token.ExpiresAt)})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func orBearer(tokenType string) string {
	if tokenType == "" {
		return "Bearer"
	}
	return tokenType
}

// swap runs the compare-and-swap.
func (s *Store) swap(ctx context.Context, p platform, old engine.Account, newRefresh, record, unless string, changes []string) error {
	args := []any{old.RefreshToken.Stored(), newRefresh, record, unless}
	for _, text := range changes {
		args = append(args, text)
	}
	outcome, err := swapScript.Run(ctx, s.client, []string{p.hashKey(old.ID), p.recordKey(old.ID)}, args...).Text()
	switch {
	case err != nil:
		return s.fault(err)
	case outcome == "gone":
		return notFound(old.Key)
	case outcome == "changed":
		return engine.Errorf(engine.KindConflict, "another program changed the account's refresh token", nil)
	case outcome != "done":
		return fmt.Errorf("the swap script answered %q", engine.Clean(outcome))
	}
	return nil
}
