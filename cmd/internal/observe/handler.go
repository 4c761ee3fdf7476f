package observe

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"tokentray/engine"
)

// standstill is how long ago the engine's loop may have come around, which it
// does once a minute.
const standstill = 3 * time.Minute

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.probe(alive))
	mux.HandleFunc("GET /readyz", s.probe(ready))
	mux.Handle("/", s.guarded(http.NotFoundHandler()))
	mux.Handle("GET /metrics", s.guarded(http.HandlerFunc(s.metrics)))
	return s.ownHost(mux)
}

func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	if served := s.now(); served.Metrics != nil {
		served.Metrics.ServeHTTP(w, r)
		return
	}
	line(w, http.StatusServiceUnavailable, notServed)
}

// notServed is also the answer while the app shows its demo.
const notServed = "no accounts are being worked with"

// probe answers with what ails, or ok.
func (s *Server) probe(ailing func(engine.Health) string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		trouble := notServed
		if e := s.now().Engine; e != nil {
			trouble = ailing(e.Health())
		}
		if trouble != "" {
			line(w, http.StatusServiceUnavailable, trouble)
			return
		}
		line(w, http.StatusOK, "ok")
	}
}

func line(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}

// alive says what a new start would mend: that the engine's loop does not run.
func alive(h engine.Health) string {
	switch since := time.Since(h.Turned); {
	case h.Turned.IsZero():
		return "the engine does not run: it is just beginning or ending"
	case since > standstill:
		return fmt.Sprintf("the engine has stood still for %v", since.Round(time.Second))
	}
	return ""
}

// ready says also which stores were not read, or cannot be used now.
func ready(h engine.Health) string {
	if trouble := alive(h); trouble != "" {
		return trouble
	}
	var troubles []string
	if len(h.Away) > 0 {
		troubles = append(troubles, "away: "+strings.Join(h.Away, ", "))
	}
	if len(h.Unread) > 0 {
		troubles = append(troubles, "not read so far: "+strings.Join(h.Unread, ", "))
	}
	return engine.CleanLine(strings.Join(troubles, "; "))
}

// guarded asks for the bearer token, where one is set.
func (s *Server) guarded(next http.Handler) http.Handler {
	want := sha256.Sum256([]byte(s.p.Token.Reveal()))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(strings.TrimSpace(token))) // of one length, so that its time says nothing
		if !s.p.Token.Empty() && (subtle.ConstantTimeCompare(got[:], want[:]) != 1 || !strings.EqualFold(scheme, "Bearer")) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="tokentray"`)
			line(w, http.StatusUnauthorized, "the bearer token of TOKENTRAY_LISTEN_TOKEN is needed")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ownHost refuses requests that name this machine as a stranger does, where no
// token keeps strangers out: a web page whose name was made to lead here could
// read the answers in the browser of whoever looks at it (DNS rebinding).
func (s *Server) ownHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.p.Token.Empty() && !literal(r.Host) {
			line(w, http.StatusForbidden, "ask by address or as localhost")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// literal reports whether a Host is an address, or localhost.
func literal(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || strings.EqualFold(host, "localhost")
}
