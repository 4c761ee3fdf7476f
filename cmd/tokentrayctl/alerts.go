package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/gen2brain/beeep"

	"tokentray/cmd/internal/desktop"
	"tokentray/engine"
	"tokentray/engine/notify"
)

type alertsCmd struct {
	Test alertsTestCmd `cmd:"" help:"Send a test to every channel that alerts go out by."`
}

type alertsTestCmd struct{}

func (c *alertsTestCmd) Help() string {
	return `One line for each channel: this desktop, the webhook, each of NOTIFY_URLS, and with USE_RELAY_WEBHOOKS those of
the relay. It says ok, or what is wrong; then it ends with 1. Quiet hours do not hold a test back.`
}

func (c *alertsTestCmd) Run(s *session) error {
	app, _, done, err := s.open(false)
	if err != nil {
		return err
	}
	defer done()
	channels, faults := app.Channels(s.ctx)
	if desktop.Look().Notifications {
		channels = append([]notify.Channel{onDesktop()}, channels...)
	}
	code := exitDone
	if faults != nil {
		code = s.report(faults)
	}
	if len(channels) == 0 && faults == nil {
		_, err := fmt.Fprintln(s.stdout, "there is no channel: this desktop shows no notifications, and none of WEBHOOK_URL, NOTIFY_URLS and USE_RELAY_WEBHOOKS names one")
		return err
	}
	for _, channel := range channels {
		said := "ok"
		if err := app.SendTest(s.ctx, channel); err != nil {
			said, code = engine.CleanLine(err.Error()), max(code, exitFail)
		}
		if _, err := fmt.Fprintf(s.stdout, "%s: %s\n", channel.Name, said); err != nil {
			return err
		}
	}
	if code != exitDone {
		return fault{code, nil}
	}
	return nil
}

// onDesktop shows a notification as the app does, without buttons.
func onDesktop() notify.Channel {
	beeep.AppName = "Tokentray"
	return notify.Channel{Name: "desktop", Send: func(ctx context.Context, m notify.Message) error {
		shown := make(chan error, 1)
		go func() { // beeep knows no end of waiting
			n := desktop.Notifier{App: beeep.AppName, Plain: func(title, text string) error { return beeep.Notify(title, text, "") }}
			defer n.Close()
			shown <- n.Show(desktop.Note{Title: m.Title, Text: m.Text})
		}()
		select {
		case err := <-shown:
			return err
		case <-ctx.Done():
			return errors.New("the notification service does not answer")
		}
	}}
}
