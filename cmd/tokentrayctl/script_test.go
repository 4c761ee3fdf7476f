package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rogpeppe/go-internal/testscript"

	"tokentray/engine"
	"tokentray/engine/provider/strict"
	"tokentray/engine/store/relay"
	"tokentray/engine/store/relay/redistest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"tokentrayctl": transcribed,
		"rediscli":     rediscli,
		"browse":       browse,
	})
}

// rediscli sends one command to the script's Redis and prints the reply.
func rediscli() {
	client := redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_ADDR")})
	var args []any
	for _, a := range os.Args[1:] {
		args = append(args, a)
	}
	reply, err := client.Do(context.Background(), args...).Result()
	if err != nil && err != redis.Nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if list, ok := reply.([]any); ok {
		for _, v := range list {
			fmt.Println(v)
		}
		return
	}
	fmt.Println(reply)
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("TOKENTRAY_HOME", env.WorkDir+"/home")
			env.Setenv("NO_COLOR", "1")
			env.Setenv("GEMINI_OAUTH_CLIENT_SECRET", strict.ClientSecret)
			env.Setenv(transcriptKey, env.WorkDir+"/transcript")
			env.Defer(func() {
				if err := checkSecrets(env); err != nil {
					t.Error(err)
				}
			})
			env.Values["world"] = &world{}
			env.Values[testingKey] = t // its end stops the servers
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"world":     makeWorld,
			"fail":      onWorld((*world).fail),
			"slow":      onWorld((*world).slow),
			"arrived":   onWorld((*world).arrived),
			"heal":      onWorld((*world).heal),
			"revoke":    onWorld((*world).revoke),
			"signedin":  onWorld((*world).signedIn),
			"endless":   onWorld((*world).endless),
			"exchanges": onWorld((*world).exchanges),
			"lock":      onWorld((*world).lock),
			"relay":     onWorld((*world).relay),
			"rotate":    onWorld((*world).rotate),
			"stale":     onWorld((*world).stale),
			"herd":      onWorld((*world).herd),
			"redis":     onWorld((*world).redis),
			"told":      onWorld((*world).told),
			"decrypts":  onWorld((*world).decrypts),
			"tool":      onWorld((*world).tool),
			"written":   onWorld((*world).written),
			"acl":       onWorld((*world).acl),
			"team":      onWorld((*world).teams),
			"proxy":     onWorld((*world).proxy),
			"waitfor":   waitFor,
			"listens":   listens,
			"scrape":    scrape,
		},
	})
}

// world is what a script works in: a Redis with what a relay wrote, a strict
// provider that knows its tokens, and a webhook.
type world struct {
	server   *redistest.Server
	provider *strict.Server
	store    *relay.Store
	team     *redistest.Server // one more relay's
	logins   map[string]*strict.Login
	keys     map[string]engine.Key

	worlds int // of this script so far

	// first are the hashes as they were at the beginning.
	first map[string]map[string]string

	mu    sync.Mutex
	posts []string
}

// left is how long the dump's accounts still live in a script.
var left = map[string]time.Duration{
	"MyAccount": 3 * time.Minute, "团队账户 🚀": 7 * time.Hour, "setup-token only": 365 * 24 * time.Hour, "disabled": -time.Minute,
	"gemini-main": 4 * time.Minute, "antigravity 账户": 50 * time.Minute, "codex": 10 * 24 * time.Hour,
}

