package local

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"tokentray/engine"
	"tokentray/engine/store/storetest"
)

func TestJournal(t *testing.T) {
	storetest.RunJournal(t, func(t *testing.T) storetest.JournalSubject {
		path := filepath.Join(t.TempDir(), "tokentray.db")
		s := open(t, path, nil)
		return storetest.JournalSubject{
			Journal: s.Journal(), Other: open(t, path, nil).Journal(),
			Damage: func(t *testing.T, key engine.Key) {
				if _, err := s.db.Exec(`UPDATE journal SET record = x'00ff' WHERE account = ?`, key.ID); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}

// Two stores' accounts may have the same keys.
func TestJournalOfAnotherStore(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "tokentray.db"), nil)
	key, other := engine.Key{Store: "one", Provider: engine.Claude, ID: "a"}, engine.Key{Store: "other", Provider: engine.Claude, ID: "a"}
	if err := s.Journal().Update(t.Context(), func(_ engine.Key, r *engine.Record) { r.Restored = 1 }, key); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Journal().Read(t.Context(), other); err != nil || r.Restored != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	// A record that is moved to another account is not opened there.
	if _, err := s.db.Exec(`UPDATE journal SET store = 'other'`); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Journal().Read(t.Context(), other); err != nil || !r.Damaged {
		t.Errorf("moved: %+v, %v", r, err)
	}
}

// A damaged record stays, set aside; no token is in the file in the open.
func TestJournalSetsAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokentray.db")
	s := open(t, path, nil)
	j, key := s.Journal(), engine.Key{Provider: engine.Claude, ID: "a"}
	for i := range 2 {
		if err := j.Update(t.Context(), func(_ engine.Key, r *engine.Record) {
			*r = engine.Record{Newest: engine.Token{RefreshToken: engine.NewSecret("refresh-in-the-journal")}, Restored: i + 1}
			r.Head = r.Newest.RefreshToken.Fingerprint()
		}, key); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if _, err := s.db.Exec(`UPDATE journal SET record = x'00'`); err != nil {
				t.Fatal(err)
			}
		}
	}
	n := 0
	if err := s.db.QueryRow(`SELECT COUNT(*) FROM journal_damaged WHERE record = x'00' AND account = 'a'`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d records set aside, %v", n, err)
	}
	for _, suffix := range []string{"", "-wal"} {
		if text, _ := os.ReadFile(path + suffix); bytes.Contains(text, []byte("refresh-in-the-journal")) {
			t.Errorf("a token in the open in %s", path+suffix)
		}
	}
}
