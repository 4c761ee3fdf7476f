package ui

import (
	"log/slog"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
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
	lines   []guidelog.Line
	total   int
	list    *widget.List
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
	a.list = widget.NewList(func() int { return len(a.lines) },
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
	names, ids := []string{t.Get("all accounts")}, []string{""}
	views := w.p.Engine.Snapshot()
	slices.SortFunc(views, func(x, y engine.View) int { return strings.Compare(x.Name, y.Name) })
	for _, v := range views {
		name := v.Name
		for i := 2; slices.Contains(names, name); i++ {
			name = v.Name + strings.Repeat(" ·", i-1)
		}
		names, ids = append(names, name), append(ids, v.ID)
	}
	account := widget.NewSelect(names, func(chosen string) {
		a.account = ids[slices.Index(names, chosen)]
		a.fill()
	})
	account.Selected = names[0]
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
	a.SetContent(container.NewBorder(container.NewHBox(level, account, a.count, layout.NewSpacer(), copied, save), nil, nil, nil, a.list))
	a.Resize(fyne.NewSize(860, 520))
	a.SetOnClosed(func() {
		close(a.stop)
		w.activity = nil
	})
	a.fill()
	a.Show()
	go a.follow()
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
	a.lines = slices.DeleteFunc(lines, func(l guidelog.Line) bool {
		return l.Level < a.level || a.account != "" && l.AccountID != a.account
	})
	setLabel(a.count, a.w.p.Texts.Count(len(a.lines), "1 line", "%d lines"))
	a.list.Refresh()
}

func (a *activity) text() string {
	var b strings.Builder
	for _, l := range a.lines {
		b.WriteString(l.Time.Local().Format(time.DateTime) + " " + l.Text + "\n")
	}
	return b.String()
}
