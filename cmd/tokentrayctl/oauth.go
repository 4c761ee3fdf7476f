package main

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"strings"

	"tokentray/cmd/internal/wiring"
	"tokentray/engine"
	"tokentray/engine/provider"
)

// oauthFlags say where a generic account's provider is, and as which client we
// go there.
type oauthFlags struct {
	Issuer       string   `group:"For --provider generic:" placeholder:"URL" help:"Ask this issuer for the URLs (OpenID Connect Discovery, RFC 8414)."`
	TokenURL     string   `group:"For --provider generic:" name:"token-url" placeholder:"URL" help:"Or this is the token endpoint,"`
	AuthURL      string   `group:"For --provider generic:" name:"auth-url" placeholder:"URL" help:"and this the page on which people sign in."`
	ClientID     string   `group:"For --provider generic:" name:"client-id" placeholder:"ID" help:"The client that is registered with the provider."`
	ClientSecret string   `group:"For --provider generic:" placeholder:"-" help:"- reads its secret from the first line of standard input. Else it is TOKENTRAY_CLIENT_SECRET's, or asked for at a terminal; none: a public client."`
	AuthStyle    string   `group:"For --provider generic:" enum:",auto,header,params" default:"" placeholder:"S" help:"How the client names itself: auto (found out), header (HTTP Basic) or params."`
	Scopes       string   `group:"For --provider generic:" placeholder:"S" help:"What to ask for at the sign-in, separated by spaces."`
	AuthParam    []string `group:"For --provider generic:" sep:"none" placeholder:"N=V" help:"What its sign-in page wants beside, such as prompt=consent."`
	RedirectURL  string   `group:"For --provider generic:" name:"redirect-url" placeholder:"URL" help:"Where the browser comes back to: http://127.0.0.1/callback, on any free port, unless the provider knows another of this machine."`
}

const clientSecretVariable = "TOKENTRAY_CLIENT_SECRET"

// given reports whether there is any.
func (f oauthFlags) given() bool {
	return f.Issuer+f.TokenURL+f.AuthURL+f.ClientID+f.ClientSecret+f.AuthStyle+f.Scopes+f.RedirectURL != "" || len(f.AuthParam) > 0
}

// fits checks that the flags are for the provider.
func (f oauthFlags) fits(name string) error {
	generic := name == engine.Generic
	switch {
	case !generic && f.given():
		return fault{exitUsage, fmt.Errorf("--issuer, --token-url, --client-id and the like are for --provider generic")}
	case generic && (f.Issuer == "") == (f.TokenURL == ""):
		return fault{exitUsage, fmt.Errorf("give --issuer, or --token-url and --auth-url, to say where the provider is")}
	case generic && f.ClientID == "":
		return fault{exitUsage, fmt.Errorf("give --client-id: the provider gives one to each program that is registered with it")}
	}
	return nil
}

// of is the OAuth of a new generic account, a draft where an issuer is to be
// asked; of another account "".
func (f oauthFlags) of(s *session, name string) (engine.Secret, error) {
	if name != engine.Generic {
		return engine.Secret{}, nil
	}
	if f.ClientSecret == "" && os.Getenv(clientSecretVariable) == "" && s.atTerminal() {
		f.ClientSecret = "-"
	}
	o, err := f.change(s, provider.OAuth{ClientSecret: engine.NewSecret(os.Getenv(clientSecretVariable))})
	return o.Draft(), err
}

// change puts what was given in the place of what is.
func (f oauthFlags) change(s *session, o provider.OAuth) (provider.OAuth, error) {
	if f.TokenURL != "" || f.AuthURL != "" { // the issuer would say otherwise at the next sign-in
		o.Issuer, o.NamesItself = "", false
	}
	params := url.Values{}
	for _, param := range f.AuthParam {
		name, value, ok := strings.Cut(param, "=")
		if !ok {
			return o, fault{exitUsage, fmt.Errorf("--auth-param must be NAME=VALUE, such as prompt=consent")}
		}
		params.Set(name, value)
	}
	for _, field := range []struct {
		is    *string
		given string
	}{
		{&o.Issuer, f.Issuer}, {&o.TokenURL, f.TokenURL}, {&o.AuthorizeURL, f.AuthURL}, {&o.ClientID, f.ClientID}, {&o.AuthStyle, f.AuthStyle},
		{&o.Scopes, f.Scopes}, {&o.AuthorizeParams, params.Encode()}, {&o.RedirectURL, f.RedirectURL},
	} {
		*field.is = cmp.Or(field.given, *field.is)
	}
	if o.AuthStyle == "auto" {
		o.AuthStyle = ""
	}
	switch f.ClientSecret {
	case "":
	case "-":
		line, err := s.secretLine("Client secret, empty for none")
		if err != nil {
			return o, fault{exitUsage, err}
		}
		o.ClientSecret = engine.NewSecret(strings.TrimSpace(line))
	default:
		return o, fault{exitUsage, fmt.Errorf("a client secret does not belong on a command line, where others can read it: " +
			"give --client-secret - and write it to the first line of standard input")}
	}
	return o, nil
}

// reclient changes a generic account's OAuth as the flags say.
func (s *session) reclient(app *wiring.App, key engine.Key, f oauthFlags) error {
	if key.Provider != engine.Generic {
		return fault{exitUsage, fmt.Errorf("--issuer, --token-url, --client-id and the like are for generic accounts")}
	}
	account, err := app.Load(s.ctx, key)
	if err != nil {
		return err
	}
	o, err := provider.ReadOAuth(account.OAuth)
	if err != nil && f.TokenURL == "" && f.Issuer == "" { // else it is given anew
		return err
	}
	if o, err = f.change(s, o); err != nil {
		return err
	}
	changed := o.Draft()
	if f.Issuer != "" {
		if changed, err = app.Discovered(s.ctx, changed, account.Proxy); err != nil {
			return err
		}
	} else if changed, err = o.Setting(); err != nil {
		return err
	}
	_, err = app.Edit(s.ctx, key, engine.Edit{OAuth: &changed})
	return err
}

// oauthText shows what an account says of its provider and client; "" where it
// says nothing.
func oauthText(setting engine.Secret) string {
	if setting.Empty() {
		return ""
	}
	o, err := provider.ReadOAuth(setting)
	if err != nil {
		return engine.CleanLine(err.Error())
	}
	secret := "without a secret"
	if !o.ClientSecret.Empty() {
		secret = "with a secret, named by " + cmp.Or(o.AuthStyle, "auto")
	}
	return engine.Clean(o.TokenURL) + ", as " + engine.Clean(o.ClientID) + " " + secret
}
