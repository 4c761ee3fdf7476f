package settings

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"

	"tokentray/engine"
)

// Quiet is a part of the day, in minutes of it; over midnight where To is the
// smaller. The zero Quiet is none.
type Quiet struct{ From, To int }

func alertNames(alerts []engine.Alert) string {
	var names []string
	for _, a := range alerts {
		names = append(names, string(a))
	}
	return strings.Join(names, ",")
}

// alertKinds reads the alerts that are told; all others are not.
func alertKinds(text string) (map[engine.Alert]bool, bool) {
	kinds := map[engine.Alert]bool{}
	for _, a := range engine.Alerts() {
		kinds[a] = false
	}
	if text == "none" {
		return kinds, true
	}
	for name := range strings.SplitSeq(text, ",") {
		a := engine.Alert(strings.TrimSpace(name))
		if _, known := kinds[a]; !known {
			return nil, false
		}
		kinds[a] = true
	}
	return kinds, true
}

func quietHours(text string) (Quiet, bool) {
	from, to, _ := strings.Cut(text, "-")
	begin, wrong := time.Parse("15:04", strings.TrimSpace(from))
	end, wrongToo := time.Parse("15:04", strings.TrimSpace(to))
	q := Quiet{begin.Hour()*60 + begin.Minute(), end.Hour()*60 + end.Minute()}
	return q, wrong == nil && wrongToo == nil && q.From != q.To
}

// nextURL is a comma that another URL follows: one may have commas itself.
var nextURL = regexp.MustCompile(`,([a-z][a-z0-9+]*://)`)

// notifyURLs reads the URLs of services that shoutrrr has.
func notifyURLs(text string) ([]engine.Secret, bool) {
	var urls []engine.Secret
	for one := range strings.FieldsSeq(nextURL.ReplaceAllString(text, " $1")) {
		one = strings.Trim(one, ",")
		u, err := url.Parse(one)
		if one == "" {
			continue
		}
		if err != nil || !strings.Contains(one, "://") {
			return nil, false
		}
		service, _, _ := strings.Cut(u.Scheme, "+")
		if _, err := new(router.ServiceRouter).NewService(service); err != nil {
			return nil, false
		}
		urls = append(urls, engine.NewSecret(one))
	}
	return urls, true
}
