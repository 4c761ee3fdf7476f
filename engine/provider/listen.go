package provider

import (
	"context"
	"fmt"
	"html"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"time"

	"tokentray/engine"
)

// listen opens the port that the browser comes back to (RFC 8252, 7.3), on
// this machine alone.
func (s *SignIn) listen() error {
	back, err := url.Parse(s.endpoint.authorization.redirect)
	if err != nil {
		return err
	}
	if port := s.endpoint.authorization.port; back.Scheme == "http" {
		if s.listener, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err != nil {
			return engine.Errorf(engine.KindTransient, fmt.Sprintf("port %d of this machine, which the browser comes back to, cannot be had: if another "+
				"sign-in is under way, of this or of the provider's own tool, finish or close it", port), err)
		}
		_, port, _ := net.SplitHostPort(s.listener.Addr().String())
		back.Host = net.JoinHostPort(back.Hostname(), port)
	}
	s.redirect = back.String()
	return nil
}

// outcome is what the browser came back with.
type outcome struct {
	code engine.Secret
	err  error
}

// Wait returns the code that the browser comes back with. What is not of this
// sign-in does not end it; what the provider's page refused does, and so do
// 5 minutes and the context. The port is free then, and Wait done for good.
func (s *SignIn) Wait(ctx context.Context) (engine.Secret, error) {
	if s.Shown() {
		return engine.Secret{}, engine.Errorf(engine.KindInternal, "no browser comes back: the provider's page shows a code to paste", nil)
	}
	came := make(chan outcome, 1)
	server := &http.Server{
		Handler:     http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.back(w, r, came) }),
		ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10,
		ErrorLog: log.New(io.Discard, "", 0),
	}
	server.SetKeepAlivesEnabled(false)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		server.Serve(s.listener)
	}()
	defer func() {
		// The browser still gets its page, but a connection that it only keeps
		// in store is not waited for.
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		server.Shutdown(grace)
		server.Close()
		<-closed
	}()
	late := time.NewTimer(s.patience)
	defer late.Stop()
	select {
	case o := <-came:
		return o.code, o.err
	case <-late.C:
		return engine.Secret{}, engine.Errorf(engine.KindTransient, fmt.Sprintf("the browser did not come back within %s: start again", s.patience), nil)
	case <-ctx.Done():
		return engine.Secret{}, engine.Errorf(engine.KindTransient, "the sign-in was given up", ctx.Err())
	case <-closed:
		return engine.Secret{}, engine.Errorf(engine.KindTransient, "the sign-in is over: start again", nil)
	}
}

// back answers one request of a browser.
func (s *SignIn) back(w http.ResponseWriter, r *http.Request, came chan<- outcome) {
	expected, _ := url.Parse(s.redirect)
	query := r.URL.Query()
	switch {
	case r.URL.Path != expected.Path:
		showPage(w, http.StatusNotFound, "Nothing is here", "Go back to the page of your sign-in.")
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		showPage(w, http.StatusMethodNotAllowed, "Nothing is done here", "Go back to the page of your sign-in.")
	case !s.ours(query.Get("state")):
		showPage(w, http.StatusBadRequest, "This is of another sign-in", "Go on in the page that was opened last, or start again in Tokentray.")
	default:
		code, err := s.codeOf(query)
		select {
		case came <- outcome{code, err}:
		default: // the page was loaded again
		}
		if err != nil {
			showPage(w, http.StatusOK, "You are not signed in", "Tokentray says: "+err.Error()+".")
			return
		}
		showPage(w, http.StatusOK, "Back to Tokentray", "The sign-in goes on there. You may close this page.")
	}
}

// page has a title and a line of text. It loads nothing.
const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Tokentray</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark }
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 6rem auto; padding: 0 1rem }
</style>
<h1>%s</h1>
<p>%s</p>
</html>
`

func showPage(w http.ResponseWriter, status int, title, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the address has the code
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'")
	w.WriteHeader(status)
	fmt.Fprintf(w, page, html.EscapeString(title), html.EscapeString(text))
}
