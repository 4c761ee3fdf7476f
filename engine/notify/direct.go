package notify

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tokentray/engine"
)

// direct is a chat service that is posted to as it documents: a URL and a body
// for each message.
type direct func(m Message) []request

type request struct {
	url  engine.Secret
	body map[string]any
}

// longest is how much text every service takes, in characters; Discord takes
// 2000.
const longest = 1500

func (d direct) send(ctx context.Context, m Message) error {
	for _, r := range d(m) {
		text, err := json.Marshal(r.body)
		if err != nil {
			return fmt.Errorf("the message cannot be written: %w", err)
		}
		answer, err := ask(ctx, r.url, text)
		if err == nil {
			err = refusal(answer)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// cut is the message in one text that is not too long.
func cut(m Message) string {
	text := []rune(m.whole())
	return string(text[:min(len(text), longest)])
}

// to is a service of one URL.
func to(url string, body func(m Message) map[string]any) direct {
	return func(m Message) []request { return []request{{engine.NewSecret(url), body(m)}} }
}

func slack(url string) direct {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	return to(url, func(m Message) map[string]any { return map[string]any{"text": escape.Replace(cut(m))} })
}

func discord(url string) direct {
	return to(url, func(m Message) map[string]any {
		return map[string]any{"content": cut(m), "allowed_mentions": map[string]any{"parse": []string{}}}
	})
}

func weCom(url string) direct {
	return to(url, func(m Message) map[string]any {
		return map[string]any{"msgtype": "text", "text": map[string]any{"content": cut(m)}}
	})
}

// dingTalk signs with secret, where it is set.
func dingTalk(address, secret string) direct {
	return func(m Message) []request {
		signed := address
		if secret != "" {
			at := strconv.FormatInt(time.Now().UnixMilli(), 10)
			query := url.Values{"timestamp": {at}, "sign": {sign(secret, at+"\n"+secret)}}
			between := "?"
			if strings.Contains(address, "?") {
				between = "&"
			}
			signed += between + query.Encode()
		}
		return weCom(signed)(m) // the body is the same
	}
}

// feishu signs with secret, where it is set.
func feishu(url, secret string) direct {
	return to(url, func(m Message) map[string]any {
		body := map[string]any{"msg_type": "text", "content": map[string]any{"text": cut(m)}}
		if secret != "" {
			at := strconv.FormatInt(time.Now().Unix(), 10)
			body["timestamp"], body["sign"] = at, sign(at+"\n"+secret, "")
		}
		return body
	})
}

func sign(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

const telegramAPI = "https://api.telegram.org"

func telegram(api, token string, silent bool, chats ...any) direct {
	return func(m Message) (requests []request) {
		for _, chat := range chats {
			requests = append(requests, request{engine.NewSecret(strings.TrimRight(api, "/") + "/bot" + token + "/sendMessage"),
				map[string]any{"chat_id": chat, "text": cut(m), "disable_web_page_preview": true, "disable_notification": silent}})
		}
		return requests
	}
}

// bark leaves out what of the settings is empty.
func bark(url string, settings map[string]string) direct {
	return to(url, func(m Message) map[string]any {
		body := map[string]any{"title": m.Title, "body": cmp.Or(m.Text, m.Title)}
		for name, value := range settings {
			if value != "" {
				body[name] = value
			}
		}
		return body
	})
}