// makeWorld starts it all; NAME=DURATION sets when an account expires.
func makeWorld(ts *testscript.TestScript, _ bool, args []string) {
	w := ts.Value("world").(*world)
	w.worlds++
	ts.Setenv("TOKENTRAY_HOME", ts.MkAbs(strings.Repeat("another-", w.worlds-1)+"home")) // it would know the accounts again
	t := ts.Value(testingKey).(*testing.T)
	w.server = redistest.Start(t)
	dump := redistest.Relay(t)
	dump.Load(t, w.server.Client)
	var err error
	w.provider, err = strict.New()
	ts.Check(err)
	ts.Defer(w.provider.Close)
	w.store = relay.Open(relay.Config{Addrs: []string{w.server.Addr}, EncryptionKey: engine.NewSecret(dump.EncryptionKey)})
	ts.Defer(func() { w.store.Close() })

	w.logins, w.keys = map[string]*strict.Login{}, map[string]engine.Key{}
	for _, p := range dump.Plain {
		w.keys[p.Name] = engine.Key{Provider: p.Platform, ID: p.ID}
		if p.RefreshToken != "" {
			w.logins[p.Name] = w.provider.SignIn(p.Platform, p.RefreshToken)
		}
		if d, ok := left[p.Name]; ok {
			w.expire(p.Name, d)
		}
	}
	for _, arg := range args {
		name, text, _ := strings.Cut(arg, "=")
		d, err := time.ParseDuration(text)
		ts.Check(err)
		w.expire(name, d)
	}
	w.first = map[string]map[string]string{}
	for name := range w.keys {
		w.first[name] = w.server.Client.HGetAll(context.Background(), w.hash(name)).Val()
	}
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.posts = append(w.posts, string(body))
	}))
	ts.Defer(hook.Close)

	dumped, err := filepath.Abs("../../engine/store/relay/redistest/relay-dump.json")
	ts.Check(err)
	for name, value := range map[string]string{
		"DUMP":       dumped,
		"REDIS_ADDR": w.server.Addr, "REDIS_HOST": w.server.Host, "REDIS_PORT": w.server.Port,
		"ENCRYPTION_KEY": dump.EncryptionKey, "WEBHOOK_URL": hook.URL + "/hook-secret",
		"CLAUDE_TOKEN_URL": w.provider.URL(engine.Claude), "GEMINI_TOKEN_URL": w.provider.URL(engine.Gemini),
		"ISSUER": w.provider.Issuer(), "GENERIC_TOKEN_URL": w.provider.URL(engine.Generic), "GENERIC_AUTH_URL": w.provider.AuthorizeURLs()[engine.Generic],
		"GENERIC_ID": strict.GenericID, "GENERIC_SECRET": strict.GenericSecret,
		"OPENAI_TOKEN_URL": w.provider.URL(engine.OpenAI), "DROID_TOKEN_URL": w.provider.URL(engine.Droid),
		"MYACCOUNT": w.hash("MyAccount"), "GEMINI_MAIN": w.hash("gemini-main"), "CODEX": w.hash("codex"), "TEAM": w.hash("团队账户 🚀"),
	} {
		ts.Setenv(name, value)
	}
	signIns(ts, w.provider)
}

const testingKey = "testing"

func onWorld(do func(*world, *testscript.TestScript, []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		err := do(ts.Value("world").(*world), ts, args)
		if neg && err == nil {
			ts.Fatalf("it holds, and should not")
		}
		if !neg {
			ts.Check(err)
		}
	}
}

var prefixes = map[string]string{engine.Claude: "claude:account:", engine.Gemini: "gemini_account:", engine.OpenAI: "openai:account:"}

func (w *world) hash(name string) string { return prefixes[w.keys[name].Provider] + w.keys[name].ID }

func (w *world) expire(name string, left time.Duration) {
	at := time.Now().Add(left)
	text := at.UTC().Format("2006-01-02T15:04:05.000Z")
	if w.keys[name].Provider == engine.Claude {
		text = strconv.FormatInt(at.UnixMilli(), 10)
	}
	w.server.Client.HSet(context.Background(), w.hash(name), "expiresAt", text)
}

// fail PROVIDER STATUS [COUNT]: the provider's next requests.
func (w *world) fail(ts *testscript.TestScript, args []string) error {
	status, err := strconv.Atoi(args[1])
	count := 1
	if err == nil && len(args) > 2 {
		count, err = strconv.Atoi(args[2])
	}
	fault := strict.Fault{Status: status}
	if status == http.StatusTooManyRequests {
		fault.Header = map[string]string{"Retry-After": "3600"}
	}
	for range count {
		w.provider.Fail(args[0], fault)
	}
	return err
}

