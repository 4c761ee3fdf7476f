package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var metricsAt = regexp.MustCompile(`Metrics at http://(\S+)/metrics`)

// listens LOG: waits until a log tells where metrics are served, and puts the
// last such address into METRICS.
func listens(ts *testscript.TestScript, _ bool, args []string) {
	waitFor(ts, false, []string{args[0], metricsAt.String()})
	text, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	all := metricsAt.FindAllStringSubmatch(string(text), -1)
	ts.Setenv("METRICS", all[len(all)-1][1])
}

// scrape PATH REGEXP [TOKEN]: asks there until status and answer match, and
// keeps the answer in the file scraped.
func scrape(ts *testscript.TestScript, _ bool, args []string) {
	re := regexp.MustCompile("(?m)" + args[1])
	req, err := http.NewRequest(http.MethodGet, "http://"+ts.Getenv("METRICS")+args[0], nil)
	ts.Check(err)
	if len(args) > 2 {
		req.Header.Set("Authorization", "Bearer "+args[2])
	}
	var answer string
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			answer = err.Error()
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if answer = fmt.Sprintf("%d\n%s", resp.StatusCode, body); re.MatchString(answer) {
			ts.Check(os.WriteFile(ts.MkAbs("scraped"), []byte(answer), 0o600))
			return
		}
	}
	ts.Fatalf("%s never answered %s:\n%s", args[0], args[1], answer)
}
