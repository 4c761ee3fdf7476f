package main

import (
	"iter"
	"time"

	"github.com/gen2brain/beeep"

	"tokentray/assets"
	"tokentray/cmd/internal/desktop"
	"tokentray/engine"
	"tokentray/engine/notify"
)

// notifier shows desktop notifications, by beeep where they have no buttons.
func notifier() *desktop.Notifier {
	beeep.AppName = metadata.Name
	icon := assets.Icon("icon.png")
	return &desktop.Notifier{App: metadata.Name, Icon: icon, Plain: func(title, text string) error { return beeep.Notify(title, text, icon) }}
}

// notify shows what events have to tell, through the system's service.
func (d *desk) notify(there bool, events iter.Seq[engine.Event]) {
	notify.Desktop{Text: d.texts.Get, Show: func(n notify.Note) {
		if !there || d.kept(ownNotifications) == "off" || time.Now().Before(d.muted()) {
			return
		}
		if err := d.notifier.Show(d.note(n)); err != nil {
			d.log.Warn("⚠️ the desktop notification was not shown: " + err.Error())
		}
	}}.Run(events)
}

const signInButton = "sign-in"

// note gives n its buttons, which act in the window that is there by then.
func (d *desk) note(n notify.Note) desktop.Note {
	note := desktop.Note{Title: n.Title, Text: n.Text, Asks: n.SignIn != "", Buttons: []desktop.Button{{Key: desktop.Body, Label: d.texts.Get("Open")}}}
	if n.Account.ID != "" {
		note.About = n.Account.Store + " " + n.Account.String()
	}
	if n.SignIn != "" {
		note.Buttons = append(note.Buttons, desktop.Button{Key: signInButton, Label: n.SignIn})
	}
	note.Pressed = func(key string) {
		d.loop.Do(func() {
			switch {
			case key == signInButton:
				d.window.SignIn(n.Account)
			case n.Account.ID != "":
				d.window.OpenAccount(n.Account)
			default:
				d.window.Open()
			}
		})
	}
	return note
}
