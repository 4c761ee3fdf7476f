package logins

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// span is a part of a text, from its first byte to behind its last.
type span struct{ from, to int }

// none reports whether there is no value: no such field, or null.
func (s span) none(text []byte) bool { return s.from == s.to || string(text[s.from:s.to]) == "null" }

// object is where in a text an object's values are.
type object struct {
	from   int // behind its brace
	values map[string][]span
}

// readObject finds the values of the object at that part of a valid JSON text.
func readObject(text []byte, at span) (object, error) {
	dec := json.NewDecoder(bytes.NewReader(text[at.from:at.to]))
	if brace, err := dec.Token(); err != nil || brace != json.Delim('{') {
		return object{}, badShape
	}
	o := object{at.from + int(dec.InputOffset()), map[string][]span{}}
	for dec.More() {
		token, err := dec.Token()
		name, named := token.(string)
		if err != nil || !named {
			return object{}, notJSON
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return object{}, notJSON
		}
		to := at.from + int(dec.InputOffset())
		o.values[name] = append(o.values[name], span{to - len(value), to})
	}
	return o, nil
}

// one is where the field's value is; the zero span where there is no such
// field. Of a field that is there twice nobody can say which one counts.
func (o object) one(name string) (span, error) {
	switch found := o.values[name]; len(found) {
	case 0:
		return span{}, nil
	case 1:
		return found[0], nil
	}
	return span{}, fault(fmt.Sprintf("has %q twice", name))
}

// edit puts text in place of a part of another.
type edit struct {
	span
	text string
}

// set is the edit that gives the field of o, which is not empty, a value.
func (o object) set(name, value string) edit {
	if found := o.values[name]; len(found) > 0 {
		return edit{found[0], value}
	}
	return edit{span{o.from, o.from}, fmt.Sprintf("%q:%s,", name, value)}
}

// splice makes the edits. All other bytes stay as they are.
func splice(text []byte, edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return a.from - b.from })
	var out []byte
	at := 0
	for _, e := range edits {
		out = append(append(out, text[at:e.from]...), e.text...)
		at = e.to
	}
	return append(out, text[at:]...)
}
