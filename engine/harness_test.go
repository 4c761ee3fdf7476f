package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func containsAny(text string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

// desk is an engine on a store and a provider that a test can steer. It works
// in a synctest bubble: nothing of it touches the network.
type desk struct {
	*Engine
	store    *shelf
	beside   map[string]*shelf // further stores
	book     *book
	provider *issuer
	clock    func() time.Time
}

func newDesk(t *testing.T, p Policy) *desk {
	t.Helper()
	d := &desk{store: newShelf(), book: newBook(), provider: newIssuer()}
	d.Engine = d.another(p)
	t.Cleanup(d.Close)
	return d
}

// another is the engine of another process on the same store.
func (d *desk) another(p Policy) *Engine {
	if p.Window == 0 {
		p.Window = 5 * time.Minute
	}
	if p.Interval == 0 {
		p.Interval = 15 * time.Minute
	}
	places := map[string]Place{"": {d.store, d.store}}
	for name, s := range d.beside {
		places[name] = Place{s, s}
	}
	return New(Params{Places: places, Journal: d.book, Policy: p, Clock: d.clock,
		Providers: map[string]Provider{Claude: d.provider, Gemini: d.provider}})
}

// signIn adds an account with a login of its own, expiring in left.
func (d *desk) signIn(name string, left time.Duration) Key {
	a, _ := d.store.Add(context.Background(), NewAccount{Provider: Claude, Name: name, RefreshToken: d.provider.login(),
		AccessToken: NewSecret("access-old-" + name), ExpiresAt: wall().Add(left)})
	return a.Key
}

// view is the account as people see it.
func (d *desk) view(key Key) View {
	for _, v := range d.Snapshot() {
		if v.Key == key {
			return v
		}
	}
	return View{}
}

func (d *desk) tokens(t *testing.T, key Key) (refresh, access string) {
	t.Helper()
	a, err := d.store.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	r, _ := a.RefreshToken.Open()
	x, _ := a.AccessToken.Open()
	return r.Reveal(), x.Reveal()
}

// issuer is a Provider with single-use refresh tokens; a replay kills the
// login.
type issuer struct {
	mu                                 sync.Mutex
	lifetime                           time.Duration
	latency                            time.Duration
	n                                  int
	family                             map[string]int
	used                               map[string]bool
	dead                               map[int]bool
	next                               []error     // of the next exchanges, which then spend nothing
	lost                               int         // the next answers that are lost after the token was spent
	at                                 []time.Time // of the exchanges asked for
	away                               error       // what every try to connect answers, where set
	settings                           string
	ahead                              time.Duration // of its clock before ours
	clock                              func() time.Time
	exchanges, replays, busy, mostBusy int
}

func newIssuer() *issuer {
	return &issuer{lifetime: time.Hour, latency: 100 * time.Millisecond, family: map[string]int{}, used: map[string]bool{}, dead: map[int]bool{}}
}

func (p *issuer) login() Secret {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	token := fmt.Sprintf("refresh-%d", p.n)
	p.family[token] = p.n
	return NewSecret(token)
}

func (p *issuer) fail(errs ...error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = append(p.next, errs...)
}

func (p *issuer) Reach(context.Context, Secret) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.away
}

func (p *issuer) Settings(client string, _ Secret) Fingerprint {
	p.mu.Lock()
	defer p.mu.Unlock()
	return NewSecret(p.settings + client).Fingerprint()
}

func (p *issuer) set(change func(*issuer)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

func (p *issuer) kill(refresh string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead[p.family[refresh]] = true
}

// spend uses a token up as another program would.
func (p *issuer) spend(refresh string) (Token, error) {
	return p.Exchange(context.Background(), ExchangeRequest{RefreshToken: NewSecret(refresh)})
}

func (p *issuer) count() (exchanges, replays int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exchanges, p.replays
}

func (p *issuer) asked() []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]time.Time(nil), p.at...)
}

var errGrant = &Error{Kind: KindLoginDead, Code: "invalid_grant", Message: "Invalid refresh token"}

