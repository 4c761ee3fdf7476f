package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"tokentray/engine"
)

// Shoutrrr are the channels that URLs of the library shoutrrr describe. They
// are called by their services, and numbered where there are several of one.
func Shoutrrr(urls []engine.Secret) []Channel {
	var channels []Channel
	seen := map[string]int{}
	for _, u := range urls {
		name := service(u)
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s %d", name, seen[name])
		}
		channels = append(channels, Channel{Name: name, Send: sender(u)})
	}
	return channels
}

// service is the name of the URL's service: its scheme, without the one behind
// a plus sign.
func service(u engine.Secret) string {
	scheme, _, _ := strings.Cut(u.Reveal(), ":")
	name, _, _ := strings.Cut(scheme, "+")
	return engine.Clean(strings.ToLower(name))
}

func sender(u engine.Secret) func(context.Context, Message) error {
	if service(u) == "telegram" { // the library takes a network that is away for success
		if direct, err := telegramOf(u); err == nil {
			return direct.send
		}
	}
	return func(ctx context.Context, m Message) error { return shout(ctx, u, m) }
}

// titled are the services that show a title of its own above the text. The
// others get both in one.
var titled = []string{"smtp", "bark", "gotify", "join", "ntfy", "pushbullet", "pushover"}

// shout makes one try. The library knows no context: a try that takes too long
// goes on by itself.
func shout(ctx context.Context, u engine.Secret, m Message) error {
	done := make(chan error, 1)
	go func() {
		sender, err := (&router.ServiceRouter{}).Locate(u.Reveal())
		if err != nil {
			done <- errors.New("its URL cannot be used: docs/ALERTS.md has examples")
			return
		}
		text, params := m.whole(), types.Params{}
		if name := service(u); slices.Contains(titled, name) {
			text, params["title"] = cmp.Or(m.Text, m.Title), m.Title
			if name == "smtp" {
				params["title"] = mime.BEncoding.Encode("utf-8", m.Title)
			}
		}
		done <- harmless(sender.Send(text, &params))
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errLate
	}
}

// harmless is what of the library's errors can be shown: their texts have the
// URL, and answers.
func harmless(err error) error {
	if err == nil {
		return nil
	}
	if mail, ok := errors.AsType[*textproto.Error](err); ok {
		return fmt.Errorf("the mail server answered %d", mail.Code)
	}
	for status := 300; status < 600; status++ {
		if text := http.StatusText(status); text != "" && strings.Contains(err.Error(), fmt.Sprintf("%d %s", status, text)) {
			return fmt.Errorf("it answered %d", status)
		}
	}
	_, network := errors.AsType[net.Error](err)               // a *url.Error is one
	if network || strings.Contains(err.Error(), "dial tcp") { // not every service hands its cause on
		return errors.New("it cannot be reached")
	}
	return errors.New("it did not take the message")
}

// telegramOf reads telegram://token@telegram?chats=…
func telegramOf(u engine.Secret) (direct, error) {
	parsed, err := url.Parse(u.Reveal())
	if err != nil || parsed.User == nil {
		return nil, errors.New("not readable")
	}
	query := url.Values{}
	for name, values := range parsed.Query() {
		query[strings.ToLower(name)] = values
	}
	password, _ := parsed.User.Password()
	token := parsed.User.Username() + ":" + password
	silent := slices.Contains([]string{"no", "false", "0"}, strings.ToLower(strings.Join(query["notification"], "")))
	var chats []any
	for chat := range strings.SplitSeq(cmp.Or(strings.Join(query["chats"], ","), strings.Join(query["channels"], ",")), ",") {
		if chat = strings.TrimSpace(chat); chat != "" {
			chats = append(chats, chat)
		}
	}
	if len(chats) == 0 {
		return nil, errors.New("it names no chat")
	}
	return telegram(telegramAPI, token, silent, chats...), nil
}
