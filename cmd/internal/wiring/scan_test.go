package wiring

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tokentray/engine/store/relay/redistest"
)

// BenchmarkScan is what a scan costs the Redis, and how long it takes until all
// accounts are read and judged, beside the relay's own scan, through its own
// client library (testdata/relayscan).
// The metrics are of one scan: client commands, bytes that the client sent and
// got, and the longest that the server was held by one command, by the least
// that each took in all scans, and by the most.
func BenchmarkScan(b *testing.B) {
	for _, accounts := range []int{10, 1_000, 10_000, 100_000} {
		server := redistest.Start(b)
		sim := redistest.NewSim(b, server, encryptionKey, "")
		if err := sim.Fill(b.Context(), accounts, 8*time.Hour); err != nil {
			b.Fatal(err)
		}
		app := keeper{Redis: server.Addr, Home: b.TempDir()}.open(b)
		defer app.Close()
		for _, of := range []struct {
			name string
			most int // accounts; more take too long
			scan func(context.Context) error
		}{{"ours", 100_000, app.Scan}, {"relay", 10_000, relayScan(b, server, accounts)}} {
			if accounts > of.most {
				continue
			}
			b.Run(fmt.Sprintf("of=%s/accounts=%d", of.name, accounts), func(b *testing.B) {
				scan := func() {
					if err := of.scan(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				scan() // the first has the scripts to send
				commands, cost := server.Commands(b, scan), costOf(b, server.Client)
				for b.Loop() {
					scan()
				}
				bytes, longest, worst := cost(b.N)
				b.ReportMetric(float64(commands), "commands/scan")
				b.ReportMetric(float64(bytes)/float64(b.N), "B/scan")
				b.ReportMetric(float64(longest.Microseconds())/1000, "longest-ms")
				b.ReportMetric(float64(worst.Microseconds())/1000, "worst-ms")
			})
		}
	}
}

// relayScan starts a program that scans as the relay does when what is returned
// is called.
func relayScan(b *testing.B, server *redistest.Server, accounts int) func(context.Context) error {
	_, port, _ := net.SplitHostPort(server.Addr)
	node := exec.Command("node", "scan.mjs", port, encryptionKey)
	node.Dir, node.Stderr = nodeProgram(b, "relayscan"), os.Stderr
	in, err := node.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err == nil {
		err = node.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		if err := node.Wait(); err != nil {
			b.Error(err)
		}
	})
	judged := bufio.NewScanner(out)
	return func(context.Context) error {
		fmt.Fprintln(in, "scan")
		if !judged.Scan() || judged.Text() != strconv.Itoa(accounts) {
			return fmt.Errorf("it judged %q, not %d", judged.Text(), accounts)
		}
		return nil
	}
}

// costOf returns the bytes that clients have sent the server and got since it was
// called, and its longest command. The server's clock goes on where another
// process takes its processor, or a hypervisor. What it is held by a command
// itself is therefore the least that this took in so many times.
func costOf(b *testing.B, client *redis.Client) func(times int) (bytes int, longest, worst time.Duration) {
	ctx := b.Context()
	for setting, value := range map[string]string{"slowlog-log-slower-than": "100", "slowlog-max-len": "100000"} {
		if err := client.ConfigSet(ctx, setting, value).Err(); err != nil {
			b.Fatal(err)
		}
	}
	if err := client.Do(ctx, "SLOWLOG", "RESET").Err(); err != nil {
		b.Fatal(err)
	}
	look := func() int {
		stats := client.InfoMap(ctx, "stats")
		if err := stats.Err(); err != nil {
			b.Fatal(err)
		}
		return number(b, stats.Item("Stats", "total_net_input_bytes")) + number(b, stats.Item("Stats", "total_net_output_bytes"))
	}
	before := look()
	began := look() // the first is as much by itself
	return func(times int) (int, time.Duration, time.Duration) {
		log, err := client.SlowLogGet(ctx, -1).Result()
		if err != nil {
			b.Fatal(err)
		}
		bytes := look() - began - (began - before)
		took := map[string][]time.Duration{}
		for _, entry := range log {
			command := strings.Join(entry.Args, " ")
			took[command] = append(took[command], entry.Duration)
		}
		var longest, worst time.Duration
		for _, t := range took {
			worst = max(worst, slices.Max(t))
			if len(t) >= times { // else once it was too short to be logged
				longest = max(longest, slices.Min(t))
			}
		}
		return bytes, longest, worst
	}
}

func number(b *testing.B, text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}
