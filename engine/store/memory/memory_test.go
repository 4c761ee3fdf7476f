package memory_test

import (
	"testing"

	"tokentray/engine"
	"tokentray/engine/store/memory"
	"tokentray/engine/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Subject {
		s := memory.New()
		return storetest.Subject{
			Store: s, Locker: s, OtherLocker: s,
			Remove: func(t *testing.T, key engine.Key) {
				if err := s.Remove(t.Context(), key); err != nil {
					t.Fatal(err)
				}
			},
			Providers: []string{engine.Claude, engine.Gemini, engine.OpenAI, engine.Droid, engine.Generic},
		}
	})
}

func TestJournal(t *testing.T) {
	storetest.RunJournal(t, func(t *testing.T) storetest.JournalSubject {
		j := new(memory.Journal)
		return storetest.JournalSubject{Journal: j, Other: j, Damage: func(_ *testing.T, key engine.Key) { j.Damage(key) }}
	})
}
