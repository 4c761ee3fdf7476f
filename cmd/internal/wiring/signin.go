package wiring

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tokentray/engine"
	"tokentray/engine/provider"
)

// StartSignIn begins a sign-in as n, whose tokens do not matter; see
// provider.StartSignIn. The issuer of a generic account is asked first.
func (a *App) StartSignIn(ctx context.Context, n engine.NewAccount) (*provider.SignIn, error) {
	err := a.Keeps(n.Store, n.Provider)
	if err != nil {
		return nil, err
	}
	if n.Provider == engine.Generic {
		if n.OAuth, err = a.Discovered(ctx, n.OAuth, n.Proxy); err != nil {
			return nil, err
		}
	}
	return provider.StartSignIn(a.providers, n.Provider, n.Client, n.OAuth)
}

// StartSignInAgain begins a sign-in in the place of an account's login.
func (a *App) StartSignInAgain(ctx context.Context, key engine.Key) (*provider.SignIn, error) {
	account, err := a.Load(ctx, key)
	if err == nil {
		err = account.Problem
	}
	if err != nil {
		return nil, err
	}
	return a.StartSignIn(ctx, engine.NewAccount{Store: key.Store, Provider: account.Provider, Client: account.Client, OAuth: account.OAuth, Proxy: account.Proxy})
}

// Discovered is a generic account's OAuth with what its issuer, if it has one,
// says now.
func (a *App) Discovered(ctx context.Context, oauth, proxy engine.Secret) (engine.Secret, error) {
	o, err := provider.ReadOAuth(oauth)
	if err == nil {
		o, err = o.Discover(ctx, a.providers, proxy)
	}
	if err != nil {
		return engine.Secret{}, err
	}
	return o.Setting()
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
	if oauth := s.OAuth(); oauth != account.OAuth { // the issuer says otherwise now
		_, err := a.Edit(context.WithoutCancel(ctx), key, engine.Edit{OAuth: &oauth})
		if err != nil && engine.KindOf(err) != engine.KindStore { // a store that is away takes the login later, and this with the next
			return engine.View{}, err
		}
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
	n.Scopes, n.Organization, n.OAuth = token.Scope, token.Organization, s.OAuth()
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
	return provider.Probe(ctx, a.providers, account.Provider, account.OAuth, account.Proxy)
}
