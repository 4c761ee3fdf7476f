package ui

import (
	"cmp"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"tokentray/ui/view"
)

// Setting is one line of the settings page.
type Setting struct {
	Name   string // as in settings.json
	Title  string
	Value  string // what is in force; "" of a secret, whether it is set or not
	Hint   string // shown in an empty field
	Secret bool
	// Set says that a secret is saved, so that it can be removed.
	Set bool
	// Several are what can be switched on, each by itself: Value, or else Hint,
	// has those that are, separated by commas, or "none".
	Several []Option
	// Choices are what can be chosen; nil: any text.
	Choices []string
	// Fixed says where a value comes from that stands above what is saved
	// here; "" where nothing does.
	Fixed string
}

// Option is one of several.
type Option struct{ Value, Title string }

// field is a setting on the page.
type field struct {
	Setting
	// chosen is the setting's new value, and whether it is one.
	chosen func() (value string, changed bool)
	input  fyne.CanvasObject
	wrong  *widget.Label
}

func (w *Window) newField(s Setting) field {
	f := field{Setting: s, wrong: widget.NewLabel("")}
	f.wrong.Importance, f.wrong.Wrapping = widget.DangerImportance, fyne.TextWrapWord
	f.wrong.Hide()
	switch {
	case s.Several != nil:
		f.several()
	case s.Choices != nil:
		f.choice(w.p.Texts)
	default:
		f.text(w)
	}
	return f
}

// several are checks.
func (f *field) several() {
	on := strings.Split(cmp.Or(f.Value, f.Hint), ",")
	boxes, checks := container.NewGridWithColumns(2), []*widget.Check{}
	for _, o := range f.Several {
		check := widget.NewCheck(o.Title, nil)
		check.Checked = slices.Contains(on, o.Value)
		checks = append(checks, check)
		boxes.Add(check)
	}
	f.input = boxes
	f.chosen = func() (string, bool) {
		changed, chosen := false, []string{}
		for i, check := range checks {
			value := f.Several[i].Value
			changed = changed || check.Checked != slices.Contains(on, value)
			if check.Checked {
				chosen = append(chosen, value)
			}
		}
		return cmp.Or(strings.Join(chosen, ","), "none"), changed
	}
}

// choice is one of a few.
func (f *field) choice(t view.Texts) {
	var names []string
	for _, c := range f.Choices {
		names = append(names, t.Get(c))
	}
	choice := widget.NewSelect(names, nil)
	choice.SetSelectedIndex(slices.Index(f.Choices, f.Value))
	f.input = choice
	f.chosen = func() (string, bool) {
		i := choice.SelectedIndex()
		if i < 0 {
			return f.Value, false
		}
		return f.Choices[i], f.Choices[i] != f.Value
	}
}

// text is a line to type; of a secret that is saved it stays empty, and a check
// removes it.
func (f *field) text(w *Window) {
	t, entry := w.p.Texts, w.dialogs.entry(f.Secret)
	entry.SetPlaceHolder(t.Get(f.Hint))
	entry.SetText(f.Value)
	f.input = entry
	remove := widget.NewCheck(t.Get("remove"), func(on bool) {
		if on {
			entry.Disable()
		} else {
			entry.Enable()
		}
	})
	if f.Set {
		f.input = container.NewBorder(nil, nil, nil, remove, entry)
	}
	f.chosen = func() (string, bool) {
		if remove.Checked {
			return "", true
		}
		return entry.Text, entry.Text != f.Value
	}
}

// settingsPage asks for settings. save keeps what was changed, and returns for
// each name that cannot be used what is wrong with it.
func (w *Window) settingsPage(settings []Setting, facts []string, save func(map[string]string) map[string]error) {
	t := w.p.Texts
	var fields []field
	lines := container.NewVBox()
	for _, s := range settings {
		f := w.newField(s)
		title := widget.NewLabel(s.Title)
		lines.Add(container.NewBorder(nil, nil, container.NewGridWrap(fyne.NewSize(240, title.MinSize().Height), title), nil, f.input))
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
			if value, is := f.chosen(); is {
				changed[f.Name] = value
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
