package main

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
)

var shownCode = regexp.MustCompile(`<code>(.*)</code>`)

// browse ARGUMENT…: runs tokentrayctl with the arguments and plays the person
// with a browser: opens the address that it prints, and pastes the code that
// the page shows. With PASTE it pastes that instead, with FIRST something
// before it.
func browse() {
	cmd := exec.Command("tokentrayctl", os.Args[1:]...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		panic(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		panic(err)
	}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	if first := os.Getenv("FIRST"); first != "" {
		fmt.Fprintln(in, first)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		fmt.Println(lines.Text())
		if address := lines.Text(); strings.HasPrefix(address, "http") {
			if paste := visit(address); paste != "" {
				fmt.Fprintln(in, paste)
			}
		}
	}
	in.Close()
	cmd.Wait()
	os.Exit(cmd.ProcessState.ExitCode())
}

// visit opens a sign-in page and returns what the person pastes.
func visit(address string) string {
	if paste := os.Getenv("PASTE"); paste != "" {
		return paste
	}
	resp, err := http.Get(address)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	if shown := shownCode.FindStringSubmatch(string(page)); shown != nil {
		return html.UnescapeString(shown[1])
	}
	fmt.Fprintln(os.Stderr, "the browser ended on", resp.Status)
	return ""
}

// strictProxy is an HTTP proxy that lets in who has the password.
func strictProxy(user, password string) (address string, end func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		check := &http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
		if u, p, _ := check.BasicAuth(); u != user || p != password {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		if r.Method == http.MethodConnect {
			tunnel(w, r.Host)
			return
		}
		r.RequestURI = ""
		r.Header.Del("Proxy-Authorization")
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
	})}
	go server.Serve(listener)
	return listener.Addr().String(), func() { server.Close() }, nil
}

func tunnel(w http.ResponseWriter, host string) {
	far, err := net.Dial("tcp", host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer far.Close()
	w.WriteHeader(http.StatusOK)
	near, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer near.Close()
	var both sync.WaitGroup
	both.Go(func() { io.Copy(far, buffered); far.(*net.TCPConn).CloseWrite() })
	both.Go(func() { io.Copy(near, far); near.(*net.TCPConn).CloseWrite() })
	both.Wait()
}