// slow PROVIDER DURATION: its next answer takes so long.
func (w *world) slow(_ *testscript.TestScript, args []string) error {
	d, err := time.ParseDuration(args[1])
	w.provider.Fail(args[0], strict.Fault{Delay: d})
	return err
}

// redis down: it is gone.
func (w *world) redis(_ *testscript.TestScript, args []string) error {
	if len(args) != 1 || args[0] != "down" {
		return fmt.Errorf("redis down, not %v", args)
	}
	w.server.Kill()
	return nil
}

// arrived COUNT: waits until the provider has got so many requests.
func (w *world) arrived(_ *testscript.TestScript, args []string) error {
	want, _ := strconv.Atoi(args[0])
	for deadline := time.Now().Add(20 * time.Second); len(w.provider.Requests()) < want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("%d requests", len(w.provider.Requests()))
		}
	}
	return nil
}

// heal PROVIDER: it answers again.
func (w *world) heal(_ *testscript.TestScript, args []string) error {
	w.provider.Heal(args[0])
	return nil
}

// revoke NAME: its login is ended at the provider.
func (w *world) revoke(_ *testscript.TestScript, args []string) error {
	w.provider.Kill(w.logins[args[0]])
	return nil
}

// signedin TOKEN: the generic provider has a login with this refresh token.
func (w *world) signedIn(_ *testscript.TestScript, args []string) error {
	w.logins[args[0]] = w.provider.SignIn(engine.Generic, args[0])
	return nil
}

// endless: from now on the generic provider's tokens do not expire.
func (w *world) endless(*testscript.TestScript, []string) error {
	w.provider.Endless()
	return nil
}

// exchanges NAME COUNT: so many were made for it, and none was a replay.
func (w *world) exchanges(_ *testscript.TestScript, args []string) error {
	l := w.provider.Look(w.logins[args[0]])
	if want, _ := strconv.Atoi(args[1]); l.Exchanges != want || l.Replays != 0 {
		return fmt.Errorf("%s: %d exchanges and %d replays, want %d and 0", args[0], l.Exchanges, l.Replays, want)
	}
	return nil
}

// lock NAME DURATION: a relay holds its lock and dies.
func (w *world) lock(_ *testscript.TestScript, args []string) error {
	d, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	key := w.keys[args[0]]
	return w.server.Client.SetNX(context.Background(), "token_refresh_lock:"+key.Provider+":"+key.ID, "a-relay", d).Err()
}

// relay NAME DURATION: a relay takes the lock, and stores its refresh when the
// time is over.
func (w *world) relay(ts *testscript.TestScript, args []string) error {
	d, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	if err := w.lock(ts, []string{args[0], "1m"}); err != nil {
		return err
	}
	var done sync.WaitGroup
	done.Go(func() {
		time.Sleep(d)
		w.rotate(ts, args[:1])
		key := w.keys[args[0]]
		w.server.Client.Del(context.Background(), "token_refresh_lock:"+key.Provider+":"+key.ID)
	})
	ts.Defer(done.Wait)
	return nil
}

// stale NAME: a relay writes the hash back that it read at the beginning.
func (w *world) stale(_ *testscript.TestScript, args []string) error {
	return w.server.Client.HSet(context.Background(), w.hash(args[0]), w.first[args[0]]).Err()
}

