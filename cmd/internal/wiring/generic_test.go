package wiring

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/provider"
	"tokentray/engine/settings"
)

// A token server that nobody here wrote, as a generic provider: its endpoints
// are found by its issuer, a person signs in on its pages, the client is named
// as it wants, the refresh token rotates, and no used one is sent. What is
// sent all the same ends the login, and a person signs in again in its place.
func TestGeneric(t *testing.T) {
	dir := nodeProgram(t, "oidc")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	ctx, lost := context.WithCancelCause(ctx)
	node := exec.CommandContext(ctx, "node", "server.mjs", "0")
	node.Dir = dir
	server := startChild(t, node, lost)
	var begun struct {
		Issuer   string `json:"issuer"`
		TokenURL string `json:"token_url"`
	}
	if err := json.Unmarshal([]byte(server.line(t, ctx)), &begun); err != nil {
		t.Fatal(err)
	}
	for _, style := range []string{"", provider.StyleHeader, provider.StyleParams} {
		t.Run("named by "+style, func(t *testing.T) {
			(events{}).until(t, ctx, server, "begin") // what was before
			app, err := Open(settings.Settings{Interval: time.Minute, Window: 5 * time.Minute, Paths: settings.Paths{Database: filepath.Join(t.TempDir(), "tokentray.db")}},
				slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
			if err != nil {
				t.Fatal(err)
			}
			defer app.Close()
			secret := engine.NewSecret("a secret+100% of=it&:") // as server.mjs has it
			n := engine.NewAccount{Provider: engine.Generic, Name: "any", OAuth: provider.OAuth{Issuer: begun.Issuer, ClientID: "confidential", ClientSecret: secret,
				AuthStyle: style, Scopes: "openid offline_access", AuthorizeParams: "prompt=consent"}.Draft()}

			signIn := func(s *provider.SignIn, err error) (*provider.SignIn, engine.Secret) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				page := make(chan string, 1)
				go func() {
					text, err := signInAt(ctx, s.URL)
					if err != nil {
						lost(err)
					}
					page <- text
				}()
				code, err := s.Wait(ctx)
				if text := <-page; err == nil && !strings.Contains(text, "Back to Tokentray") {
					t.Errorf("the browser ended on %s", text)
				}
				if err != nil {
					t.Fatal(err, context.Cause(ctx))
				}
				return s, code
			}
			s, code := signIn(app.StartSignIn(ctx, n))
			a, err := app.SignInNew(ctx, s, code, n)
			if err != nil {
				t.Fatal(err)
			}
			o, err := provider.ParseOAuth(a.OAuth)
			if err != nil || o.TokenURL != begun.TokenURL || !o.NamesItself || o.AuthStyle != cmp.Or(style, provider.StyleHeader) || o.ClientSecret != secret {
				t.Errorf("kept %+v, %v", o, err)
			}

			refresh := func(want string) engine.Result {
				t.Helper()
				summary, err := app.Pass(ctx, engine.PassParams{Keys: []engine.Key{a.Key}, Once: true})
				if err != nil || len(summary.Results) != 1 || summary.Results[0].Outcome != want {
					t.Fatalf("%+v, %v; want %s", summary.Results, err, want)
				}
				return summary.Results[0]
			}
			token := func() engine.Secret {
				whole, err := app.Load(ctx, a.Key)
				if err != nil {
					t.Fatal(err)
				}
				text, err := whole.RefreshToken.Open()
				if err != nil {
					t.Fatal(err)
				}
				return text
			}
			first := token()
			for range 5 {
				before := token()
				if refresh(engine.ResultRefreshed); token() == before {
					t.Error("the refresh token did not rotate")
				}
			}
			seen := events{}
			seen.until(t, ctx, server, "refreshed")
			if want := (events{"sign-in": 1, "grant.success": 5}); !maps.Equal(seen, want) {
				t.Errorf("the token server saw %v, want %v", seen, want)
			}

			// A used token that is sent again is refused and ends the login.
			p := provider.New(provider.Config{})[engine.Generic]
			if _, err := p.Exchange(ctx, engine.ExchangeRequest{RefreshToken: first, OAuth: a.OAuth}); engine.KindOf(err) != engine.KindLoginDead {
				t.Errorf("the first token once more: %v", err)
			}
			if r := refresh(engine.ResultFailed); engine.KindOf(r.Err) != engine.KindLoginDead {
				t.Errorf("after that: %v", r.Err)
			}
			s, code = signIn(app.StartSignInAgain(ctx, a.Key))
			if _, err := app.SignInAgain(ctx, s, code, a.Key); err != nil {
				t.Fatal(err)
			}
			refresh(engine.ResultRefreshed)

			o.ClientSecret = engine.NewSecret("wrong")
			setting, err := o.Setting()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := app.Edit(ctx, a.Key, engine.Edit{OAuth: &setting}); err != nil {
				t.Fatal(err)
			}
			if r := refresh(engine.ResultFailed); engine.KindOf(r.Err) != engine.KindSettings {
				t.Errorf("with a wrong secret: %v", r.Err)
			}
			seen = events{}
			seen.until(t, ctx, server, "ended")
			if seen["grant.revoked"] != 1 || seen["sign-in"] != 1 {
				t.Errorf("the token server saw %v", seen)
			}
		})
	}
	server.end(t)
}
