package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
)

// posts is a server that keeps what is posted to it.
type posts struct {
	*httptest.Server
	came chan arrival
}

type arrival struct {
	path, query string
	body        map[string]any
}

func newPosts(t *testing.T, answer string) posts {
	p := posts{came: make(chan arrival, 10)}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		var body map[string]any
		json.Unmarshal(text, &body)
		p.came <- arrival{r.URL.Path, r.URL.RawQuery, body}
		io.WriteString(w, answer)
	}))
	t.Cleanup(p.Close)
	return p
}

// channelOf is the channel of one platform of a relay's.
func channelOf(t *testing.T, platform string) Channel {
	t.Helper()
	channels, err := RelayChannels("the relay", engine.NewSecret(`{"enabled":true,"platforms":[`+platform+`],"notificationTypes":{"accountAnomaly":true}}`))
	if err != nil || len(channels) != 1 {
		t.Fatalf("%s: %d channels, %v", platform, len(channels), err)
	}
	return channels[0]
}

func TestRelayChannels(t *testing.T) {
	p := newPosts(t, "ok")
	const text = "团队 needs you to sign in again\nInvalid refresh token"
	for platform, want := range map[string][2]string{
		`{"type":"slack","url":"HERE/services/T/B/x","enabled":true}`:     {"/services/T/B/x", `{"text":"` + text + `"}`},
		`{"type":"discord","url":"HERE/api/webhooks/1/x","enabled":true}`: {"/api/webhooks/1/x", `{"allowed_mentions":{"parse":[]},"content":"` + text + `"}`},
		`{"type":"wechat_work","url":"HERE/cgi?key=x","enabled":true}`:    {"/cgi?key=x", `{"msgtype":"text","text":{"content":"` + text + `"}}`},
		`{"type":"dingtalk","url":"HERE/robot/send?access_token=x","enabled":true,"secret":"unused"}`: {"/robot/send?access_token=x",
			`{"msgtype":"text","text":{"content":"` + text + `"}}`},
		`{"type":"feishu","url":"HERE/hook/x","enabled":true}`: {"/hook/x", `{"content":{"text":"` + text + `"},"msg_type":"text"}`},
		`{"type":"telegram","apiUrl":"HERE/","botToken":"1:x","chatId":-100,"disableNotification":true,"enabled":true}`: {"/bot1:x/sendMessage",
			`{"chat_id":"-100","disable_notification":true,"disable_web_page_preview":true,"text":"` + text + `"}`},
		`{"type":"bark","serverUrl":"HERE/push","deviceKey":"k","sound":"bell","enabled":true}`: {"/push",
			`{"body":"Invalid refresh token","device_key":"k","group":"tokentray","level":"timeSensitive","sound":"bell","title":"团队 needs you to sign in again"}`},
	} {
		c := channelOf(t, strings.ReplaceAll(platform, "HERE", p.URL))
		if err := c.Send(t.Context(), trouble); err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		got := <-p.came
		var body strings.Builder
		e := json.NewEncoder(&body)
		e.SetEscapeHTML(false)
		e.Encode(got.body)
		if where := strings.TrimSuffix(got.path+"?"+got.query, "?"); where != want[0] || strings.TrimSpace(body.String()) != strings.ReplaceAll(want[1], "\n", `\n`) {
			t.Errorf("%s: %s %s\nwant %s %s", c.Name, where, body.String(), want[0], want[1])
		}
	}
	c := channelOf(t, `{"type":"custom","name":"ops","url":"`+p.URL+`/hook","enabled":true}`)
	one := alert(engine.EventNeedsLogin, engine.Claude, nil)
	if err := c.Send(t.Context(), Message{Title: "x", Events: []engine.Event{one, one}}); err != nil || c.Name != "custom of the relay (ops)" {
		t.Error(c.Name, err)
	}
	for range 2 {
		if got := <-p.came; got.body["type"] != "accountAnomaly" || got.body["service"] != "tokentray" {
			t.Errorf("%v", got)
		}
	}
	if err := c.Send(t.Context(), trouble); err != nil {
		t.Error(err)
	}
	if got := <-p.came; got.body["type"] != "test" {
		t.Errorf("%v", got)
	}
}

