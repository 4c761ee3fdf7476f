package relay

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"tokentray/engine"
)

// Add implements engine.Store: it writes what the relay itself writes for a
// new account, so that the relay lists and uses it.
func (s *Store) Add(ctx context.Context, n engine.NewAccount) (engine.Account, error) {
	p, ok := platforms[n.Provider]
	if !ok {
		return engine.Account{}, NotKept(n.Provider)
	}
	id := cmp.Or(n.ID, uuid.NewString())
	hash := s.newHash(p, id, n, time.Now())

	write := func(pipe redis.Pipeliner) error {
		pipe.HSet(ctx, p.hashKey(id), hash)
		pipe.SAdd(ctx, p.index(), id)
		pipe.Del(ctx, p.emptyMarker())
		if p.shared != "" {
			pipe.SAdd(ctx, p.shared, id)
		}
		return nil
	}
	var err error
	if s.cluster() {
		// No MULTI across slots: the hash first, so that no index names an
		// account that is not there.
		if err = s.client.HSet(ctx, p.hashKey(id), hash).Err(); err == nil {
			_, err = s.client.Pipelined(ctx, write)
		}
	} else {
		var commands []redis.Cmder
		commands, err = s.client.TxPipelined(ctx, write)
		for _, c := range commands { // the one for whose sake the others were not done
			if redis.HasErrorPrefix(err, "EXECABORT") && c.Err() != nil {
				err = c.Err()
			}
		}
	}
	if err != nil {
		return engine.Account{}, s.fault(err)
	}
	return s.Load(ctx, engine.Key{Provider: p.provider, ID: id})
}

// Keeps reports whether a relay keeps accounts of a provider.
func Keeps(provider string) bool {
	_, ok := platforms[provider]
	return ok
}

// NotKept is the error where it does not.
func NotKept(provider string) error {
	return engine.Errorf(engine.KindSettings, "a relay keeps no "+engine.ProviderTitle(provider)+" accounts: add it to the embedded store (--into embedded)", nil)
}

// newHash holds every field that the relay gives a new account of the
// platform.
func (s *Store) newHash(p platform, id string, n engine.NewAccount, now time.Time) map[string]string {
	encrypt := func(secret engine.Secret) string { return s.keys.encrypt(p, secret.Reveal()) }
	sealJSON := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return s.keys.encrypt(p, string(text))
	}
	hash := map[string]string{
		"id": id, "name": n.Name, "description": "", "accountType": "shared", "priority": "50",
		"isActive": strconv.FormatBool(!n.Inactive), "schedulable": "true", "status": "active", "errorMessage": "", "proxy": n.Proxy.Reveal(),
		"createdAt": iso(now), "lastUsedAt": "", "lastRefreshAt": "", "subscriptionExpiresAt": "",
		"accessToken": encrypt(n.AccessToken), "refreshToken": encrypt(n.RefreshToken), "expiresAt": p.expiry(n.ExpiresAt),
	}
	set := func(names []string, value string) {
		for _, name := range names {
			hash[name] = value
		}
	}
	access, refresh := n.AccessToken.Reveal(), n.RefreshToken.Reveal()
	switch p.provider {
	case engine.Claude:
		set([]string{"email", "password", "extInfo", "scopes", "subscriptionInfo", "tempUnavailable503TtlSeconds", "tempUnavailable5xxTtlSeconds"}, "")
		set([]string{"autoStopOnWarning", "disableTempUnavailable", "interceptWarmup", "useUnifiedUserAgent"}, "false")
		hash["platform"], hash["maxConcurrency"], hash["scopes"] = "claude", "0", n.Scopes
		if access == "" {
			hash["status"] = "created"
			break
		}
		hash["scopes"] = cmp.Or(n.Scopes, "user:inference")
		hash["unifiedClientId"], hash["useUnifiedClientId"] = "", "false"
		hash["claudeAiOauth"] = sealJSON(map[string]any{
			"accessToken": access, "refreshToken": refresh, "expiresAt": millis(n.ExpiresAt), "scopes": strings.Fields(hash["scopes"]),
		})
	case engine.Gemini:
		delete(hash, "errorMessage") // the relay gives it none
		set([]string{"projectId", "tempProjectId", "supportedModels"}, "")
		hash["platform"], hash["disableAutoProtection"], hash["updatedAt"] = "gemini", "false", iso(now)
		hash["oauthProvider"] = cmp.Or(n.Client, engine.GeminiCLI)
		hash["scopes"] = cmp.Or(n.Scopes, "https://www.googleapis.com/auth/cloud-platform")
		hash["geminiOauth"] = s.keys.encrypt(p, geminiOauth(n.RefreshToken,
			engine.Token{AccessToken: n.AccessToken, ExpiresAt: n.ExpiresAt}, hash["scopes"]))
	case engine.OpenAI:
		for _, name := range []string{"lastUsedAt", "lastRefreshAt", "errorMessage"} {
			delete(hash, name) // the relay gives it none of these
		}
		if n.Proxy.Empty() {
			delete(hash, "proxy")
		}
		maps.Copy(hash, identityFields(n.IDToken))
		hash["idToken"], hash["email"] = encrypt(n.IDToken), encrypt(engine.NewSecret(hash["email"]))
		hash["disableAutoProtection"], hash["groupId"], hash["rateLimitDuration"] = "false", "", "60"
		hash["updatedAt"], hash["lastRefresh"] = iso(now), iso(now)
		hash["openaiOauth"] = sealJSON(map[string]any{
			"idToken": n.IDToken.Reveal(), "accessToken": access, "refreshToken": refresh, "expires_in": max(int(n.ExpiresAt.Sub(now).Seconds()), 0),
		})
	case engine.Droid:
		set([]string{"owner", "ownerEmail", "ownerName", "ownerDisplayName", "userId", "authenticationMethod", "expiresIn", "apiKeys", "apiKeyStrategy"}, "")
		hash["platform"], hash["tokenType"], hash["endpointType"] = "droid", "Bearer", "anthropic"
		hash["noFailover"], hash["apiKeyCount"], hash["organizationId"] = "false", "0", n.Organization
		if access == "" {
			hash["status"] = "created"
		}
	}
	return hash
}
