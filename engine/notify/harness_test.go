package notify

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// internet plays every host that is spoken to: what comes in is written down,
// and answered by path.
type internet struct {
	*httptest.Server
	mu      sync.Mutex
	came    []string          // "HOST/PATH?QUERY BODY"
	answers map[string]string // by a part of the path: a status and a body
}

// newInternet has the process's default transport reach it, whatever host is
// named. Tests with it do not run beside each other.
func newInternet(t *testing.T) *internet {
	t.Helper()
	i := &internet{answers: map[string]string{}}
	i.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		i.mu.Lock()
		defer i.mu.Unlock()
		i.came = append(i.came, fmt.Sprintf("%s%s %s", r.Host, r.URL.RequestURI(), body))
		for part, answer := range i.answers {
			if strings.Contains(r.URL.Path, part) {
				status, text := 0, ""
				fmt.Sscanf(answer, "%d", &status)
				if _, text, _ = strings.Cut(answer, " "); status != 0 {
					w.WriteHeader(status)
				}
				io.WriteString(w, text)
			}
		}
	}))
	before := http.DefaultTransport
	http.DefaultTransport = &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, i.Listener.Addr().String())
		},
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		http.DefaultTransport = before
		i.Close()
	})
	return i
}

func (i *internet) take() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	came := i.came
	i.came = nil
	return came
}

// mailbox is a mail server of one conversation at a time.
type mailbox struct {
	addr  string
	mu    sync.Mutex
	mails []string
	users string // what AUTH PLAIN gave
	deny  bool   // the login
}

func newMailbox(t *testing.T) *mailbox {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mailbox{addr: listener.Addr().String()}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			m.talk(conn)
		}
	})
	t.Cleanup(func() { listener.Close(); wg.Wait() })
	return m
}

func (m *mailbox) talk(conn net.Conn) {
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	say := func(text string) { io.WriteString(conn, text+"\r\n") }
	say("220 here")
	for lines.Scan() {
		verb, rest, _ := strings.Cut(lines.Text(), " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-here")
			say("250 AUTH PLAIN")
		case "AUTH":
			m.mu.Lock()
			m.users = rest
			m.mu.Unlock()
			if m.deny {
				say("535 no")
				continue
			}
			say("235 yes")
		case "DATA":
			say("354 go on")
			var mail strings.Builder
			for lines.Scan() && lines.Text() != "." {
				mail.WriteString(lines.Text() + "\n")
			}
			m.mu.Lock()
			m.mails = append(m.mails, mail.String())
			m.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}
