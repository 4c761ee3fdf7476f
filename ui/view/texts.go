// Package view is what the window, the tray and the command line show, as
// plain values and pure functions: no widget, no terminal, no clock of its own.
package view

import "fmt"

// Texts translates. Its keys are the English texts, with fmt verbs; what it
// lacks stays English, so that nil is English too.
type Texts map[string]string

// Get returns the text for key, with its verbs filled in.
func (t Texts) Get(key string, args ...any) string {
	if text := t[key]; text != "" {
		key = text
	}
	if len(args) == 0 {
		return key
	}
	return fmt.Sprintf(key, args...)
}

// Count is Get for a number: one or many.
func (t Texts) Count(n int, one, many string) string {
	if n == 1 {
		return t.Get(one)
	}
	return t.Get(many, n)
}
