package view

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"tokentray/engine"
)

// Filter returns the accounts in which every word of query is found, in the
// order they have: in the name, the provider, the status as people read it and
// as scripts do, the id, or the source, which is what source says of the
// account. Case, accents and full-width forms make no difference. An empty
// query finds all.
func (t Texts) Filter(views []engine.View, query string, lazy bool, source func(engine.Key) string) []engine.View {
	var words [][]byte
	for word := range strings.FieldsSeq(fold(query)) {
		words = append(words, []byte(word))
	}
	if len(words) == 0 {
		return views
	}
	var at []int
	var text []byte
	for i := range views {
		v := &views[i]
		text = text[:0]
		for _, part := range [...]string{v.Name, Provider(v.Account), t.Status(*v, lazy), string(v.Status), v.ID, source(v.Key)} {
			text = append(append(text, fold(part)...), '\n') // no word goes over two parts
		}
		if hasAll(text, words) {
			at = append(at, i)
		}
	}
	found := make([]engine.View, len(at))
	for i, place := range at {
		found[i] = views[place]
	}
	return found
}

func hasAll(text []byte, words [][]byte) bool {
	for _, word := range words {
		if !bytes.Contains(text, word) {
			return false
		}
	}
	return true
}

// fold makes texts that people take for the same the same.
func fold(text string) string {
	if isASCII(text) {
		return strings.ToLower(text)
	}
	text = norm.NFKD.String(text)
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, text)
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
