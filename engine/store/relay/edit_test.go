package relay

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/store/relay/redistest"
)

// An edit writes the fields that it names, in the relay's forms, and no other.
func TestEditChangesOnlyWhatItNames(t *testing.T) {
	server, dump := redistest.Start(t), redistest.Relay(t)
	dump.Load(t, server.Client)
	s := open(t, server, dump.EncryptionKey)
	name, proxy, off := "renamed", engine.NewSecret(`{"type":"http","host":"h","port":1}`), false
	for provider, id := range map[string]string{
		engine.Claude: "40b0726a-d278-4655-a04d-80b62637de1a",
		engine.Gemini: "57c466d5-8d65-4234-8031-c9f416983abc",
		engine.OpenAI: "3ca3cdcb-cc70-4f6a-acf0-89e9f0f37cc4",
	} {
		key := platforms[provider].hashKey(id)
		before := server.Client.HGetAll(t.Context(), key).Val()
		if _, err := s.Edit(t.Context(), engine.Key{Provider: provider, ID: id}, engine.Edit{Name: &name, Proxy: &proxy, Active: &off}); err != nil {
			t.Fatal(err)
		}
		after := server.Client.HGetAll(t.Context(), key).Val()
		var changed []string
		for field, value := range after {
			if before[field] != value {
				changed = append(changed, field)
			}
		}
		want := []string{"isActive", "name", "proxy"}
		if provider != engine.Claude {
			want = append(want, "updatedAt")
		}
		if slices.Sort(changed); !slices.Equal(changed, want) {
			t.Errorf("%s: changed %v, want %v", provider, changed, want)
		}
		if after["name"] != name || after["isActive"] != "false" || after["proxy"] != proxy.Reveal() {
			t.Errorf("%s: %q %q %q", provider, after["name"], after["isActive"], after["proxy"])
		}
	}
}

// After a removal no key names the account, and the others are as they were.
func TestRemoveLeavesNothing(t *testing.T) {
	server, dump := redistest.Start(t), redistest.Relay(t)
	s := open(t, server, dump.EncryptionKey)
	dump.Load(t, server.Client)
	keys := func() []string { return slices.Sorted(slices.Values(server.Client.Keys(t.Context(), "*").Val())) }
	before := keys()
	for _, p := range testPlatforms() {
		a, err := s.Add(t.Context(), engine.NewAccount{Provider: p.provider, Name: "short-lived", RefreshToken: engine.NewSecret("r")})
		if err == nil {
			_, err = s.Write(t.Context(), a, engine.Change{Record: engine.NewSecret("{}")})
		}
		if err == nil {
			err = s.Remove(t.Context(), a.Key)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, set := range []string{p.index(), p.shared} {
			if set != "" && server.Client.SIsMember(t.Context(), set, a.ID).Val() {
				t.Errorf("%s is still in %s", p.provider, set)
			}
		}
	}
	if after := keys(); !slices.Equal(before, after) {
		t.Errorf("keys before\n%v\nand after\n%v", before, after)
	}
}

// A removal that is repeated, because its reply was lost or because it could
// not be finished, is done; one that another finished is not.
func TestRemoveRepeated(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server, testKey)
	a, err := s.Add(t.Context(), engine.NewAccount{Provider: engine.Gemini, Name: "a", RefreshToken: engine.NewSecret("r")})
	if err != nil {
		t.Fatal(err)
	}
	p := platforms[engine.Gemini]
	if existed, err := removeScript.Run(t.Context(), s.client, []string{p.hashKey(a.ID), p.recordKey(a.ID)}).Bool(); err != nil || !existed {
		t.Fatal(existed, err)
	}
	if _, err := s.Load(t.Context(), a.Key); engine.KindOf(err) != engine.KindNotFound {
		t.Errorf("half removed: %v", err)
	}
	if ttl := server.Client.TTL(t.Context(), p.recordKey(a.ID)).Val(); ttl <= 0 || ttl > time.Minute {
		t.Errorf("what tells of the removal stays for %v", ttl)
	}
	if err := s.Remove(t.Context(), a.Key); err != nil {
		t.Errorf("the second time: %v", err)
	}
	if server.Client.SIsMember(t.Context(), p.index(), a.ID).Val() || server.Client.SIsMember(t.Context(), p.shared, a.ID).Val() {
		t.Error("still in an index")
	}
	if err := s.Remove(t.Context(), a.Key); engine.KindOf(err) != engine.KindNotFound {
		t.Errorf("the third time: %v", err)
	}
}

