package redistest

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/crypto/scrypt"
)

// Sim plays a relay on its claude accounts: its lock, its cipher, and its
// whole-hash write-backs, written from relay/INTEROP.md alone.
type Sim struct {
	client   *redis.Client
	key      []byte
	TokenURL string
}

// NewSim makes a relay that is not doing anything.
func NewSim(t testing.TB, s *Server, encryptionKey, tokenURL string) *Sim {
	t.Helper()
	key, err := scrypt.Key([]byte(encryptionKey), []byte("salt"), 16384, 8, 1, 32)
	if err != nil {
		t.Fatal(err)
	}
	return &Sim{s.Client, key, tokenURL}
}

func hashKey(id string) string { return "claude:account:" + id }

func (r *Sim) encrypt(plain string) string {
	block, err := aes.NewCipher(r.key)
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

func (r *Sim) decrypt(text string) string {
	ivText, dataText, _ := strings.Cut(text, ":")
	iv, err := hex.DecodeString(ivText)
	data, err2 := hex.DecodeString(dataText)
	if err != nil || err2 != nil || len(iv) != aes.BlockSize || len(data) == 0 {
		return ""
	}
	block, _ := aes.NewCipher(r.key)
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(data, data)
	return string(data[:len(data)-int(data[len(data)-1])])
}

// Fill adds n accounts as a relay has them, each with tokens of its own, whose
// access tokens live on for left.
func (r *Sim) Fill(ctx context.Context, n int, left time.Duration) error {
	expiry := strconv.FormatInt(time.Now().Add(left).UnixMilli(), 10)
	for from := 0; from < n; from += 1000 {
		pipe := r.client.Pipeline()
		for i := from; i < min(from+1000, n); i++ {
			id := fmt.Sprintf("%08d-0000-4000-8000-000000000000", i)
			pipe.HSet(ctx, hashKey(id), "id", id, "name", fmt.Sprint("account ", i), "isActive", "true", "status", "active", "errorMessage", "",
				"refreshToken", r.encrypt("sk-ant-ort01-"+strings.Repeat("r", 80)+id), "accessToken", r.encrypt("sk-ant-oat01-"+strings.Repeat("a", 80)+id),
				"expiresAt", expiry, "lastRefreshAt", "", "lastUsedAt", "", "proxy", "", "scopes", "user:inference user:profile")
			pipe.SAdd(ctx, "claude:account:index", id)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// RefreshToken is the stored one.
func (r *Sim) RefreshToken(id string) string {
	return r.decrypt(r.client.HGet(context.Background(), hashKey(id), "refreshToken").Val())
}

const unlock = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`

// Refresh is the relay's own refresh of an account that is within ahead of its
// expiry: its lock, a re-read, the exchange, its fields. It reports whether it
// refreshed.
func (r *Sim) Refresh(ctx context.Context, id string, ahead time.Duration) (bool, error) {
	due := func(hash map[string]string) bool {
		ms, _ := strconv.ParseInt(hash["expiresAt"], 10, 64)
		return time.Now().Add(ahead).After(time.UnixMilli(ms))
	}
	if hash, err := r.client.HGetAll(ctx, hashKey(id)).Result(); err != nil || !due(hash) {
		return false, err
	}
	lock, value := "token_refresh_lock:claude:"+id, rand.Text()
	if taken, err := r.client.SetNX(ctx, lock, value, time.Minute).Result(); err != nil || !taken {
		return false, err
	}
	defer r.client.Eval(ctx, unlock, []string{lock}, value)
	hash, err := r.client.HGetAll(ctx, hashKey(id)).Result()
	if err != nil || !due(hash) {
		return false, err
	}
	body, _ := json.Marshal(map[string]string{"grant_type": "refresh_token", "refresh_token": r.decrypt(hash["refreshToken"]),
		"client_id": "9d1c250a-e61b-44d9-88ed-5944d1962f5e"})
	resp, err := http.Post(r.TokenURL, "application/json", bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	var answer struct {
		Access    string `json:"access_token"`
		Refresh   string `json:"refresh_token"`
		ExpiresIn int    `json:"expires_in"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Refresh == "" {
		return false, fmt.Errorf("the simulated relay was answered %d, %v", resp.StatusCode, err)
	}
	now := time.Now()
	return true, r.client.HSet(ctx, hashKey(id), "accessToken", r.encrypt(answer.Access), "refreshToken", r.encrypt(answer.Refresh),
		"expiresAt", strconv.FormatInt(now.Add(time.Duration(answer.ExpiresIn)*time.Second).UnixMilli(), 10),
		"lastRefreshAt", now.UTC().Format("2006-01-02T15:04:05.000Z"), "status", "active", "errorMessage", "").Err()
}

// Hash is the account as a relay reads it.
func (r *Sim) Hash(id string) map[string]string {
	return r.client.HGetAll(context.Background(), hashKey(id)).Val()
}

// WriteBack writes a whole hash back, as it was read before, with a new time
// of last use.
func (r *Sim) WriteBack(id string, hash map[string]string) error {
	hash["lastUsedAt"] = time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	return r.client.HSet(context.Background(), hashKey(id), hash).Err()
}

// Load is a relay under load: callers that each read the whole hash, wait 1 to
// 20 ms, and write it back. Stop ends it and returns when an old refresh token
// was last written over a newer one; zero: never.
func (r *Sim) Load(id string, callers int) (stop func() time.Time) {
	var wg sync.WaitGroup
	var last atomic.Int64
	ended := make(chan struct{})
	for range callers {
		wg.Go(func() {
			for {
				hash := r.Hash(id)
				select {
				case <-time.After(time.Duration(1+mathrand.IntN(20)) * time.Millisecond):
				case <-ended: // a request is finished, whatever comes
				}
				stale := r.client.HGet(context.Background(), hashKey(id), "refreshToken").Val() != hash["refreshToken"]
				r.WriteBack(id, hash)
				if stale {
					last.Store(time.Now().UnixNano())
				}
				select {
				case <-ended:
					return
				default:
				}
			}
		})
	}
	return func() time.Time {
		close(ended)
		wg.Wait()
		if at := last.Load(); at != 0 {
			return time.Unix(0, at)
		}
		return time.Time{}
	}
}
