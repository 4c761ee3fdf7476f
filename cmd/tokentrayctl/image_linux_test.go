package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/provider/strict"
)

// instruction is one of a Dockerfile.
type instruction struct{ name, args string }

// dockerfile reads the stages of the one that is there.
func dockerfile(t *testing.T) (stages [][]instruction) {
	t.Helper()
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	joined := regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(string(text), "")
	joined = strings.ReplaceAll(joined, "\\\n", " ")
	for line := range strings.Lines(joined) {
		name, args, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "":
			continue
		case "FROM":
			stages = append(stages, nil)
		}
		last := len(stages) - 1
		stages[last] = append(stages[last], instruction{name, strings.TrimSpace(args)})
	}
	return stages
}

func TestTheImageIsTheProgramAlone(t *testing.T) {
	stages := dockerfile(t)
	if len(stages) != 2 {
		t.Fatalf("%d stages", len(stages))
	}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(mod)[1]
	if from := stages[0][0].args; from != "golang:"+string(version)+" AS build" {
		t.Errorf("it is built on %s, and go.mod wants %s", from, version)
	}
	for _, want := range []instruction{
		{"FROM", "scratch"},
		{"COPY", "--from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt"},
		{"COPY", "--from=build /out/tokentrayctl /tokentrayctl"},
		{"COPY", "--from=build --chown=65532:65532 /out/data /data"},
		{"ENV", "TOKENTRAY_HOME=/data"},
		{"VOLUME", "/data"},
		{"USER", "65532:65532"},
		{"STOPSIGNAL", "SIGTERM"},
		{"ENTRYPOINT", `["/tokentrayctl"]`},
		{"CMD", `["run"]`},
	} {
		if !slices.Contains(stages[1], want) {
			t.Errorf("the image lacks %s %s", want.name, want.args)
		}
	}
	for _, i := range stages[1] {
		if i.name == "RUN" || i.name == "HEALTHCHECK" && !strings.HasSuffix(i.args, `CMD ["/tokentrayctl", "status", "--short"]`) {
			t.Errorf("there is no shell for %s %s", i.name, i.args)
		}
	}
}

// The build's context has what is compiled in, and no file of a person's.
func TestTheImagesContext(t *testing.T) {
	ignore, err := os.ReadFile("../../.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(ignore)), "\n")
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if .Main}}{{$.Dir}}{{end}}{{end}}", ".")
	list.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	wanted := []string{"go.mod", "go.sum"}
	for _, dir := range strings.Fields(string(out)) {
		below, _ := filepath.Rel(root, dir)
		wanted = append(wanted, strings.Split(below, "/")[0])
	}
	for _, name := range wanted {
		if !slices.Contains(lines, "!"+name) {
			t.Errorf("%s does not get into the build", name)
		}
	}
	if !slices.Contains(lines, "*") || !slices.Contains(lines, "**/.env") {
		t.Error("whatever lies here gets into the build")
	}
}

// imageUser is the one of the Dockerfile.
const imageUser = 65532

// The static program works as in the image: its user has no name, no HOME, no
// /tmp, no /proc and no folder to write but /data.
func TestTheImagesProgram(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give the program a root of its own")
	}
	root := image(t)
	provider, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	login := provider.SignIn(engine.Claude, "sk-ant-ort01-of-the-image")

	command := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "/tokentrayctl", args...)
		cmd.Dir, cmd.Env = "/", []string{"TOKENTRAY_HOME=/data", "CLAUDE_TOKEN_URL=" + provider.URL(engine.Claude)}
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: imageUser, Gid: imageUser}}
		return cmd
	}
	says := func(want, in string, args ...string) {
		t.Helper()
		cmd := command(args...)
		cmd.Stdin = strings.NewReader(in)
		out, err := cmd.CombinedOutput()
		if err != nil || !regexp.MustCompile(want).Match(out) {
			t.Fatalf("%q: %v, and says\n%s", args, err, out)
		}
	}
	says("^added Claude account work", login.Refresh, "add", "--provider", "claude", "--name", "work")
	says("work", "", "list")
	says("(?i)refreshed", "", "refresh", "work")
	if l := provider.Look(login); l.Exchanges != 1 || l.Replays != 0 {
		t.Fatalf("%d exchanges, %d replays", l.Exchanges, l.Replays)
	}
	says("^1 account", "", "status", "--short")

	var log bytes.Buffer
	run := command("run")
	run.Stderr = &log
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { run.Process.Kill() })
	answers := func() bool {
		out, _ := command("doctor").CombinedOutput()
		return bytes.Contains(out, []byte("tokentrayctl run is running and answers commands"))
	}
	for deadline := time.Now().Add(60 * time.Second); !answers(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("run does not answer: %s", log.String())
		}
	}
	says("^1 account", "", "status", "--short") // the health check, over the socket in /data

	// The container's end while a refresh is in flight.
	provider.Fail(engine.Claude, strict.Fault{Delay: 2 * time.Second})
	refresh := command("refresh", "work")
	if err := refresh.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(60 * time.Second); len(provider.Requests()) < 2; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the refresh was not sent")
		}
	}
	stop := stopSignal(t)
	if err := errors.Join(run.Process.Signal(stop), run.Wait(), refresh.Wait()); err != nil {
		t.Fatalf("%v: %s", err, log.String())
	}
	newest := provider.Look(login)
	if newest.Exchanges != 2 || newest.Replays != 0 {
		t.Errorf("%d exchanges, %d replays", newest.Exchanges, newest.Replays)
	}
	says("^"+regexp.QuoteMeta(newest.Access)+"\n$", "", "token", "work")
	if _, err := os.Lstat(filepath.Join(root, "data", "tokentray.sock")); err == nil {
		t.Error("the socket stays")
	}
}

func stopSignal(t *testing.T) os.Signal {
	t.Helper()
	signals := map[string]os.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT}
	for _, i := range dockerfile(t)[1] {
		if i.name == "STOPSIGNAL" {
			return signals[i.args]
		}
	}
	return syscall.SIGTERM
}

// image builds the program by the Dockerfile's own line and lays the image's
// files out. -trimpath, which compiles all anew, is left to the longer runs.
func image(t *testing.T) (root string) {
	t.Helper()
	root, err := os.MkdirTemp("", "image-") // its user must get there
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	line := ""
	for _, i := range dockerfile(t)[0] {
		if i.name == "RUN" && strings.Contains(i.args, "go build") {
			line = i.args
		}
	}
	if os.Getenv("TOKENTRAY_LONG") == "" {
		line = strings.Replace(line, "-trimpath ", "", 1)
	}
	build := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(line, "/out/", root+"/"))
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil || line == "" {
		t.Fatalf("%q: %v: %s", line, err, out)
	}
	data := filepath.Join(root, "data")
	if err := errors.Join(os.Chmod(root, 0o755), os.Mkdir(data, 0o700), os.Chown(data, imageUser, imageUser)); err != nil {
		t.Fatal(err)
	}
	return root
}