// rotate NAME: another program refreshes it and stores the result.
func (w *world) rotate(_ *testscript.TestScript, args []string) error {
	ctx, login := context.Background(), w.logins[args[0]]
	body := fmt.Sprintf(`{"grant_type":"refresh_token","client_id":"9d1c250a-e61b-44d9-88ed-5944d1962f5e","refresh_token":%q}`,
		w.provider.Look(login).Refresh)
	resp, err := http.Post(w.provider.URL(engine.Claude), "application/json", strings.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	a, err := w.store.Load(ctx, w.keys[args[0]])
	if err != nil {
		return err
	}
	_, err = w.store.Write(ctx, a, engine.Change{At: time.Now(), Record: engine.Record{RefreshedAt: time.Now()}.Encode(),
		Token: engine.Token{AccessToken: engine.NewSecret(answer.Access), RefreshToken: engine.NewSecret(answer.Refresh), ExpiresAt: time.Now().Add(time.Hour)}})
	return err
}

// herd COUNT NAME[=LOGIN]: so many processes ask for the account's token at
// once, each for itself; all print its login's newest.
func (w *world) herd(ts *testscript.TestScript, args []string) error {
	n, _ := strconv.Atoi(args[0])
	name, login, renamed := strings.Cut(args[1], "=")
	if !renamed {
		login = name
	}
	binary, err := exec.LookPath("tokentrayctl")
	if err != nil {
		binary = ts.Getenv("PATH")[:strings.IndexByte(ts.Getenv("PATH"), os.PathListSeparator)] + "/tokentrayctl"
	}
	var env []string
	for _, name := range []string{"PATH", "HOME", "TOKENTRAY_HOME", "REDIS_HOST", "REDIS_PORT", "ENCRYPTION_KEY", "CLAUDE_TOKEN_URL", "GEMINI_TOKEN_URL", "GEMINI_OAUTH_CLIENT_SECRET"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	outputs := make([]string, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			cmd := exec.Command(binary, "--direct", "token", name)
			cmd.Env = env
			out, err := cmd.CombinedOutput()
			outputs[i] = strings.TrimSpace(string(out))
			if err != nil {
				outputs[i] += " " + err.Error()
			}
		})
	}
	wg.Wait()
	newest := w.provider.Look(w.logins[login]).Access
	if i := slices.IndexFunc(outputs, func(s string) bool { return s != newest }); i >= 0 {
		return fmt.Errorf("one of %d printed %q, not the newest token", n, outputs[i])
	}
	return nil
}

// told COUNT [REGEXP]: the webhook was told so often, the last time of that.
func (w *world) told(_ *testscript.TestScript, args []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if want, _ := strconv.Atoi(args[0]); len(w.posts) != want {
		return fmt.Errorf("the webhook was told %d times: %v", len(w.posts), w.posts)
	}
	if len(args) > 1 && !regexp.MustCompile(args[1]).MatchString(w.posts[len(w.posts)-1]) {
		return fmt.Errorf("the webhook was told %s", w.posts[len(w.posts)-1])
	}
	return nil
}

// decrypts NAME: Node's crypto reads the account's tokens as the relay would,
// and they are the login's newest.
func (w *world) decrypts(ts *testscript.TestScript, args []string) error {
	node, err := exec.LookPath("node")
	if err != nil {
		ts.Logf("no node here: not checked")
		return nil
	}
	salts := map[string]string{engine.Claude: "salt", engine.Gemini: "gemini-account-salt", engine.OpenAI: "openai-account-salt"}
	login := w.provider.Look(w.logins[args[0]])
	for field, want := range map[string]string{"refreshToken": login.Refresh, "accessToken": login.Access} {
		text := w.server.Client.HGet(context.Background(), w.hash(args[0]), field).Val()
		out, err := exec.Command(node, "-e", `
const crypto = require('crypto');
const [key, salt, text] = process.argv.slice(1);
const [iv, data] = text.split(':');
const d = crypto.createDecipheriv('aes-256-cbc', crypto.scryptSync(key, salt, 32), Buffer.from(iv, 'hex'));
process.stdout.write(d.update(data, 'hex', 'utf8') + d.final('utf8'));`, ts.Getenv("ENCRYPTION_KEY"), salts[login.Provider], text).CombinedOutput()
		if err != nil || string(out) != want {
			return fmt.Errorf("%s: node reads %q, %v", field, out, err)
		}
	}
	return nil
}

// waitFor FILE REGEXP: until the file matches.
func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	re := regexp.MustCompile("(?m)" + args[1])
	for deadline := time.Now().Add(90 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if text, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && re.Match(text) {
			return
		}
	}
	text, _ := os.ReadFile(ts.MkAbs(args[0]))
	ts.Fatalf("%s never matched %s:\n%s", args[0], args[1], text)
}
