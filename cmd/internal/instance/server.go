package instance

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"slices"
	"time"

	"tokentray/engine"
)

// identityHeader has the identity of the asker's settings.
const identityHeader = "Tokentray-Identity"

// Bounds of a request and of its answer.
const (
	maxRequest = 1 << 20          // bytes: many names
	scanWait   = 10 * time.Second // then what was known before is the answer
	writeWait  = 10 * time.Second // for one line; who does not read is left
)

// server answers under /v1/. What is not understood, not served, or meant for
// other settings, has a status that is not 200: the asker then works directly.
func (i *Instance) server() *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/who", i.who)
	mux.HandleFunc("POST /v1/start", i.start)
	mux.HandleFunc("POST /v1/snapshot", i.answer(snapshot))
	mux.HandleFunc("POST /v1/token", i.answer(token))
	mux.HandleFunc("POST /v1/refresh", i.answer(refresh))
	mux.HandleFunc("POST /v1/events", i.answer(i.events))
	return &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10, ErrorLog: log.New(io.Discard, "", 0)}
}

// Who is the instance that serves.
type Who struct {
	App     bool `json:"app"`     // it has a window
	Serving bool `json:"serving"` // it answers commands, as the demo does not
	Same    bool `json:"same"`    // its settings are the asker's
}

func (i *Instance) who(w http.ResponseWriter, r *http.Request) {
	s, _ := i.now()
	json.NewEncoder(w).Encode(Who{App: i.show != nil, Serving: s.Engine != nil, Same: s.Identity == r.Header.Get(identityHeader)})
}

// start answers an app that begins: the window is shown, or, where there is
// none, the app may serve from now on.
func (i *Instance) start(w http.ResponseWriter, _ *http.Request) {
	if i.show != nil {
		i.show()
	} else {
		i.mu.Lock()
		i.giveUp()
		i.mu.Unlock()
	}
	json.NewEncoder(w).Encode(map[string]bool{"shown": i.show != nil})
}

// request is what is asked for.
type request struct {
	Names []string `json:"names,omitempty"` // or ids
	Force bool     `json:"force,omitempty"`
}

// answer serves those with the same settings. That they are answered is said
// at once, however long it takes.
func (i *Instance) answer(serve func(context.Context, Served, request, *answer) line) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, _ := i.now()
		var req request
		switch err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&req); {
		case s.Engine == nil:
			w.WriteHeader(http.StatusServiceUnavailable)
		case s.Identity != r.Header.Get(identityHeader):
			w.WriteHeader(http.StatusConflict)
		case err != nil:
			w.WriteHeader(http.StatusBadRequest)
		default:
			a := &answer{http.NewResponseController(w), json.NewEncoder(w)}
			a.lines.SetEscapeHTML(false)
			a.out.Flush()
			end := serve(r.Context(), s, req, a)
			end.End = true
			a.send(end)
		}
	}
}

// answer is an answer on its way.
type answer struct {
	out   *http.ResponseController
	lines *json.Encoder
}

func (a *answer) send(l line) error {
	a.out.SetWriteDeadline(time.Now().Add(writeWait))
	if err := a.lines.Encode(l); err != nil {
		return err
	}
	return a.out.Flush()
}

// snapshot is every account as it is now: the store is read first.
func snapshot(ctx context.Context, s Served, _ request, _ *answer) line {
	ctx, cancel := context.WithTimeout(ctx, scanWait)
	defer cancel()
	problems := s.Engine.Scan(ctx)
	return line{Snapshot: &wireSnapshot{Views: toViews(s.Engine.Snapshot()), Policy: toPolicy(s.Engine.Policy()), Store: s.Store, Problems: toError(problems)}}
}

// find resolves names by what is known, and reads the store where they are not.
func find(ctx context.Context, s Served, names []string) ([]engine.Account, error) {
	known := func() (accounts []engine.Account) {
		for _, v := range s.Engine.Snapshot() {
			accounts = append(accounts, v.Account)
		}
		slices.SortFunc(accounts, func(a, b engine.Account) int { return a.Key.Compare(b.Key) })
		return accounts
	}
	if found, err := Find(known(), names...); err == nil {
		return found, nil
	}
	ctx, cancel := context.WithTimeout(ctx, scanWait)
	defer cancel()
	scanned := s.Engine.Scan(ctx)
	found, err := Find(known(), names...)
	if err != nil && engine.KindOf(scanned) == engine.KindStore { // it may be where nobody could look
		return nil, scanned
	}
	return found, err
}

// failed is the line of an error.
func failed(err error) line {
	if e, ok := errors.AsType[*NameError](err); ok {
		return line{Names: e.text}
	}
	return line{Err: toError(err)}
}

func token(ctx context.Context, s Served, req request, _ *answer) line {
	if len(req.Names) != 1 {
		return line{Names: "one account is to be named"}
	}
	found, err := find(ctx, s, req.Names)
	if err != nil {
		return failed(err)
	}
	access, err := s.Engine.ValidAccessToken(ctx, found[0].Key)
	l := failed(err)
	l.Token = &wireToken{found[0].Store, found[0].Provider, found[0].ID, found[0].Name, access.Reveal()}
	return l
}
