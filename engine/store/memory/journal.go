package memory

import (
	"context"
	"sync"

	"tokentray/engine"
)

// Journal is an engine.Journal that lives as long as the process. The zero
// value is empty.
type Journal struct {
	mu      sync.Mutex
	records map[engine.Key]entry
	seq     int64
}

type entry struct {
	record engine.Secret // encoded: what is read shares nothing with what was written
	seq    int64
}

func (e entry) decode() engine.Record {
	r, err := engine.DecodeRecord(e.record)
	if err != nil {
		r = engine.Record{Damaged: true}
	}
	return r
}

// Since implements engine.Journal.
func (j *Journal) Since(_ context.Context, mark int64) (map[engine.Key]engine.Record, int64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	records := map[engine.Key]engine.Record{}
	for key, e := range j.records {
		if e.seq > mark {
			records[key] = e.decode()
		}
	}
	return records, j.seq, nil
}

// Read implements engine.Journal.
func (j *Journal) Read(_ context.Context, key engine.Key) (engine.Record, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.read(key), nil
}

func (j *Journal) read(key engine.Key) engine.Record {
	e, ok := j.records[key]
	if !ok {
		return engine.Record{}
	}
	return e.decode()
}

// Update implements engine.Journal.
func (j *Journal) Update(_ context.Context, change func(engine.Key, *engine.Record), keys ...engine.Key) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, key := range keys {
		r := j.read(key)
		change(key, &r)
		encoded := r.Encode()
		switch _, there := j.records[key]; {
		case encoded == engine.Record{}.Encode():
			delete(j.records, key)
		case !there || encoded != j.records[key].record:
			j.seq++
			if j.records == nil {
				j.records = map[engine.Key]entry{}
			}
			j.records[key] = entry{encoded, j.seq}
		}
	}
	return nil
}

// UpdateSoon implements engine.Journal.
func (j *Journal) UpdateSoon(ctx context.Context, change func(engine.Key, *engine.Record), keys ...engine.Key) error {
	return j.Update(ctx, change, keys...)
}

// Damage makes a record unreadable, for tests.
func (j *Journal) Damage(key engine.Key) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.records[key] = entry{engine.NewSecret("damaged"), j.records[key].seq}
}
