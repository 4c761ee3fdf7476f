package engine

import (
	"context"
	"time"
)

// readBacks are how long after a save the account is read again: another
// program that had read it before may write its old copy back, within moments.
var readBacks = [...]time.Duration{time.Second, 5 * time.Second, 30 * time.Second}

// readBack reads the account again after a save, so that an old token which
// was written back is replaced before anybody sends it. Close does not wait
// for what has not come yet.
func (e *Engine) readBack(st *state) {
	e.mu.Lock()
	defer e.mu.Unlock()
	st.saves++
	save := st.saves
	if e.closed {
		return
	}
	e.readers.Go(func() {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		stop := context.AfterFunc(e.ending, cancel)
		defer stop()
		began := time.Now()
		for _, after := range readBacks {
			select {
			case <-time.After(after - time.Since(began)):
			case <-ctx.Done():
				return
			}
			e.mu.Lock()
			superseded := st.saves != save || (*e.index.Load())[st.key] != st
			e.mu.Unlock()
			if superseded { // a later save has read-backs of its own
				return
			}
			if a, err := e.load(ctx, st.key); err == nil {
				e.absorb(a)
			}
		}
	})
}
