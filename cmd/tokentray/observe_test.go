package main

import (
	"log/slog"
	"maps"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"tokentray/engine/guidelog"
	"tokentray/engine/settings"
)

func TestFlags(t *testing.T) {
	for args, want := range map[string]map[string]string{
		"":                             {},
		"--listen 127.0.0.1:9464":      {"TOKENTRAY_LISTEN": "127.0.0.1:9464"},
		"-listen=[::1]:1 --listen-ids": {"TOKENTRAY_LISTEN": "[::1]:1", "TOKENTRAY_LISTEN_IDS": "true"},
		"--listen-ids=false":           {"TOKENTRAY_LISTEN_IDS": "false"},
	} {
		var help strings.Builder
		got, err := readFlags(strings.Fields(args), &help)
		if err != nil || !maps.Equal(got, want) || help.Len() > 0 {
			t.Errorf("%q gives %v, %v", args, got, err)
		}
	}
	var help strings.Builder
	if _, err := readFlags([]string{"--listen-token", "x"}, &help); err == nil || !strings.Contains(err.Error(), "-listen-token") {
		t.Errorf("a secret's flag: %v", err)
	}
	readFlags([]string{"--help"}, &help)
	if !strings.Contains(help.String(), "-listen value") || strings.Contains(help.String(), "redis") {
		t.Errorf("help: %s", &help)
	}
}

// Where metrics are served follows the settings; a port that another program
// has is taken once it is free, and given back at the end.
func TestObserve(t *testing.T) {
	var d desk
	said := make(warned, 1)
	d.log = slog.New(guidelog.Text(said, slog.LevelWarn, false))
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	first, second := settings.Listen{Address: other.Addr().String()}, settings.Listen{Address: free(t)}
	status := func(l settings.Listen) int {
		resp, err := http.Get("http://" + l.Address + "/healthz")
		if err != nil {
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	const nobody = http.StatusServiceUnavailable // it is served, and nothing is worked with
	d.observe(first)
	if line := <-said; !strings.Contains(line, "address already in use") && runtime.GOOS != "windows" {
		t.Errorf("it says %q", line)
	}
	other.Close()
	await(t, func() bool { return status(first) == nobody })
	server := d.observed
	if d.observe(first); d.observed != server {
		t.Error("the same address is listened to anew")
	}
	d.observe(second)
	await(t, func() bool { return status(second) == nobody })
	if got := status(first); got != 0 {
		t.Errorf("the address of before answers: %d", got)
	}
	d.observe(settings.Listen{})
	await(t, func() bool { return status(second) == 0 })
	if d.observed != nil || d.stopObserving != nil {
		t.Error("something is left")
	}
	d.observe(first)
	await(t, func() bool { return status(first) == nobody })
	d.stopObserving()
	if again, err := net.Listen("tcp", first.Address); err != nil {
		t.Errorf("at the end: %v", err)
	} else {
		again.Close()
	}
}

// warned gets the lines of a log.
type warned chan string

func (w warned) Write(line []byte) (int, error) {
	w <- string(line)
	return len(line), nil
}

// free is an address that nobody has.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func await(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never holds")
		}
	}
}
