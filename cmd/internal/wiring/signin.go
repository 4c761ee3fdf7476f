package wiring

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tokentray/engine"
	"tokentray/engine/provider"
)

// StartSignIn begins a sign-in; see provider.StartSignIn.
func (a *App) StartSignIn(name, client string) (*provider.SignIn, error) {
	return provider.StartSignIn(a.providers, name, client)
}

// SignInAgain finishes a sign-in in the place of an account's login, through its
// proxy.
func (a *App) SignInAgain(ctx context.Context, s *provider.SignIn, code engine.Secret, key engine.Key) (engine.View, error) {
	a.signIns.Add(1) // Close waits: what a person made is stored
	defer a.signIns.Done()
	account, err := a.Load(ctx, key)
	if err != nil {
		return engine.View{}, err
	}
	if account.Problem != nil {
		return engine.View{}, account.Problem
	}
	token, err := finish(ctx, s, code, account.Proxy)
	if err != nil {
		return engine.View{}, err
	}
	return a.SignedIn(context.WithoutCancel(ctx), key, token)
}

// SignInNew finishes a sign-in as a new account, through n's proxy. What of n a
// sign-in gives is filled in.
func (a *App) SignInNew(ctx context.Context, s *provider.SignIn, code engine.Secret, n engine.NewAccount) (engine.Account, error) {
	a.signIns.Add(1)
	defer a.signIns.Done()
	token, err := finish(ctx, s, code, n.Proxy)
	if err != nil {
		return engine.Account{}, err
	}
	n.RefreshToken, n.AccessToken, n.IDToken, n.ExpiresAt = token.RefreshToken, token.AccessToken, token.IDToken, token.ExpiresAt
	n.Scopes, n.Organization = token.Scope, token.Organization
	return a.addStubbornly(context.WithoutCancel(ctx), n)
}

// finish makes a second try where the first never left this machine.
func finish(ctx context.Context, s *provider.SignIn, code, proxy engine.Secret) (engine.Token, error) {
	token, err := s.Finish(ctx, code, proxy)
	if e, ok := err.(*engine.Error); ok && e.Unsent {
		select {
		case <-time.After(time.Second):
			return s.Finish(ctx, code, proxy)
		case <-ctx.Done():
		}
	}
	return token, err
}

// addTries is for how long an account that cost a person a sign-in is tried to
// be stored.
const addTries = 15 * time.Second

func (a *App) addStubbornly(ctx context.Context, n engine.NewAccount) (engine.Account, error) {
	n.ID = uuid.NewString() // one, however often it is tried
	for end := time.Now().Add(addTries); ; time.Sleep(time.Second) {
		account, err := a.Add(ctx, n)
		if err == nil || engine.KindOf(err) != engine.KindStore || time.Now().After(end) {
			return account, err
		}
	}
}

// TestProxy tries the way from here to an account's provider, through its proxy
// if it has one; see provider.Probe.
func (a *App) TestProxy(ctx context.Context, key engine.Key) error {
	account, err := a.Load(ctx, key)
	if err != nil {
		return err
	}
	return provider.Probe(ctx, a.providers, account.Provider, account.Proxy)
}