// What is no account and no index can be in the way, and is not.
func TestRemoveBroken(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server, testKey)
	server.Client.Set(t.Context(), "claude:account:text", "not a hash", 0)
	server.Client.Set(t.Context(), "claude:account:index", "not a set", 0)
	key, name := engine.Key{Provider: engine.Claude, ID: "text"}, "a"
	if _, err := s.Edit(t.Context(), key, engine.Edit{Name: &name}); engine.KindOf(err) != engine.KindUnreadable {
		t.Errorf("Edit: %v", err)
	}
	if err := s.Remove(t.Context(), key); err != nil {
		t.Error(err)
	}
	if _, err := s.Load(t.Context(), key); engine.KindOf(err) != engine.KindNotFound {
		t.Errorf("Load: %v", err)
	}
}

func jwt(payload string) engine.Secret {
	part := base64.RawURLEncoding.EncodeToString
	return engine.NewSecret(part([]byte(`{"alg":"RS256"}`)) + "." + part([]byte(payload)) + "." + part([]byte("signature")))
}

// From an ID token the relay knows whose account it is.
func TestAddWithAnIDToken(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server, testKey)
	p := platforms[engine.OpenAI]
	none := map[string]string{"accountId": "", "chatgptUserId": "", "planType": "", "organizationId": "", "organizationRole": "",
		"organizationTitle": "", "email": "", "emailVerified": "false"}
	for name, test := range map[string]struct {
		token engine.Secret
		want  map[string]string
	}{
		"all of it": {jwt(`{"email":"a@example.com","email_verified":true,"https://api.openai.com/auth":{"chatgpt_account_id":"acc","chatgpt_user_id":"user-1",
			"user_id":"user-2","chatgpt_plan_type":"pro","organizations":[{"id":"org-1","role":"reader","title":"One"},
			{"id":"org-2","role":"owner","title":"Two","is_default":true}]}}`),
			map[string]string{"accountId": "acc", "chatgptUserId": "user-1", "planType": "pro", "organizationId": "org-2", "organizationRole": "owner",
				"organizationTitle": "Two", "email": "a@example.com", "emailVerified": "true"}},
		"no default organisation, an older user id": {jwt(`{"https://api.openai.com/auth":{"chatgpt_account_id":"acc","user_id":"user-2",
			"organizations":[{"id":"org-1"},{"id":"org-2"}]}}`),
			map[string]string{"accountId": "acc", "chatgptUserId": "user-2", "organizationId": "org-1"}},
		"a claim of another type": {jwt(`{"email":7,"https://api.openai.com/auth":{"chatgpt_account_id":"acc","organizations":"none"}}`),
			map[string]string{"accountId": "acc"}},
		"no claims": {jwt(`{}`), nil},
		"no JSON":   {jwt(`<html>`), nil},
		"no JWT":    {engine.NewSecret("opaque-id-token"), nil},
		"none":      {engine.Secret{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := s.Add(t.Context(), engine.NewAccount{Provider: engine.OpenAI, Name: name, AccessToken: engine.NewSecret("access"),
				RefreshToken: engine.NewSecret("refresh"), IDToken: test.token, ExpiresAt: time.Now().Add(time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			hash := server.Client.HGetAll(t.Context(), p.hashKey(a.ID)).Val()
			for field, empty := range none {
				got, want := hash[field], test.want[field]
				if field == "email" && got != "" {
					if strings.Contains(got, "@") {
						t.Errorf("the email address is not encrypted: %q", got)
					}
					if got, err = s.keys.decrypt(p, got); err != nil {
						t.Fatal(err)
					}
				}
				if want == "" {
					want = empty
				}
				if got != want {
					t.Errorf("%s is %q, want %q", field, got, want)
				}
			}
			for field, want := range map[string]string{"idToken": test.token.Reveal(),
				"openaiOauth": `"idToken":"` + test.token.Reveal() + `"`} {
				if got, err := s.keys.decrypt(p, hash[field]); hash[field] != "" && err != nil || !strings.Contains(got, want) {
					t.Errorf("%s is %q, %v", field, got, err)
				}
			}
		})
	}
}
