package relay

import (
	"testing"

	"tokentray/engine"
	"tokentray/engine/store/relay/redistest"
)

// What is counted is what the server gets.
func TestCommandsAreCounted(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server, testKey)
	fill(t, server, s, 300)
	list := func() {
		if _, err := s.List(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	list() // connects
	before := s.Commands()
	got := server.Commands(t, func() {
		list()
		lease, err := s.TryLock(t.Context(), engine.Key{Provider: engine.Claude, ID: "x"})
		if err == nil {
			err = lease.Release(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	if counted := s.Commands() - before; got < 6 || counted != uint64(got) {
		t.Errorf("%d commands are counted of %d", counted, got)
	}
	server.Kill()
	s.List(t.Context()) // may still have a connection
	before = s.Commands()
	if _, err := s.List(t.Context()); engine.KindOf(err) != engine.KindStore {
		t.Fatalf("without a server: %v", err)
	}
	if counted := s.Commands() - before; counted != 0 {
		t.Errorf("%d commands are counted that nobody got", counted)
	}
}
