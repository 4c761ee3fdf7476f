package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"tokentray/engine"
	"tokentray/ui/view"
)

// english are the command line's texts.
var english view.Texts

// accountTable writes the accounts as an aligned table.
func accountTable(w io.Writer, views []engine.View, lazy, colour bool, now time.Time) {
	t := table{colour: colour, right: map[int]bool{4: true}}
	for _, v := range views {
		t.sources = append(t.sources, v.Store)
	}
	t.add("", "ACCOUNT", "PROVIDER", "STATUS", "EXPIRES IN", "REFRESHED", "")
	for _, v := range views {
		t.toned(view.ToneOf(v, lazy), "●", v.Name, view.Provider(v.Account), english.Status(v, lazy), english.ExpiresIn(v, now),
			english.Age(view.LastRefresh(v), now), english.Note(v, now))
	}
	t.write(w)
}

// colours are ANSI's for the tones.
var colours = map[view.Tone]string{view.Dim: "2", view.Valid: "32", view.Wait: "33", view.Person: "31"}

// table aligns cells by their width on a terminal, where Chinese and emoji
// take two columns.
type table struct {
	rows   [][]string
	tones  []string // ANSI colours, "" for none
	right  map[int]bool
	colour bool
	// sources are the stores of the rows below the first. Where they are
	// several, a column tells them.
	sources []string
}

func (t *table) add(cells ...string) {
	t.rows = append(t.rows, cells)
	t.tones = append(t.tones, "")
}

// toned adds a row whose first cell, a mark, and fourth, its words, are
// coloured.
func (t *table) toned(tone view.Tone, cells ...string) {
	for i := range cells { // errors and ids of a store can hold anything
		cells[i] = engine.CleanLine(cells[i])
	}
	t.rows = append(t.rows, cells)
	t.tones = append(t.tones, colours[tone])
}

// words is the column that a row's colour is for, beside its mark.
const words = 3

// tellSources adds the column of the rows' stores before the words, where they
// are several.
func (t *table) tellSources() (coloured int) {
	if !several(t.sources) {
		return words
	}
	for r, row := range t.rows {
		source := "SOURCE"
		if r > 0 {
			source = sourceOf(t.sources[r-1])
		}
		t.rows[r] = slices.Insert(slices.Clone(row), words, engine.CleanLine(source))
	}
	right := map[int]bool{}
	for i := range t.right {
		right[i+1] = true
	}
	t.right = right
	return words + 1
}

func (t *table) write(w io.Writer) {
	coloured := t.tellSources()
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], runewidth.StringWidth(cell))
		}
	}
	for r, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-runewidth.StringWidth(cell))
			if t.colour && t.tones[r] != "" && (i == 0 || i == coloured) {
				cell = "\x1b[" + t.tones[r] + "m" + cell + "\x1b[0m"
			}
			if t.right[i] {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
			line.WriteString("  ")
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}