// Slack and Discord do not call everybody for a name that says so.
func TestNamesThatCall(t *testing.T) {
	p := newPosts(t, "ok")
	c := channelOf(t, `{"type":"slack","url":"`+p.URL+`","enabled":true}`)
	if err := c.Send(t.Context(), Message{Title: "<!channel> & co"}); err != nil {
		t.Fatal(err)
	}
	if got := <-p.came; got.body["text"] != "&lt;!channel&gt; &amp; co" {
		t.Errorf("%v", got.body)
	}
}

// DingTalk's and Feishu's signatures are as these document them: the values
// were made with openssl for a fixed time.
func TestSignatures(t *testing.T) {
	if got := sign("SEC1", "1700000000000\nSEC1"); got != "ukR4+WoOOBTGaOauYqugxVrMSFyr92q4hPxJxuOkiio=" {
		t.Errorf("dingtalk: %s", got)
	}
	if got := sign("1700000000\nSEC1", ""); got != "s3Va4ru9IQUY6HTJcYx7OEVyXl0V0S/y32v4ZbfOHCI=" {
		t.Errorf("feishu: %s", got)
	}
	p := newPosts(t, `{"errcode":0}`)
	ding := channelOf(t, `{"type":"dingtalk","url":"`+p.URL+`/robot/send?access_token=x","enableSign":true,"secret":"SEC1","enabled":true}`)
	if err := ding.Send(t.Context(), trouble); err != nil {
		t.Fatal(err)
	}
	got := <-p.came
	query, _ := url.ParseQuery(got.query)
	at, _ := strconv.ParseInt(query.Get("timestamp"), 10, 64)
	if time.Since(time.UnixMilli(at)).Abs() > time.Minute || query.Get("sign") != sign("SEC1", query.Get("timestamp")+"\nSEC1") || query.Get("access_token") != "x" {
		t.Errorf("%v", query)
	}
	lark := channelOf(t, `{"type":"feishu","url":"`+p.URL+`/hook/x","enableSign":true,"secret":"SEC1","enabled":true}`)
	if err := lark.Send(t.Context(), trouble); err != nil {
		t.Fatal(err)
	}
	if got := (<-p.came).body; got["sign"] != sign(fmt.Sprint(got["timestamp"], "\nSEC1"), "") {
		t.Errorf("%v", got)
	}
}