func (p *issuer) Exchange(ctx context.Context, req ExchangeRequest) (Token, error) {
	p.mu.Lock()
	p.busy++
	p.mostBusy = max(p.mostBusy, p.busy)
	p.at = append(p.at, wall())
	latency := p.latency
	p.mu.Unlock()
	late := false
	select {
	case <-time.After(latency):
	case <-ctx.Done():
		late = true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	if p.away != nil {
		return Token{}, p.away
	}
	if len(p.next) > 0 {
		err := p.next[0]
		p.next = p.next[1:]
		return Token{}, err
	}
	old := req.RefreshToken.Reveal()
	family, known := p.family[old]
	if p.used[old] {
		p.replays++
		p.dead[family] = true
	}
	if !known || p.dead[family] {
		return Token{}, errGrant
	}
	p.used[old] = true
	p.exchanges++
	p.n++
	fresh := fmt.Sprintf("refresh-%d", p.n)
	p.family[fresh] = family
	now := wall() // this machine's
	if p.clock != nil {
		now = p.clock()
	}
	if late || p.lost > 0 {
		p.lost = max(p.lost-1, 0)
		return Token{}, Errorf(KindUnknownOutcome, "no answer", nil)
	}
	return Token{RefreshToken: NewSecret(fresh), AccessToken: NewSecret(fmt.Sprintf("access-%d", p.n)), ExpiresAt: now.Add(p.lifetime),
		Date: wall().Add(p.ahead)}, nil
}

// shelf is a store and locker that can be steered. The real ones pass
// storetest; this one is here because engine may not import them.
type shelf struct {
	mu       sync.Mutex
	shelved  map[Key]Account
	leases   map[Key]time.Time
	locks    int   // leases that were asked for
	away     error // what every call answers, where set
	noSaves  error // what a Write of tokens answers, where set
	readOnly error // what every write answers, locks too, where set
	// before Write looks, another program may change the account
	meddle func(a *Account)
	early  bool // already before the intent is written
}

func newShelf() *shelf { return &shelf{shelved: map[Key]Account{}, leases: map[Key]time.Time{}} }

func plain(text string) Sealed {
	return Seal(text, func(s string) (Secret, error) {
		if strings.HasPrefix(s, "garbage") {
			return Secret{}, Errorf(KindUnreadable, "cannot be decrypted", nil)
		}
		return NewSecret(s), nil
	})
}

var errAway = Errorf(KindStore, "the store is away", errors.New("connection refused"))

func (s *shelf) set(change func(*shelf)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *shelf) change(key Key, change func(*Account)) {
	s.set(func(s *shelf) {
		a := s.shelved[key]
		change(&a)
		s.shelved[key] = a
	})
}

func (s *shelf) List(context.Context) (l Listing, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.shelved {
		a.AccessToken = Sealed{}
		l.Accounts = append(l.Accounts, a)
	}
	return l, s.away
}

func (s *shelf) Load(_ context.Context, key Key) (Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.shelved[key]
	if s.away == nil && !ok {
		return a, Errorf(KindNotFound, "no such account", nil)
	}
	return a, s.away
}

func (s *shelf) swap(old Account, meddle bool, change func(*Account)) (Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil {
		return Account{}, s.away
	}
	if s.meddle != nil && meddle {
		a := s.shelved[old.Key]
		s.meddle(&a)
		s.meddle = nil
		s.shelved[old.Key] = a
	}
	a, ok := s.shelved[old.Key]
	if !ok {
		return a, Errorf(KindNotFound, "no such account", nil)
	}
	if a.RefreshToken.Stored() != old.RefreshToken.Stored() {
		return Account{}, Errorf(KindConflict, "changed", nil)
	}
	change(&a)
	s.shelved[old.Key] = a
	return a, nil
}

func (s *shelf) Write(_ context.Context, old Account, c Change) (Account, error) {
	s.mu.Lock()
	intent := c.Token == Token{} && c.Dead == ""
	noSaves, readOnly := s.noSaves, s.readOnly
	s.mu.Unlock()
	if noSaves != nil && !intent {
		return Account{}, noSaves
	}
	if readOnly != nil {
		return Account{}, readOnly
	}
	return s.swap(old, !intent || s.early, func(a *Account) {
		a.Record = Seal(c.Record.Reveal(), func(s string) (Secret, error) { return NewSecret(s), nil })
		if !c.Token.RefreshToken.Empty() {
			a.RefreshToken = plain(c.Token.RefreshToken.Reveal())
		}
		if !c.Token.AccessToken.Empty() {
			a.AccessToken, a.ExpiresAt, a.LastRefreshAt = plain(c.Token.AccessToken.Reveal()), c.Token.ExpiresAt, c.At
		}
		if c.Dead != "" {
			a.StoreStatus = "error"
		}
	})
}

func (s *shelf) Add(_ context.Context, n NewAccount) (Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := Account{Key: Key{"", n.Provider, fmt.Sprintf("id-%d", len(s.shelved))}, Name: n.Name, Active: true,
		RefreshToken: plain(n.RefreshToken.Reveal()), AccessToken: plain(n.AccessToken.Reveal()), ExpiresAt: n.ExpiresAt}
	s.shelved[a.Key] = a
	return a, nil
}

func (s *shelf) Edit(ctx context.Context, key Key, edit Edit) (Account, error) {
	if _, err := s.Load(ctx, key); err != nil {
		return Account{}, err
	}
	s.change(key, func(a *Account) {
		if edit.Name != nil {
			a.Name = *edit.Name
		}
		if edit.Proxy != nil {
			a.Proxy = *edit.Proxy
		}
		if edit.Active != nil {
			a.Active = *edit.Active
		}
	})
	return s.Load(ctx, key)
}

func (s *shelf) Remove(ctx context.Context, key Key) error {
	_, err := s.Load(ctx, key)
	if err == nil {
		s.set(func(s *shelf) { delete(s.shelved, key) })
	}
	return err
}

type shelfLease struct {
	s     *shelf
	key   Key
	until time.Time
}

// asked is how often a lease was asked for.
func (s *shelf) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.locks
}

