package wiring

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/settings"
	"tokentray/engine/store/relay/redistest"
)

// Processes on machines of their own share two accounts of a token server that
// nobody here wrote, and refresh them as often as they can. A refresh token
// that came to it twice would revoke the account's grant: none does, and the
// stored tokens stay good.
func TestForeignTokenServer(t *testing.T) {
	const keepers, accounts = 4, 2
	rotations, limit := 20, time.Minute
	if os.Getenv("TOKENTRAY_LONG") != "" {
		rotations, limit = 100, 5*time.Minute
	}
	dir := nodeProgram(t, "oidc")
	redis := redistest.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	ctx, lost := context.WithCancelCause(ctx) // one process lost ends them all

	node := exec.CommandContext(ctx, "node", "server.mjs", fmt.Sprint(accounts))
	node.Dir = dir
	server := startChild(t, node, lost)
	var begun struct {
		TokenURL      string   `json:"token_url"`
		RefreshTokens []string `json:"refresh_tokens"`
	}
	if err := json.Unmarshal([]byte(server.line(t, ctx)), &begun); err != nil {
		t.Fatal(err)
	}
	setup := keeperSetup{Redis: redis.Addr, TokenURL: begun.TokenURL, Database: filepath.Join(t.TempDir(), "tokentray.db")}
	app, err := setup.open()
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	for i, token := range begun.RefreshTokens {
		a, err := app.Add(ctx, engine.NewAccount{Provider: engine.OpenAI, Name: fmt.Sprint("account ", i),
			RefreshToken: engine.NewSecret(token), AccessToken: engine.NewSecret("an access token"), ExpiresAt: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		setup.Keys = append(setup.Keys, a.Key)
	}

	var children []*child
	for range keepers {
		setup.Database = filepath.Join(t.TempDir(), "tokentray.db")
		text, err := json.Marshal(setup)
		if err != nil {
			t.Fatal(err)
		}
		keeper := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestForeignTokenServerKeeper$", "-test.timeout="+limit.String())
		keeper.Env = append(os.Environ(), keeperEnv+"="+string(text))
		children = append(children, startChild(t, keeper, lost))
	}
	for _, c := range children {
		if line := c.line(t, ctx); line != "ready" {
			t.Fatalf("a keeper said %q", line)
		}
	}
	for _, c := range children { // all at once
		io.WriteString(c.stdin, "go\n")
	}

	seen := events{}
	for seen["grant.success"] < rotations && seen.clean() {
		seen.add(t, server.line(t, ctx))
	}
	for _, c := range children {
		c.stdin.Close()
	}
	stored := 0
	for i, c := range children {
		var report map[string]int
		if err := json.Unmarshal([]byte(c.line(t, ctx)), &report); err != nil {
			t.Fatal(err)
		}
		t.Logf("keeper %d: %v", i+1, report)
		stored += report[engine.ResultRefreshed]
		c.end(t)
	}
	seen.until(t, ctx, server, "the keepers are done")
	if !seen.clean() || seen["grant.success"] != stored {
		t.Errorf("the token server saw %v, and the keepers stored %d rotations", seen, stored)
	}

	for _, key := range setup.Keys {
		a, err := app.Load(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		token, err := a.RefreshToken.Open()
		if err != nil {
			t.Fatal(err)
		}
		if status := spend(t, ctx, begun.TokenURL, token); status != http.StatusOK {
			t.Errorf("%s: the stored refresh token is refused with %d", key, status)
		}
		if a.StoreStatus != "active" {
			t.Errorf("%s: status %q", key, a.StoreStatus)
		}
		// Would the server have told? Once more is once too often.
		if status := spend(t, ctx, begun.TokenURL, token); status != http.StatusBadRequest {
			t.Errorf("%s: a used refresh token gets %d", key, status)
		}
	}
	seen.until(t, ctx, server, "the used tokens were sent")
	if seen["grant.revoked"] != accounts {
		t.Errorf("the token server told of %d revoked grants of %d", seen["grant.revoked"], accounts)
	}
	server.end(t)
}

// TestForeignTokenServerKeeper is one of the processes that
// TestForeignTokenServer starts. It refreshes the accounts in turn until its
// stdin ends.
func TestForeignTokenServerKeeper(t *testing.T) {
	text := os.Getenv(keeperEnv)
	if text == "" {
		t.Skip("it is a part of TestForeignTokenServer, which starts it")
	}
	fail := func(v ...any) {
		t.Fail()
		fmt.Fprintln(os.Stderr, v...)
	}
	var setup keeperSetup
	if err := json.Unmarshal([]byte(text), &setup); err != nil {
		fail(err)
		return
	}
	app, err := setup.open()
	if err != nil {
		fail(err)
		return
	}
	defer app.Close()

	fmt.Println("ready")
	stdin := bufio.NewReader(os.Stdin)
	stdin.ReadString('\n')
	ended := make(chan struct{})
	go func() { io.Copy(io.Discard, stdin); close(ended) }()

	report := map[string]int{}
	for i := 0; !t.Failed(); i++ {
		select {
		case <-ended:
			out, _ := json.Marshal(report)
			fmt.Println(string(out))
			return
		default:
		}
		key := setup.Keys[i%len(setup.Keys)]
		summary, err := app.Pass(t.Context(), engine.PassParams{Keys: []engine.Key{key}, Once: true})
		if err != nil {
			fail(err)
			return
		}
		for _, r := range summary.Results {
			switch {
			case r.Outcome == engine.ResultRefreshed:
				report[r.Outcome]++
			case r.Reason == engine.ReasonElsewhere, r.Reason == engine.ReasonLocked:
				report[string(r.Reason)]++
			default:
				fail(key, r.Outcome, r.Reason, r.Err)
			}
		}
		if summary.Checked != 1 {
			fail(key, "is not there")
		}
	}
}

const keeperEnv = "TOKENTRAY_TEST_KEEPER"

// keeperSetup is what a keeper is told.
type keeperSetup struct {
	Redis, TokenURL, Database string
	Keys                      []engine.Key
}

func (k keeperSetup) open() (*App, error) {
	return Open(settings.Settings{
		Interval: time.Minute, Window: 5 * time.Minute,
		Redis:         &settings.Redis{Addrs: []string{k.Redis}},
		EncryptionKey: engine.NewSecret("a-key"), TokenURLs: map[string]string{engine.OpenAI: k.TokenURL},
		Paths: settings.Paths{Database: k.Database},
	}, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
}

// spend sends a refresh token as any client would and returns the status.
func spend(t *testing.T, ctx context.Context, tokenURL string, token engine.Secret) int {
	t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {"app_EMoamEEZ73f0CkXaXp7hrann"}, "refresh_token": {token.Reveal()}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, tokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// events counts what the token server told.
type events map[string]int

func (e events) add(t *testing.T, line string) (event string) {
	t.Helper()
	var told struct{ Event, Error string }
	if err := json.Unmarshal([]byte(line), &told); err != nil {
		t.Fatalf("the token server said %q", line)
	}
	if told.Error != "" {
		t.Logf("%s: %s", told.Event, told.Error)
	}
	e[told.Event]++
	return told.Event
}

// until counts all that happened before now, which is given a name.
func (e events) until(t *testing.T, ctx context.Context, server *child, now string) {
	t.Helper()
	io.WriteString(server.stdin, now+"\n")
	for e.add(t, server.line(t, ctx)) != now {
	}
	delete(e, now)
}

// clean reports whether nothing but refreshes happened.
func (e events) clean() bool { return len(e) == 0 || len(e) == 1 && e["grant.success"] > 0 }

// child is a process that is talked to in lines. The end of its stdin ends it.
type child struct {
	stdin io.WriteCloser
	lines chan string // of its stdout; closed at its end
	err   error       // of its end
}

// startChild starts a process, and tells where it fails.
func startChild(t *testing.T, cmd *exec.Cmd, failed context.CancelCauseFunc) *child {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{stdin: stdin, lines: make(chan string, 1000)}
	go func() {
		defer close(c.lines)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			c.lines <- lines.Text()
		}
		if err := cmd.Wait(); err != nil {
			c.err = fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, stderr.String())
			failed(c.err)
		}
	}()
	t.Cleanup(func() {
		stdin.Close()
		for range c.lines {
		}
	})
	return c
}

// line returns the child's next line.
func (c *child) line(t *testing.T, ctx context.Context) string {
	t.Helper()
	line, ok := <-c.lines
	if !ok {
		t.Fatal("a process ended too soon: ", cmp.Or(context.Cause(ctx), c.err))
	}
	return line
}

// end ends the child and waits for it.
func (c *child) end(t *testing.T) {
	t.Helper()
	c.stdin.Close()
	for range c.lines { // such as the PASS of a test
	}
	if c.err != nil {
		t.Error(c.err)
	}
}
