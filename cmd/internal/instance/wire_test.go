package instance

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
)

// full sets every field that can be, each to another value, with a planted
// secret wherever one fits.
func full(v reflect.Value, n *int) {
	*n++
	switch v.Type() {
	case reflect.TypeFor[engine.Secret]():
		v.Set(reflect.ValueOf(engine.NewSecret(plantedAccess)))
		return
	case reflect.TypeFor[engine.Sealed]():
		v.Set(reflect.ValueOf(engine.Seal(plantedRefresh, func(text string) (engine.Secret, error) { return engine.NewSecret(text), nil })))
		return
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(2026, 1, 1, 0, 0, *n, *n, time.UTC)))
		return
	case reflect.TypeFor[error]():
		v.Set(reflect.ValueOf(error(&engine.Error{Kind: engine.KindRateLimited, Code: fmt.Sprint("code", *n), Message: fmt.Sprint("message", *n), RetryAfter: time.Duration(*n)})))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			full(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		full(v.Index(0), n)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		full(key, n)
		full(value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString(fmt.Sprint("text", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(uint64(*n))
	default:
		panic(v.Type().String())
	}
}

// bare is an event without what does not cross: secrets, the jitter's seed and spread.
func bare(ev engine.Event) engine.Event {
	strip := func(a *engine.Account) {
		a.RefreshToken, a.AccessToken, a.Record, a.Proxy, a.OAuth = engine.Sealed{}, engine.Sealed{}, engine.Sealed{}, engine.Secret{}, engine.Secret{}
	}
	strip(&ev.Account.Account)
	for i := range ev.Views {
		strip(&ev.Views[i].Account)
	}
	ev.Policy.Seed, ev.Policy.Herd = 0, 0
	return ev
}

func TestEverythingButSecretsCrosses(t *testing.T) {
	var ev engine.Event
	n := 0
	full(reflect.ValueOf(&ev).Elem(), &n)
	ev.Kind = engine.EventPass // which has a summary
	text, err := json.Marshal(line{Event: toEvent(ev), Snapshot: &wireSnapshot{Views: toViews(ev.Views), Problems: toError(ev.Err)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{plantedAccess, plantedRefresh} {
		if strings.Contains(string(text), secret) {
			t.Errorf("%s crosses: %s", secret, text)
		}
	}
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		t.Fatal(err)
	}
	back := l.Event.event()
	if back.Account.Static() || back.Views[0].Static() {
		t.Error("that there is a refresh token is lost")
	}
	if _, err := back.Account.RefreshToken.Open(); engine.KindOf(err) != engine.KindUnreadable {
		t.Errorf("there is no refresh token to open: %v", err)
	}
	if got, want := bare(back), bare(ev); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestWhatIsNotThereStaysSo(t *testing.T) {
	for _, ev := range []engine.Event{{}, {Kind: engine.EventSnapshot, Views: []engine.View{{}}}, {Kind: engine.EventPass, Summary: engine.Summary{ByProvider: map[string]engine.Count{}}}} {
		text, err := json.Marshal(toEvent(ev))
		if err != nil {
			t.Fatal(err)
		}
		var w wireEvent
		if err := json.Unmarshal(text, &w); err != nil {
			t.Fatal(err)
		}
		if got := w.event(); !reflect.DeepEqual(got, ev) {
			t.Errorf("got %+v, want %+v", got, ev)
		}
	}
}

func TestEveryKindCrosses(t *testing.T) {
	for kind := engine.KindInternal; kind <= engine.KindClosed; kind++ {
		if got := engine.KindOf(toError(engine.Errorf(kind, "x", nil)).error()); got != kind {
			t.Errorf("kind %d comes as %d", kind, got)
		}
	}
	far := instant(time.Date(20000, 1, 1, 0, 0, 0, 1, time.UTC))
	text, err := json.Marshal(far)
	var back instant
	if err != nil || json.Unmarshal(text, &back) != nil || !time.Time(back).Equal(time.Time(far)) {
		t.Errorf("%s, %v", text, err)
	}
}
