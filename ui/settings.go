package ui

import (
	"strings"

	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Setting is one line of the settings page.
type Setting struct {
	Name   string // as in settings.json
	Title  string
	Value  string // what is in force; "" of a secret, whether it is set or not
	Hint   string // shown in an empty field
	Secret bool
	// Choices are what can be chosen; nil: any text.
	Choices []string
	// Fixed says where a value comes from that stands above what is saved
	// here; "" where nothing does.
	Fixed string
}

// settingsPage asks for settings. save keeps what was changed, and returns for
// each name that cannot be used what is wrong with it.
func (w *Window) settingsPage(settings []Setting, facts []string, save func(map[string]string) map[string]error) {
	t := w.p.Texts
	type field struct {
		Setting
		text  func() string
		wrong *widget.Label
	}
	var fields []field
	lines := container.NewVBox()
	for _, s := range settings {
		f := field{Setting: s, wrong: widget.NewLabel("")}
		f.wrong.Importance, f.wrong.Wrapping = widget.DangerImportance, fyne.TextWrapWord
		f.wrong.Hide()
		var input fyne.CanvasObject
		if s.Choices != nil {
			var names []string
			for _, c := range s.Choices {
				names = append(names, t.Get(c))
			}
			choice := widget.NewSelect(names, nil)
			choice.SetSelectedIndex(slices.Index(s.Choices, s.Value))
			f.text = func() string {
				if i := choice.SelectedIndex(); i >= 0 {
					return s.Choices[i]
				}
				return s.Value
			}
			input = choice
		} else {
			entry := w.dialogs.entry(s.Secret)
			entry.SetPlaceHolder(t.Get(s.Hint))
			entry.SetText(s.Value)
			f.text = func() string { return entry.Text }
			input = entry
		}
		title := widget.NewLabel(s.Title)
		lines.Add(container.NewBorder(nil, nil, container.NewGridWrap(fyne.NewSize(240, title.MinSize().Height), title), nil, input))
		if s.Fixed != "" {
			fixed := widget.NewLabel(t.Get("from %s, which stands above what is saved here", s.Fixed))
			fixed.Importance, fixed.SizeName = widget.LowImportance, theme.SizeNameCaptionText
			lines.Add(fixed)
		}
		lines.Add(f.wrong)
		fields = append(fields, f)
	}
	for _, fact := range facts {
		label := widget.NewLabel(fact)
		label.Importance, label.Wrapping = widget.LowImportance, fyne.TextWrapWord
		lines.Add(label)
	}
	var d *dialog.CustomDialog
	keep := widget.NewButton(t.Get("Save"), func() {
		changed := map[string]string{}
		for _, f := range fields {
			if text := f.text(); text != f.Value {
				changed[f.Name] = text
			}
		}
		go func() {
			wrong := save(changed)
			w.p.Do(func() {
				if len(wrong) == 0 {
					d.Hide()
					return
				}
				for _, f := range fields {
					show(f.wrong, wrong[f.Name] != nil)
					if err := wrong[f.Name]; err != nil {
						f.wrong.SetText(err.Error())
					}
				}
			})
		}()
	})
	keep.Importance = widget.HighImportance
	scroll := container.NewVScroll(lines)
	buttons := container.NewHBox()
	if w.p.Actions.SendTest != nil {
		var test *widget.Button
		test = widget.NewButton(t.Get("Send a test alert"), func() {
			test.Disable()
			go func() {
				said := w.p.Actions.SendTest()
				w.p.Do(func() {
					test.Enable()
					w.dialogs.show(dialog.NewInformation(t.Get("Send a test alert"), strings.Join(said, "\n"), w.Window))
				})
			}()
		})
		buttons.Add(test)
	}
	buttons.Objects = append(buttons.Objects, layout.NewSpacer(), widget.NewButton(t.Get("Cancel"), func() { d.Hide() }), keep)
	d = dialog.NewCustomWithoutButtons(t.Get("Settings"), container.NewBorder(nil, buttons, nil, nil, scroll), w.Window)
	d.Resize(fyne.NewSize(640, 560))
	w.dialogs.show(d)
}
