package main

import (
	"context"
	"iter"

	"github.com/gen2brain/beeep"

	"tokentray/assets"
	"tokentray/cmd/internal/desktop"
	"tokentray/cmd/internal/wiring"
	"tokentray/engine"
	"tokentray/engine/notify"
)

// notifier shows desktop notifications, by beeep where they have no buttons.
func notifier() *desktop.Notifier {
	beeep.AppName = metadata.Name
	icon := assets.Icon("icon.png")
	return &desktop.Notifier{App: metadata.Name, Icon: icon, Plain: func(title, text string) error { return beeep.Notify(title, text, icon) }}
}

// notify shows what events have to tell by the rules, through the system's
// service. app is nil in the demo.
func (d *desk) notify(there bool, app *wiring.App, events iter.Seq[engine.Event]) {
	rules := wiring.Rules(*d.set.Load())
	rules.MutedUntil = d.muted
	alerts := rules.Filter(events)
	if app != nil {
		app.Speak(d.texts.Load().Get)
		alerts = app.OnceOnDesktop(alerts)
	}
	notify.Desktop{Text: d.texts.Load().Get, Show: func(n notify.Note) {
		if there && d.kept(ownNotifications) != "off" {
			d.show(n)
		}
	}}.Run(alerts)
}

// note gives n its buttons, which act in the window that is there by then.
func (d *desk) note(n notify.Note) desktop.Note {
	note := desktop.Note{Title: n.Title, Text: n.Text, Asks: n.Asks(), Buttons: []desktop.Button{{Key: desktop.Body, Label: d.texts.Load().Get("Open")}}}
	if n.Account.ID != "" {
		note.About = n.Account.Store + " " + n.Account.String()
	}
	for _, offer := range n.Offers {
		note.Buttons = append(note.Buttons, desktop.Button{Key: string(offer.Act), Label: offer.Label})
	}
	note.Pressed = func(key string) {
		d.loop.Do(func() {
			switch act := notify.Act(key); {
			case act == notify.ActSignIn:
				d.window.SignIn(n.Account)
			case act == notify.ActRetry:
				go d.retry(d.engine, n)
			case n.Account.ID != "":
				d.window.OpenAccount(n.Account)
			default:
				d.window.Open()
			}
		})
	}
	return note
}

// retry refreshes the account that n tells of. That it is well again is an alert
// of its own; that it is not is told here, as that was told before.
func (d *desk) retry(e *engine.Engine, n notify.Note) {
	summary, err := e.Pass(context.Background(), engine.PassParams{Keys: []engine.Key{n.Account}})
	for _, r := range summary.Results {
		err = r.Err
	}
	if err != nil {
		d.show(notify.Note{Title: n.Title, Text: engine.CleanLine(err.Error()), Account: n.Account, Offers: n.Offers})
	}
}

func (d *desk) show(n notify.Note) {
	if err := d.notifier.Show(d.note(n)); err != nil {
		d.log.Warn("⚠️ the desktop notification was not shown: " + err.Error())
	}
}

// sendTest sends a test to this desktop and to every channel of app, and says of
// each how it went.
func (d *desk) sendTest(app *wiring.App) []string {
	channels, err := app.Channels(context.Background())
	here := notify.Channel{Name: d.texts.Load().Get("This desktop"), Send: func(_ context.Context, m notify.Message) error {
		return d.notifier.Show(desktop.Note{Title: m.Title, Text: m.Text})
	}}
	var said []string
	if err != nil {
		said = append(said, engine.CleanLine(err.Error()))
	}
	for _, channel := range append([]notify.Channel{here}, channels...) {
		outcome := d.texts.Load().Get("ok")
		if err := app.SendTest(context.Background(), channel); err != nil {
			outcome = engine.CleanLine(err.Error())
		}
		said = append(said, channel.Name+": "+outcome)
	}
	return said
}