// A service that says 200 and no has not taken the message.
func TestRefusals(t *testing.T) {
	for answer, want := range map[string]string{
		`{"errcode":310000,"errmsg":"s3cret"}`: "it did not take the message (code 310000)", `{"code":19021,"msg":"s3cret"}`: "it did not take the message (code 19021)",
		`{"errcode":0}`: "", `{"code":200}`: "", `{"code":0}`: "", "ok": "", "": "", `{"code":"x"}`: "",
	} {
		p := newPosts(t, answer)
		err := channelOf(t, `{"type":"dingtalk","url":"`+p.URL+`/s3cret","enabled":true}`).Send(t.Context(), trouble)
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

func TestRelaysMail(t *testing.T) {
	box := newMailbox(t)
	host, port, _ := net.SplitHostPort(box.addr)
	for _, to := range []string{`"a@example.com, B <b@example.com>"`, `["a@example.com","b@example.com"]`} {
		c := channelOf(t, fmt.Sprintf(`{"type":"smtp","host":%q,"port":%s,"secure":false,"user":"u@example.com","pass":"p@s/s","to":%s,"enabled":true}`, host, port, to))
		if err := c.Send(t.Context(), trouble); err != nil {
			t.Fatal(err)
		}
	}
	if len(box.mails) != 4 || !strings.Contains(box.mails[3], "b@example.com") {
		t.Errorf("came %q", box.mails)
	}
}

// What the relay has switched off is off; what cannot be used is told, without
// its secrets, and hides nothing else.
func TestRelaysConfig(t *testing.T) {
	const on = `{"type":"slack","url":"https://hooks.slack.com/s3cret","enabled":true}`
	for config, want := range map[string]string{
		"": "",
		`{"enabled":false,"platforms":[` + on + `]}`:                                             "",
		`{"enabled":true,"platforms":[` + on + `],"notificationTypes":{"accountAnomaly":false}}`: "",
		`{"enabled":true,"platforms":[` + on + `],"notificationTypes":{}}`:                       "",
		`{"enabled":true,"platforms":[` + on + `]}`:                                              "slack of the relay",
		`{"enabled":true}`: "",
		`{"enabled":true,"platforms":[{"type":"slack","url":"https://h/s3cret"},{"type":"pigeon","url":"https://h/s3cret","enabled":true}]}`: "pigeon of the relay",
		`{"enabled":true,"platforms":[{"type":"slack","url":"s3cret","enabled":true},{"type":"smtp","pass":"s3cret","enabled":true},7,` + on + `]}`: "slack of the relay; " +
			"slack of the relay: it has no URL that can be used; smtp of the relay: it names nobody to write to; alert channel 3 of the relay cannot be read",
		`s3cret`: "the alert channels of the relay cannot be read",
	} {
		channels, err := RelayChannels("the relay", engine.NewSecret(config))
		var got []string
		for _, c := range channels {
			got = append(got, c.Name)
		}
		if err != nil {
			got = append(got, strings.Split(err.Error(), "\n")...)
		}
		if said := strings.Join(got, "; "); said != want || strings.Contains(said, "s3cret") {
			t.Errorf("%s: %s\nwant %s", config, said, want)
		}
	}
}

// Alerts that come together are one message, in each channel; one that fails
// gets three tries, is told of without a secret, and holds no other up.
func TestChat(t *testing.T) {
	p, down := newPosts(t, "ok"), newPosts(t, `{"code":1}`)
	config := fmt.Sprintf(`{"enabled":true,"platforms":[{"type":"slack","url":%q,"enabled":true},{"type":"feishu","url":%q,"enabled":true}]}`, p.URL, down.URL+"/s3cret")
	reads := 0
	channels := Cached(func(context.Context) ([]Channel, error) {
		reads++
		return RelayChannels("the relay", engine.NewSecret(config))
	})
	var failures []string
	chat := Chat{Channels: channels, Text: fmt.Sprintf, Failed: func(err error) { failures = append(failures, err.Error()) }}
	one, two := alert(engine.EventNeedsLogin, engine.Claude, nil), alert(engine.EventExpired, engine.Claude, nil)
	two.Account.ID = "id-2"
	chat.Run(slices.Values([]engine.Event{{Kind: engine.EventRefreshed}, one, two}))
	if got := <-p.came; got.body["text"] != "2 accounts need attention\n团队, 团队" || len(p.came) != 0 {
		t.Errorf("%v, and %d more", got, len(p.came))
	}
	if len(down.came) != 3 || !slices.Equal(failures, []string{`feishu of the relay could not be told that "2 accounts need attention": it did not take the message (code 1)`}) {
		t.Errorf("%d tries, %q", len(down.came), failures)
	}
	chat.Run(slices.Values([]engine.Event{one}))
	if got := <-p.came; got.body["text"] != "团队 needs you to sign in again" || reads != 1 {
		t.Errorf("%v, read %d times", got.body, reads)
	}
}

// A test says that it is one, and makes one try.
func TestSendTest(t *testing.T) {
	p := newPosts(t, `{"code":1}`)
	channels := []Channel{Webhook{URL: engine.NewSecret(p.URL)}.Channel(), channelOf(t, `{"type":"feishu","url":"`+p.URL+`","enabled":true}`)}
	for i, want := range []string{"<nil>", "it did not take the message (code 1)"} {
		if err := SendTest(t.Context(), channels[i], fmt.Sprintf); fmt.Sprint(err) != want {
			t.Errorf("%s: %v", channels[i].Name, err)
		}
		if got := fmt.Sprint((<-p.came).body); !strings.Contains(got, "A test by Tokentray") || len(p.came) != 0 {
			t.Errorf("%s: %s", channels[i].Name, got)
		}
	}
}
