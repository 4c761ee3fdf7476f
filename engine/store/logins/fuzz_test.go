package logins

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
)

// A tool's file is written by others. Whatever it holds, reading it does not
// fail but by an error, and what is written into it is read again while every
// other byte is as it was.
func FuzzFile(f *testing.F) {
	seeds := []string{
		"", "{}", "null", "[]", `{"claudeAiOauth":{}}`, `{"tokens":null}`, `{"tokens":{"refresh_token":"r"},"tokens":1}`, "{\"refresh_token\":\"r\"}\x00",
		`{"claudeAiOauth":{"refreshToken":"\u0072","scopes":["a"],"expiresAt":1e12,"x":{"refreshToken":"other"}},"refreshToken":"outer"}`,
		`{"refresh_token":"r","expiry_date":-1,"n":1e999,"a":"\ud800","a":"twice","":[{}]}`, " \n{\"refresh_token\" :\t\"r\" , \"access_token\":null}\r\n",
		`{"refresh_token":"a\"b\\","id_token":"i","scope":"openid"}`, "{\"refresh_token\":\"r\",\"\xff\":\"\xff\"}", `{"refresh_token":"r","refresh\u005ftoken":"s"}`,
		`{"tokens":{"access_token":"a.eyJleHAiOjF9.c","refresh_token":"r"},"last_refresh":"2026-11-25T10:00:00Z"}`, `{"tokens":{"access_token":"a.!.c"}}`,
		strings.Repeat(`{"a":`, 100), `{"refresh_token":"r","expiry_date":1764064800000.5}`,
	}
	for tool := range texts {
		seeds = append(seeds, textOf(tool, "r", "a", before, ""))
	}
	for _, text := range seeds {
		for i := range formats {
			f.Add(byte(i), []byte(text), "new-refresh", "new-access", "new-id", int64(1764064800000), "a b", false)
			f.Add(byte(i), []byte(text), "", `<"\>`, "", int64(0), "\u2028 \xff", true)
		}
	}
	f.Fuzz(func(t *testing.T, which byte, text []byte, refresh, access, id string, expires int64, scope string, restored bool) {
		form := formats[int(which)%len(formats)]
		was := bytes.Clone(text)
		l, there, err := form.parse(text)
		if _, told := err.(fault); err != nil && !told {
			t.Fatalf("%T", err)
		}
		a := spot{Place: Place{Tool: form.tool, Path: "/f"}, format: form, name: form.tool}.account(l, err)
		if a.Problem != nil && (engine.KindOf(a.Problem) != engine.KindUnreadable || engine.CleanLine(a.Problem.Error()) != a.Problem.Error()) {
			t.Fatal(a.Problem)
		}
		if engine.CleanLine(a.Scopes) != a.Scopes {
			t.Errorf("scopes %q", a.Scopes)
		}
		if err != nil || !there || len(text) > 64<<10 {
			return
		}
		change := engine.Change{Token: engine.Token{RefreshToken: engine.NewSecret(refresh), AccessToken: engine.NewSecret(access),
			IDToken: engine.NewSecret(id), ExpiresAt: fromMillis(float64(expires)), Scope: scope}, At: time.UnixMilli(1764064800000), Restored: restored}
		out, err := form.change(text, l, change)
		if !bytes.Equal(was, text) {
			t.Fatal("the text that was read was altered")
		}
		if err != nil {
			if printable(refresh) && printable(access) && printable(id) {
				t.Error(err)
			}
			return
		}
		now, there, err := form.parse(out)
		if err != nil || !there {
			t.Fatalf("%q is written as %q: %v, %v", text, out, there, err)
		}
		if refresh == "" {
			refresh = l.refresh
		}
		if access == "" {
			access = l.access
		} else if form.expires != "" && !now.expires.Equal(change.Token.ExpiresAt) {
			t.Errorf("expiry %v, want %v", now.expires, change.Token.ExpiresAt)
		}
		if now.refresh != refresh || now.access != access {
			t.Errorf("tokens %q %q, want %q %q", now.refresh, now.access, refresh, access)
		}
		if restored && !slices.Equal(l.scopes, now.scopes) {
			t.Errorf("scopes %q, were %q", now.scopes, l.scopes)
		}
		if len(l.outer.values) == len(now.outer.values) && len(l.inner.values) == len(now.inner.values) {
			if before, after := form.rest(text, l), form.rest(out, now); !bytes.Equal(before, after) {
				t.Errorf("other bytes: %q, were %q", after, before)
			}
		}
		if before, after := form.others(t, text), form.others(t, out); !reflect.DeepEqual(before, after) {
			t.Errorf("other fields: %v, were %v", after, before)
		}
	})
}

// changing are the fields of both objects that a change may alter.
func (f format) changing() (inner, outer []string) {
	inner = slices.DeleteFunc([]string{f.refresh, f.access, f.id, f.expires, f.scopes}, func(name string) bool { return name == "" })
	return inner, slices.DeleteFunc([]string{f.refreshed}, func(name string) bool { return name == "" })
}

// rest is the text without the values that a change may alter.
func (f format) rest(text []byte, l login) []byte {
	var edits []edit
	inner, outer := f.changing()
	for _, name := range inner {
		for _, at := range l.inner.values[name] {
			edits = append(edits, edit{at, ""})
		}
	}
	for _, name := range outer {
		for _, at := range l.outer.values[name] {
			edits = append(edits, edit{at, ""})
		}
	}
	return splice(text, edits)
}

// others are the fields that a change may not alter, by another parser.
func (f format) others(t *testing.T, text []byte) map[string]any {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var file map[string]any
	if err := dec.Decode(&file); err != nil {
		t.Fatal(err)
	}
	inner, outer := f.changing()
	for _, name := range outer {
		delete(file, name)
	}
	tokens := file
	if f.in != "" {
		tokens = file[f.in].(map[string]any)
	}
	for _, name := range inner {
		delete(tokens, name)
	}
	return file
}
