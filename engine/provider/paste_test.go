package provider

import (
	"net/url"
	"strings"
	"testing"

	"tokentray/engine"
)

func TestPasted(t *testing.T) {
	claude := start(t, Config{}, engine.Claude, "")
	openAI := start(t, Config{SignInPorts: anyPort}, engine.OpenAI, "")
	bare := strings.TrimPrefix(openAI.redirect, "http://")
	const (
		nothing = "nothing was pasted: paste "
		missing = "the state is missing"
		another = "that is from another sign-in: start again"
		no      = "that is not what the sign-in ended with: paste "
		noCode  = "the provider's page gave no usable code: start again"
		refused = "the sign-in was refused on the provider's page"
	)
	for _, test := range []struct {
		signIn *SignIn
		text   string // with STATE and REDIRECT of the sign-in
		code   string
		says   string // of an error
	}{
		{claude, "the-code#STATE", "the-code", ""},
		{claude, " \n the-code#STATE\r\n\t", "the-code", ""},
		{claude, "the-\ncode#STATE", "the-code", ""}, // wrapped by a terminal
		{claude, "REDIRECT?code=the-code&state=STATE", "the-code", ""},
		{claude, "4/0Ab_cd#STATE", "4/0Ab_cd", ""},
		{openAI, "REDIRECT?code=the-code&state=STATE", "the-code", ""},
		{openAI, "REDIRECT?code=4%2F0Ab&scope=a+b&state=STATE#", "4/0Ab", ""},
		{openAI, "  " + bare + "?state=STATE&code=the-code ", "the-code", ""},
		{openAI, "the-code#STATE", "the-code", ""},

		{claude, "", "", nothing + "all that the page shows, code#state"},
		{claude, " \n", "", nothing},
		{openAI, "", "", nothing + "the whole address that the browser ended on, which begins with " + openAI.redirect},
		{claude, "the-code", "", missing},
		{claude, "the-code#", "", missing},
		{openAI, "REDIRECT?code=the-code", "", missing},
		{openAI, "REDIRECT", "", missing},
		{claude, "the-code#STATEx", "", another},
		{claude, "the-code#STATE#STATE", "", another},
		{claude, "the-code#" + openAI.state, "", another},
		{openAI, "REDIRECT?code=the-code&state=x", "", another},
		{openAI, "REDIRECT?error=access_denied&state=x", "", another},
		{openAI, "REDIRECT?error=access_denied&error_description=hidden&state=STATE", "", refused},
		{openAI, "REDIRECT?error=hidden&state=STATE", "", "the provider's page ended the sign-in: start again"},
		{openAI, "REDIRECT?error=access_denied", "", missing},
		{claude, "#STATE", "", noCode},
		{claude, "cödé#STATE", "", noCode},
		{claude, strings.Repeat("x", maxToken+1) + "#STATE", "", noCode},
		{openAI, "REDIRECT?state=STATE", "", noCode},
		{openAI, "REDIRECT?code=a%00b&state=STATE", "", noCode},
		{openAI, "REDIRECT?code=%zz&state=STATE", "", no},
		{openAI, "https://elsewhere.example/auth/callback?code=the-code&state=STATE", "", no},
		{openAI, "REDIRECT/more?code=the-code&state=STATE", "", no},
		{claude, claude.URL, "", no}, // has the state, and code=true
		{openAI, openAI.URL, "", no},
	} {
		text := strings.NewReplacer("STATE", test.signIn.state, "REDIRECT", test.signIn.redirect).Replace(test.text)
		code, err := test.signIn.Pasted(text)
		if code.Reveal() != test.code || (err == nil) != (test.says == "") {
			t.Errorf("%.80q: code %q, %v", test.text, code.Reveal(), err)
			continue
		}
		if err == nil {
			continue
		}
		kind := engine.KindSettings
		if strings.Contains(test.says, "start again") || test.says == refused {
			kind = engine.KindTransient
		}
		if said := err.Error(); !strings.HasPrefix(said, test.says) || engine.KindOf(err) != kind || strings.Contains(said, "hidden") || strings.Contains(said, "the-code") {
			t.Errorf("%.80q: kind %d, %s", test.text, engine.KindOf(err), said)
		}
	}
}

// Whatever is pasted, a code comes out only with this sign-in's state and is
// what can be sent, and no error quotes it.
func FuzzPaste(f *testing.F) {
	for _, text := range []string{
		"", "the-code", "the-code#STATE", "#STATE", "#", "##", "a#b#STATE", "REDIRECT?code=c&state=STATE", "REDIRECT?code=c&state=STATE#x", "REDIRECT?state=STATE",
		"REDIRECT?error=hidden&state=STATE", "REDIRECT?code=%zz&state=STATE", "REDIRECT?code=a;b&state=STATE", "REDIRECT?code=c&code=d&state=x&state=STATE",
		"REDIRECT#code=c&state=STATE", "REDIRECT?code=\u202ec&state=STATE", "\x1b[2J#STATE", "\xff#STATE", "hidden://u:p@h?code=c&state=STATE",
		"https://claude.ai/oauth/authorize?code=true&state=STATE", "platform.claude.com/oauth/code/callback?code=c&state=STATE", "localhost:1/auth/callback?code=c&state=STATE",
		strings.Repeat("#STATE", 2000), strings.Repeat("x", maxToken+1) + "#STATE",
	} {
		f.Add(text)
	}
	signIns := []*SignIn{}
	for _, provider := range []string{engine.Claude, engine.OpenAI} {
		s, err := StartSignIn(Config{SignInPorts: anyPort}, provider, "", engine.Secret{})
		if err != nil {
			f.Fatal(err)
		}
		f.Cleanup(s.Close)
		signIns = append(signIns, s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range signIns {
			filled := strings.NewReplacer("STATE", s.state, "REDIRECT", s.redirect).Replace(text)
			code, err := s.Pasted(filled)
			if err != nil {
				said := err.Error()
				if kind := engine.KindOf(err); !code.Empty() || engine.CleanLine(said) != said || len(said) > 200 || strings.Contains(said, "hidden") ||
					kind != engine.KindSettings && kind != engine.KindTransient {
					t.Errorf("%q: code %q, kind %d, %s", filled, code.Reveal(), kind, said)
				}
			} else if !sendable(code.Reveal()) || code.Empty() || !strings.Contains(strings.Join(strings.Fields(filled), ""), s.state) && !strings.Contains(filled, "%") {
				t.Errorf("%q: code %q", filled, code.Reveal())
			}

			// And a code that is one comes through, both ways.
			_, bare, _ := strings.Cut(s.redirect, "://")
			if !printable(text) || strings.Contains(text, "://") || strings.Contains(text, "#") || strings.HasPrefix(text, bare) {
				continue
			}
			for _, pasted := range []string{text + "#" + s.state, s.redirect + "?state=" + s.state + "&code=" + url.QueryEscape(text)} {
				if code, err := s.Pasted(pasted); err != nil || code.Reveal() != text {
					t.Errorf("%q: code %q, %v", pasted, code.Reveal(), err)
				}
			}
		}
	})
}