func (s *shelf) TryLock(_ context.Context, key Key) (Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.locks++
	if err := cmp.Or(s.away, s.readOnly); err != nil {
		return nil, err
	}
	if time.Now().Before(s.leases[key]) {
		return nil, Errorf(KindLocked, "locked", nil)
	}
	l := shelfLease{s, key, time.Now().Add(time.Minute)}
	s.leases[key] = l.until
	return l, nil
}

func (l shelfLease) Until() time.Time { return l.until }

func (l shelfLease) Release(context.Context) error {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if l.s.leases[l.key].Equal(l.until) {
		delete(l.s.leases, l.key)
	}
	return nil
}

// collect gathers the events of kinds until stop is called.
func collect(e *Engine, kinds ...EventKind) (stop func() []Event) {
	ctx, cancel := context.WithCancel(context.Background())
	seq := e.Watch(ctx)
	var events []Event
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ev := range seq {
			for _, k := range kinds {
				if ev.Kind == k {
					events = append(events, ev)
				}
			}
		}
	}()
	return func() []Event {
		time.Sleep(time.Millisecond) // in a bubble: until everything else is idle
		cancel()
		<-done
		return events
	}
}

// book is a journal that can be made to fail.
type book struct {
	mu      sync.Mutex
	pages   map[Key]Secret
	written map[Key]int64
	seq     int64
	away    error
	cut     bool // the power is, before anything of UpdateSoon is durable
}

func newBook() *book { return &book{pages: map[Key]Secret{}, written: map[Key]int64{}} }

func (b *book) set(change func(*book)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

func (b *book) page(key Key) Record {
	text, ok := b.pages[key]
	if !ok {
		return Record{}
	}
	r, err := DecodeRecord(text)
	if err != nil {
		return Record{Damaged: true}
	}
	return r
}

func (b *book) Since(_ context.Context, mark int64) (map[Key]Record, int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	records := map[Key]Record{}
	for key := range b.pages {
		if b.written[key] > mark {
			records[key] = b.page(key)
		}
	}
	return records, b.seq, b.away
}

func (b *book) Read(_ context.Context, key Key) (Record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.page(key), b.away
}

func (b *book) Update(_ context.Context, change func(Key, *Record), keys ...Key) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away != nil {
		return b.away
	}
	for _, key := range keys {
		r := b.page(key)
		change(key, &r)
		if text := r.Encode(); text != b.pages[key] {
			b.seq++
			b.pages[key], b.written[key] = text, b.seq
		}
	}
	return nil
}

func (b *book) UpdateSoon(ctx context.Context, change func(Key, *Record), keys ...Key) error {
	b.mu.Lock()
	cut := b.cut
	b.mu.Unlock()
	if !cut {
		return b.Update(ctx, change, keys...)
	}
	for _, key := range keys {
		b.mu.Lock()
		r := b.page(key)
		b.mu.Unlock()
		change(key, &r)
	}
	return nil
}

// offset is a wall clock that can be set.
type offset struct {
	mu sync.Mutex
	by time.Duration
}

func (o *offset) set(by time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.by = by
}

// now moves the wall clock alone: the monotonic reading stays what it is.
func (o *offset) now() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return time.Now().Add(o.by)
}
