package engine

import (
	"container/heap"
	"time"
)

// dueQueue orders the accounts by when each is due; all of it is guarded by
// Engine.mu.
type dueQueue []*state

func (q dueQueue) Len() int           { return len(q) }
func (q dueQueue) Less(i, j int) bool { return q[i].due < q[j].due }
func (q dueQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = int32(i+1), int32(j+1)
}

func (q *dueQueue) Push(x any) {
	st := x.(*state)
	*q = append(*q, st)
	st.place = int32(len(*q))
}

func (q *dueQueue) Pop() any {
	old := *q
	st := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	st.place = 0
	return st
}

// requeue puts the account where its next refresh belongs, or takes it out
// where none is planned or one is under way.
func (e *Engine) requeue(st *state) {
	a := st.account()
	next, planned := e.policy.Next(a, st.tries())
	if !planned {
		e.crowd.Leave(st.slot())
		st.setSlot(Slot{})
	} else if slot := e.crowd.Join(e.policy, a, st.slot()); slot != st.slot() {
		st.setSlot(slot)
		next, planned = e.policy.Next(a, st.tries())
	}
	if !planned || st.flight != nil {
		e.dequeue(st)
		return
	}
	st.due = next.UnixMicro()
	if st.place == 0 {
		heap.Push(&e.queue, st)
	} else {
		heap.Fix(&e.queue, int(st.place)-1)
	}
}

func (e *Engine) dequeue(st *state) {
	if st.place > 0 {
		heap.Remove(&e.queue, int(st.place)-1)
	}
}

// hasten makes a queued account due now.
func (e *Engine) hasten(st *state) {
	if st.place == 0 {
		return
	}
	if now := e.now().UnixMicro(); st.due > now {
		st.due = now
		heap.Fix(&e.queue, int(st.place)-1)
	}
	e.poke()
}

// takeDue removes and returns the accounts that are due, the earliest first,
// as many as a batch has room for beside what is under way.
func (e *Engine) takeDue(now time.Time) []*state {
	e.mu.Lock()
	defer e.mu.Unlock()
	var due []*state
	for e.underWay+len(due) < batchSize && len(e.queue) > 0 && e.queue[0].due <= now.UnixMicro() {
		st := heap.Pop(&e.queue).(*state)
		if !e.offline(st.account()) && !e.isAway(st.key) { // else the network's or the store's return queues it again
			due = append(due, st)
		}
	}
	return due
}

// nextDue is when the first account is due; false where none is, or where
// there is no room for it: the end of a flight wakes the scheduler.
func (e *Engine) nextDue() (time.Time, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.queue) == 0 || e.underWay >= batchSize {
		return time.Time{}, false
	}
	return time.UnixMicro(e.queue[0].due), true
}
