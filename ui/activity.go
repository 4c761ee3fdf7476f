package ui

import (
	"cmp"
	"log/slog"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
	"tokentray/engine/guidelog"
)

// activity is the log's last lines in a window of its own. Nothing secret can
// be in it: nothing secret gets into the log.
type activity struct {
	fyne.Window
	w       *Window
	dialogs *dialogs

	level   slog.Level
	account string // id; "": all
	pick    *widget.Select
	ids     []string // of the accounts to pick, as pick has their names
	lines   []guidelog.Line
	total   int
	list    *keyList
	count   *widget.Label
	stop    chan struct{}
}

// openActivity shows it.
func (w *Window) openActivity() {
	if w.activity != nil {
		w.activity.RequestFocus()
		return
	}
	t := w.p.Texts
	a := &activity{Window: w.p.App.NewWindow(t.Get("Activity")), w: w, level: slog.LevelInfo, count: widget.NewLabel(""), stop: make(chan struct{})}
	a.dialogs = dialogsOf(a)
	w.activity = a
	a.list = newKeyList(func() int { return len(a.lines) },
		func() fyne.CanvasObject {
			line := widget.NewLabel("")
			line.Truncation = fyne.TextTruncateEllipsis
			at := widget.NewLabel("00-00 00:00:00")
			at.Importance = widget.LowImportance
			return container.NewBorder(nil, nil, at, nil, line)
		},
		func(id widget.ListItemID, o fyne.CanvasObject) {
			if id >= len(a.lines) {
				return
			}
			l, row := a.lines[len(a.lines)-1-id], o.(*fyne.Container) // the newest first
			text, at := row.Objects[0].(*widget.Label), row.Objects[1].(*widget.Label)
			importance := widget.MediumImportance
			switch {
			case l.Level >= slog.LevelError:
				importance = widget.DangerImportance
			case l.Level >= slog.LevelWarn:
				importance = widget.WarningImportance
			}
			if text.Importance != importance {
				text.Importance = importance
				text.Refresh()
			}
			setLabel(text, l.Text)
			setLabel(at, l.Time.Local().Format("01-02 15:04:05"))
		})
	a.list.OnSelected = func(id widget.ListItemID) {
		if id < len(a.lines) {
			a.dialogs.show(dialog.NewInformation(a.lines[len(a.lines)-1-id].Time.Local().Format(time.DateTime), a.lines[len(a.lines)-1-id].Text, a.Window))
		}
		a.list.UnselectAll()
	}
	levels := []string{t.Get("everything"), t.Get("warnings"), t.Get("errors")}
	level := widget.NewSelect(levels, func(chosen string) {
		a.level = []slog.Level{slog.LevelInfo, slog.LevelWarn, slog.LevelError}[slices.Index(levels, chosen)]
		a.fill()
	})
	level.Selected = levels[0]
	a.pick = widget.NewSelect(nil, func(string) {
		if i := a.pick.SelectedIndex(); i >= 0 {
			a.account = a.ids[i]
			a.fill()
		}
	})
	copied := widget.NewButtonWithIcon(t.Get("Copy"), theme.ContentCopyIcon(), func() { w.p.App.Clipboard().SetContent(a.text()) })
	save := widget.NewButtonWithIcon(t.Get("Save"), theme.DocumentSaveIcon(), func() {
		text := a.text()
		go func() {
			path, err := w.p.Actions.SaveText("tokentray-activity.txt", text)
			w.p.Do(func() {
				if err != nil {
					a.dialogs.show(dialog.NewError(err, a.Window))
				} else {
					a.dialogs.show(dialog.NewInformation(t.Get("Saved"), path, a.Window))
				}
			})
		}()
	})
	a.SetContent(reading(container.NewHBox(level, a.pick, a.count, layout.NewSpacer(), copied, save), nil, nil, nil, a.list))
	a.Resize(fyne.NewSize(860, 520))
	a.SetOnClosed(func() {
		close(a.stop)
		w.activity = nil
	})
	for key, do := range a.keys() {
		a.Canvas().AddShortcut(&desktop.CustomShortcut{KeyName: key, Modifier: fyne.KeyModifierShortcutDefault}, func(fyne.Shortcut) { do() })
	}
	a.fill()
	a.Show()
	go a.follow()
}

// keys are its shortcuts, as those in the main window's menu.
func (a *activity) keys() map[fyne.KeyName]func() {
	return map[fyne.KeyName]func(){fyne.KeyW: a.Close, fyne.KeyQ: a.w.p.App.Quit}
}

// follow shows what is new, once a second.
func (a *activity) follow() {
	for {
		select {
		case <-time.After(time.Second):
			a.w.p.Do(func() {
				if _, total := a.w.p.Log.Lines(); total != a.total {
					a.fill()
				}
			})
		case <-a.stop:
			return
		}
	}
}

// fill shows the lines that are asked for.
func (a *activity) fill() {
	lines, total := a.w.p.Log.Lines()
	a.total = total
	a.accounts()
	a.lines = slices.DeleteFunc(lines, func(l guidelog.Line) bool {
		return l.Level < a.level || a.account != "" && l.AccountID != a.account && !names(l, a.account)
	})
	setLabel(a.count, a.w.p.Texts.Count(len(a.lines), "1 line", "%d lines"))
	a.list.Refresh()
}

// names reports whether a line that is of no account tells of it, as a pass
// does of many.
func names(l guidelog.Line, account string) bool {
	return l.AccountID == "" && strings.Contains(l.Text, "("+account+")")
}

// accounts offers the accounts that there are now.
func (a *activity) accounts() {
	names, ids := []string{a.w.p.Texts.Get("all accounts")}, []string{""}
	views := a.w.p.Engine.Snapshot()
	slices.SortFunc(views, func(x, y engine.View) int { return cmp.Or(strings.Compare(x.Name, y.Name), x.Key.Compare(y.Key)) })
	for _, v := range views {
		name := v.Name
		for i := 2; slices.Contains(names, name); i++ {
			name = v.Name + strings.Repeat(" ·", i-1)
		}
		names, ids = append(names, name), append(ids, v.ID)
	}
	if slices.Equal(names, a.pick.Options) && slices.Equal(ids, a.ids) {
		return
	}
	a.ids, a.pick.Options = ids, names
	at := max(slices.Index(ids, a.account), 0) // one that is gone: all
	a.account, a.pick.Selected = ids[at], names[at]
	a.pick.Refresh()
}

func (a *activity) text() string {
	var b strings.Builder
	for _, l := range a.lines {
		b.WriteString(l.Time.Local().Format(time.DateTime) + " " + l.Text + "\n")
	}
	return b.String()
}
