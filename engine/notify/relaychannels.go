package notify

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"strings"

	"tokentray/engine"
)

// RelayChannels are the channels that a relay tells its own alerts by, from the
// JSON that it keeps (relay/INTEROP.md): none where it has switched them, or
// its alerts on accounts, off. of names the relay. They are posted to directly,
// as the relay does, whatever host a URL names. One that cannot be used is an
// error and hides no other.
func RelayChannels(of string, config engine.Secret) ([]Channel, error) {
	if config.Empty() {
		return nil, nil
	}
	var kept struct {
		Enabled   bool              `json:"enabled"`
		Platforms []json.RawMessage `json:"platforms"`
		Types     map[string]bool   `json:"notificationTypes"`
	}
	if json.Unmarshal([]byte(config.Reveal()), &kept) != nil {
		return nil, fmt.Errorf("the alert channels of %s cannot be read", of)
	}
	if !kept.Enabled || kept.Types != nil && !kept.Types["accountAnomaly"] {
		return nil, nil
	}
	var channels []Channel
	var faults []error
	for i, text := range kept.Platforms {
		var p platform
		if json.Unmarshal(text, &p) != nil {
			faults = append(faults, fmt.Errorf("alert channel %d of %s cannot be read", i+1, of))
			continue
		}
		if !p.Enabled {
			continue
		}
		name := fmt.Sprintf("%s of %s", engine.Clean(string(p.Type)), of)
		if p.Name != "" {
			name = fmt.Sprintf("%s (%s)", name, engine.Clean(string(p.Name)))
		}
		c, err := p.channel(name)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
			continue
		}
		channels = append(channels, c)
	}
	return channels, errors.Join(faults...)
}

// word is a text that may also stand as a number.
type word string

// UnmarshalJSON implements json.Unmarshaler.
func (w *word) UnmarshalJSON(text []byte) error {
	var s string
	if json.Unmarshal(text, &s) == nil {
		*w = word(s)
		return nil
	}
	var n json.Number
	err := json.Unmarshal(text, &n)
	*w = word(n)
	return err
}

// platform is one of the relay's channels. It holds secrets and is never shown.
type platform struct {
	Type    word
	Name    word
	URL     word
	Enabled bool

	EnableSign bool // dingtalk, feishu
	Secret     word

	DeviceKey, ServerURL, Level, Sound, Group, Icon, ClickURL word // bark

	BotToken, ChatID, APIURL word // telegram
	DisableNotification      bool

	Host, Port, User, Pass, From word // smtp
	To                           json.RawMessage
	Secure, IgnoreTLS            bool
}

func (p platform) channel(name string) (Channel, error) {
	address, secret := string(p.URL), ""
	if p.EnableSign {
		secret = string(p.Secret)
	}
	var d direct
	switch p.Type {
	case "slack":
		d = slack(address)
	case "discord":
		d = discord(address)
	case "wechat_work":
		d = weCom(address)
	case "dingtalk":
		d = dingTalk(address, secret)
	case "feishu":
		d = feishu(address, secret)
	case "bark":
		address = cmp.Or(string(p.ServerURL), "https://api.day.app/push")
		d = bark(address, map[string]string{"device_key": string(p.DeviceKey), "level": cmp.Or(string(p.Level), "timeSensitive"),
			"sound": string(p.Sound), "group": cmp.Or(string(p.Group), "tokentray"), "icon": string(p.Icon), "url": string(p.ClickURL)})
	case "telegram":
		address = cmp.Or(string(p.APIURL), telegramAPI)
		d = telegram(address, string(p.BotToken), p.DisableNotification, string(p.ChatID))
	case "smtp":
		u, err := p.mailURL()
		return Channel{Name: name, Send: sender(u)}, err
	}
	if u, err := url.Parse(address); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return Channel{}, errors.New("it has no URL that can be used")
	}
	if d == nil {
		return custom(name, engine.NewSecret(address)), nil
	}
	return Channel{Name: name, Send: d.send}, nil
}

// mailURL is the channel as shoutrrr's URL.
func (p platform) mailURL() (engine.Secret, error) {
	var to []string
	var one string
	if json.Unmarshal(p.To, &one) == nil {
		to = []string{one}
	} else if json.Unmarshal(p.To, &to) != nil {
		return engine.Secret{}, errors.New("it names nobody to write to")
	}
	all, err := mail.ParseAddressList(strings.Join(to, ","))
	from, wrong := mail.ParseAddress(string(cmp.Or(p.From, p.User)))
	if err != nil || wrong != nil || p.Host == "" {
		return engine.Secret{}, errors.New("host, sender or recipient cannot be used")
	}
	var recipients []string
	for _, a := range all {
		recipients = append(recipients, a.Address)
	}
	query := url.Values{"fromaddress": {from.Address}, "fromname": {cmp.Or(from.Name, "Tokentray")}, "toaddresses": {strings.Join(recipients, ",")}}
	if p.Secure {
		query.Set("encryption", "ImplicitTLS")
	}
	if p.IgnoreTLS { // as the relay has it: any certificate will do
		query.Set("skiptlsverify", "yes")
	}
	u := url.URL{Scheme: "smtp", Host: net.JoinHostPort(string(p.Host), string(cmp.Or(p.Port, "587"))), Path: "/", RawQuery: query.Encode()}
	if p.User != "" {
		u.User = url.UserPassword(string(p.User), string(p.Pass))
	}
	return engine.NewSecret(u.String()), nil
}
