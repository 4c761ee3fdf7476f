package notify

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tokentray/engine"
)

func shoutrrr(url string) Channel { return Shoutrrr([]engine.Secret{engine.NewSecret(url)})[0] }

var trouble = Message{Title: "团队 needs you to sign in again", Text: "Invalid refresh token"}

// Each service gets title and text where it wants them.
func TestServices(t *testing.T) {
	net := newInternet(t)
	net.answers = map[string]string{
		"/services/": "200 ok", "/bot1": `200 {"ok":true,"result":{}}`, "/push": `200 {"code":200}`, "/hook/": `200 {"code":0}`,
		"/webhook/send": `200 {"errcode":0}`, "/api/webhooks": "204 ", "/alerts": `200 {"id":"x"}`, "/message": `200 {"id":1}`,
	}
	plain := httptest.NewServer(net.Config.Handler) // for those whose client is their own
	defer plain.Close()
	for url, want := range map[string]string{
		"slack://hook:AAAAAAAAA-BBBBBBBBB-123456789123456789123456@webhook": "hooks.slack.com/services/AAAAAAAAA/BBBBBBBBB/123456789123456789123456 ",
		"discord://to-ken@4711":                                       "discord.com/api/webhooks/4711/to-ken ",
		"telegram://123456789:ABC-def@telegram?chats=@team,-100":      "api.telegram.org/bot123456789:ABC-def/sendMessage ",
		"bark://:device@api.day.app":                                  "api.day.app/push ",
		"lark://open.feishu.cn/to-ken?secret=s":                       "open.feishu.cn/open-apis/bot/v2/hook/to-ken ",
		"wecom://693a91f6-7xxx":                                       "qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7xxx ",
		"ntfy://HERE/alerts?scheme=http":                              "HERE/alerts ",
		"gotify://HERE/AzyoeNS.D4iJLVa?disabletls=yes":                "HERE/message?token=AzyoeNS.D4iJLVa ",
		"generic://example.com/hook?template=json":                    "example.com/hook ",
		"generic+https://example.com/hook?template=json&@Auth=to-ken": "example.com/hook ",
	} {
		url, want = strings.Replace(url, "HERE", plain.Listener.Addr().String(), 1), strings.Replace(want, "HERE", plain.Listener.Addr().String(), 1)
		if err := shoutrrr(url).Send(t.Context(), trouble); err != nil {
			t.Errorf("%s: %v", url, err)
		}
		came := net.take()
		if chats := strings.Count(url, ",") + 1; len(came) != chats || !strings.HasPrefix(came[0], want) || !strings.Contains(came[0], "Invalid refresh token") {
			t.Errorf("%s: came %q, want %q", url, came, want)
		}
		if !strings.Contains(fmt.Sprint(came), "团队 needs you") && !strings.HasPrefix(url, "ntfy") { // its title is a header
			t.Errorf("%s: no title in %q", url, came)
		}
	}
}

// What goes wrong is told without the URL, and without what was answered.
func TestFaultsOfServices(t *testing.T) {
	const secret = "s3cret"
	internet := newInternet(t)
	check := func(name, url, want string) {
		t.Helper()
		err := shoutrrr(url).Send(t.Context(), trouble)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v shows the secret", name, err)
		}
	}
	internet.answers["/s3cret"] = "404 s3cret is unknown"
	internet.answers["/bots3cret"] = "401 {}"
	internet.answers["/webhook/send"] = `200 {"errcode":93000,"errmsg":"s3cret"}`
	check("no such service", "carrier-pigeon://s3cret", "its URL cannot be used: docs/ALERTS.md has examples")
	check("no URL", "slack://s3cret", "its URL cannot be used: docs/ALERTS.md has examples")
	check("refused", "generic://example.com/s3cret", "it answered 404")
	plain := httptest.NewServer(internet.Config.Handler)
	defer plain.Close()
	check("refused by ntfy", "ntfy://"+plain.Listener.Addr().String()+"/s3cret?scheme=http", "it answered 404")
	check("refused", "telegram://s3cret:x@telegram?chats=1", "it answered 401")
	check("refused with a 200", "wecom://s3cret", "it did not take the message")

	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	internet.Close()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	for _, url := range []string{"generic://example.com/s3cret", "telegram://s3cret:x@telegram?chats=1", "bark://:s3cret@api.day.app", "wecom://s3cret",
		"slack://hook:AAAAAAAAA-BBBBBBBBB-123456789123456789123456@webhook", "ntfy://" + free.Addr().String() + "/s3cret", "lark://open.feishu.cn/s3cret"} {
		check("away "+url, url, "it cannot be reached")
	}
	check("no mail server", "smtp://u:s3cret@"+free.Addr().String()+"/?from=a@example.com&to=b@example.com", "it cannot be reached")
}

func TestMail(t *testing.T) {
	box := newMailbox(t)
	channel := shoutrrr("smtp://user:s3cret@" + box.addr + "/?from=tray@example.com&to=a@example.com,b@example.com")
	if err := channel.Send(t.Context(), trouble); err != nil {
		t.Fatal(err)
	}
	if len(box.mails) != 2 || !strings.Contains(box.mails[0], "Subject: =?utf-8?b?") || !strings.Contains(box.mails[0], "\nInvalid refresh token\n") {
		t.Errorf("came %q", box.mails)
	}
	if login, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(box.users, "PLAIN ")); string(login) != "\x00user\x00s3cret" {
		t.Errorf("it logged in with %q", box.users)
	}
	box.deny = true
	if err := channel.Send(t.Context(), trouble); err == nil || err.Error() != "the mail server answered 535" {
		t.Errorf("refused with %v", err)
	}
}

func TestNamesOfChannels(t *testing.T) {
	var names []string
	for _, c := range Shoutrrr([]engine.Secret{engine.NewSecret("ntfy://ntfy.sh/a"), engine.NewSecret("generic+https://h/b"), engine.NewSecret("ntfy://ntfy.sh/c")}) {
		names = append(names, c.Name)
	}
	if got := strings.Join(names, ", "); got != "ntfy, generic, ntfy 2" {
		t.Error(got)
	}
}
