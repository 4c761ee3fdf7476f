package bundle

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"

	"tokentray/engine"
)

func TestMain(m *testing.M) {
	workFactor = 4
	os.Exit(m.Run())
}

var pass = engine.NewSecret("correct horse 电池")

func accounts() []engine.NewAccount {
	s := engine.NewSecret
	return []engine.NewAccount{
		{Provider: engine.OpenAI, Name: "团队账户 🚀", AccessToken: s("access-1"), RefreshToken: s("refresh-1"), IDToken: s("id-1"),
			ExpiresAt: time.Date(2027, 1, 2, 3, 4, 5, 678e6, time.UTC), Scopes: "openid email", Proxy: s(`{"type":"socks5","host":"h","port":1}`)},
		{Provider: engine.Gemini, Name: "antigravity", Client: engine.Antigravity, RefreshToken: s("refresh-2"), Inactive: true},
		{Provider: engine.Droid, Name: "factory", AccessToken: s("access-3"), RefreshToken: s("refresh-3"), Organization: "org_1"},
		{Provider: engine.Generic, Name: "any", RefreshToken: s("refresh-5"), OAuth: s(`{"token_url":"https://as.example/token","client_id":"us","client_secret":"s"}`)},
		{Provider: engine.Claude, Name: "setup token", AccessToken: s("access-4"), ExpiresAt: time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)},
	}
}

func export(t testing.TB, accounts []engine.NewAccount) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := Export(&file, accounts, pass); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// What is imported is what was exported; the file shows nothing of it.
func TestThereAndBack(t *testing.T) {
	for name, want := range map[string][]engine.NewAccount{"accounts": accounts(), "none": {}} {
		t.Run(name, func(t *testing.T) {
			file := export(t, want)
			got, err := Import(bytes.NewReader(file), pass)
			if err != nil || len(got) != len(want) {
				t.Fatalf("%d accounts, %v", len(got), err)
			}
			for i := range got {
				if got[i] != want[i] {
					t.Errorf("account %d is %+v, want %+v", i, got[i], want[i])
				}
			}
			for _, text := range []string{"access-", "refresh-", "factory", pass.Reveal()} {
				if bytes.Contains(file, []byte(text)) {
					t.Errorf("the file shows %q", text)
				}
			}
			if bytes.Equal(file, export(t, want)) {
				t.Error("two exports are the same bytes")
			}
		})
	}
}

// The file is age's, with armor and one scrypt recipient, and the JSON in it
// has this form.
func TestForm(t *testing.T) {
	file := export(t, accounts()[:2])
	if !bytes.HasPrefix(file, []byte("-----BEGIN AGE ENCRYPTED FILE-----\n")) || !bytes.HasSuffix(file, []byte("-----END AGE ENCRYPTED FILE-----\n")) {
		t.Errorf("no armor: %s", file)
	}
	binary, err := io.ReadAll(armor.NewReader(bytes.NewReader(file)))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitN(string(binary), "\n", 3)
	if lines[0] != "age-encryption.org/v1" || !strings.HasPrefix(lines[1], "-> scrypt ") || !strings.HasSuffix(lines[1], " 4") {
		t.Errorf("its header: %q", lines[:2])
	}
	identity, err := age.NewScryptIdentity(pass.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	plain, err := age.Decrypt(bytes.NewReader(binary), identity)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"version":1,"accounts":[` +
		`{"provider":"openai","name":"团队账户 🚀","client":"","access_token":"access-1","refresh_token":"refresh-1","id_token":"id-1",` +
		`"expires_at":"2027-01-02T03:04:05.678Z","scopes":"openid email","organization":"",` +
		`"proxy":"{\"type\":\"socks5\",\"host\":\"h\",\"port\":1}","active":true},` +
		`{"provider":"gemini","name":"antigravity","client":"antigravity","access_token":"","refresh_token":"refresh-2",` +
		`"scopes":"","organization":"","proxy":"","active":false}]}`
	if string(text) != want {
		t.Errorf("it holds\n%s\nwant\n%s", text, want)
	}
}

// sealed is a file with any content, encrypted to the recipient.
func sealed(t testing.TB, text string, recipient age.Recipient) []byte {
	t.Helper()
	var file bytes.Buffer
	armored := armor.NewWriter(&file)
	w, err := age.Encrypt(armored, recipient)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err := errors.Join(err, w.Close(), armored.Close()); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func byPassphrase(t testing.TB, factor int) *age.ScryptRecipient {
	t.Helper()
	r, err := age.NewScryptRecipient(pass.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	r.SetWorkFactor(factor)
	return r
}

// Every refusal says what is wrong and what to do, and quotes nothing.
func TestRefusals(t *testing.T) {
	good := export(t, accounts())
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(good)
	if i := len(good) / 2; changed[i] == 'A' {
		changed[i] = 'B'
	} else {
		changed[i] = 'A'
	}
	is := func(text string) []byte { return sealed(t, text, byPassphrase(t, 4)) }
	one := func(fields string) []byte {
		return is(`{"version":1,"accounts":[{"provider":"claude","name":"n","refresh_token":"hunter2"},{` + fields + `}]}`)
	}
	for name, test := range map[string]struct {
		file []byte
		pass engine.Secret
		want string
	}{
		"another passphrase":     {good, engine.NewSecret("hunter2"), "the passphrase is wrong"},
		"an empty passphrase":    {good, engine.Secret{}, "the passphrase is empty"},
		"nothing":                {nil, pass, "no export of Tokentray"},
		"another file":           {[]byte(`{"refresh_token":"hunter2"}`), pass, "no export of Tokentray"},
		"cut short":              {good[:len(good)-100], pass, "damaged or cut short"},
		"only begun":             {good[:60], pass, "damaged or cut short"},
		"changed":                {changed, pass, "damaged or cut short"},
		"with more after it":     {append(bytes.Clone(good), "hunter2"...), pass, "damaged or cut short"},
		"too dear a passphrase":  {dear(t), pass, "damaged or cut short"},
		"encrypted to a key":     {sealed(t, "{}", key.Recipient()), pass, "to a key, not with a passphrase"},
		"no JSON in it":          {is("hunter2"), pass, "no export of Tokentray"},
		"other JSON in it":       {is(`{"hunter2":1}`), pass, "no export of Tokentray"},
		"a newer version":        {is(`{"version":2,"accounts":{"hunter2":1}}`), pass, "newer Tokentray (version 2"},
		"another type in it":     {is(`{"version":1,"accounts":["hunter2"]}`), pass, "no export of Tokentray"},
		"JSON with more after":   {is(`{"version":1,"accounts":[]}hunter2`), pass, "no export of Tokentray"},
		"an account without all": {one(``), pass, "account 2 of the export cannot be used: it has no name"},
		"no token":               {one(`"provider":"claude","name":"hunter2"`), pass, "account 2 of the export cannot be used: it has no token"},
		"a token of two lines":   {one(`"provider":"claude","name":"n","refresh_token":"hun\nter2"`), pass, "not printable ASCII"},
		"no provider":            {one(`"name":"n","refresh_token":"hunter2"`), pass, "its provider"},
		"an odd provider":        {one(`"provider":"hunter2\u001b","name":"n","refresh_token":"r"`), pass, "its provider"},
		"a time before time":     {one(`"provider":"claude","name":"n","access_token":"hunter2","expires_at":"0001-02-03T04:05:06Z"`), pass, "its expiry"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Import(bytes.NewReader(test.file), test.pass)
			if err == nil || got != nil {
				t.Fatalf("%d accounts, %v", len(got), err)
			}
			said := err.Error()
			if !strings.Contains(said, test.want) || engine.KindOf(err) != engine.KindSettings {
				t.Errorf("error %q of kind %d", said, engine.KindOf(err))
			}
			if strings.Contains(said, "hunter2") || strings.Contains(said, "ter2") || engine.CleanLine(said) != said {
				t.Errorf("the error quotes: %q", said)
			}
		})
	}
}

// dear is a file that demands more work for its passphrase than is given.
func dear(t *testing.T) []byte {
	file := string(export(t, nil))
	binary, err := io.ReadAll(armor.NewReader(strings.NewReader(file)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := armor.NewWriter(&out)
	w.Write(bytes.Replace(binary, []byte(" 4\n"), []byte(" 30\n"), 1))
	w.Close()
	return out.Bytes()
}

// endless is a file without an end.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) { e.read += len(p); return len(p), nil }

func TestTooLarge(t *testing.T) {
	var file endless
	if _, err := Import(&file, pass); engine.KindOf(err) != engine.KindSettings || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Error(err)
	}
	if file.read > 2*maxSize {
		t.Errorf("%d bytes were read", file.read)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error)  { return 0, io.ErrClosedPipe }
func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// What Import would refuse is not exported, and nothing is written then.
func TestExportRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		accounts []engine.NewAccount
		pass     engine.Secret
		want     string
	}{
		"an empty passphrase":   {accounts(), engine.Secret{}, "the passphrase is empty"},
		"no token":              {[]engine.NewAccount{{Provider: engine.Claude, Name: "n"}}, pass, "it has no token"},
		"a time past all times": {[]engine.NewAccount{{Provider: "p", Name: "n", RefreshToken: pass, ExpiresAt: time.Unix(1<<40, 0)}}, pass, "expiry"},
	} {
		var file bytes.Buffer
		err := Export(&file, test.accounts, test.pass)
		if engine.KindOf(err) != engine.KindSettings || !strings.Contains(err.Error(), test.want) || file.Len() > 0 {
			t.Errorf("%s: %v, %d bytes", name, err, file.Len())
		}
	}
	if err := Export(broken{}, accounts(), pass); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a full disk: %v", err)
	}
	if _, err := Import(broken{}, pass); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a broken disk: %v", err)
	}
}

// An account as its store gives it becomes one to export; one that cannot be
// opened becomes an error.
func TestOpen(t *testing.T) {
	plain := func(text string) engine.Sealed {
		return engine.Seal(text, func(text string) (engine.Secret, error) { return engine.NewSecret(text), nil })
	}
	shut := engine.Seal("x", func(string) (engine.Secret, error) {
		return engine.Secret{}, engine.Errorf(engine.KindUnreadable, "damaged", nil)
	})
	for _, want := range accounts() {
		want.IDToken = engine.Secret{} // a store does not hand it out
		got, err := Open(engine.Account{
			Key: engine.Key{Provider: want.Provider, ID: "id"}, Name: want.Name, Client: want.Client, Active: !want.Inactive, ExpiresAt: want.ExpiresAt,
			RefreshToken: plain(want.RefreshToken.Reveal()), AccessToken: plain(want.AccessToken.Reveal()), Proxy: want.Proxy, Scopes: want.Scopes,
			Organization: want.Organization, OAuth: want.OAuth,
		})
		if err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
	for name, a := range map[string]engine.Account{"refresh token": {RefreshToken: shut}, "access token": {AccessToken: shut},
		"account": {Problem: engine.Errorf(engine.KindUnreadable, "damaged", nil)}} {
		if _, err := Open(a); engine.KindOf(err) != engine.KindUnreadable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever a file holds, encrypted or after that: accounts that can be used,
// or a refusal of one clean line.
func FuzzImport(f *testing.F) {
	f.Add(export(f, accounts()))
	f.Add(export(f, nil))
	f.Add(sealed(f, `{"version":1,"accounts":[{}]}`, byPassphrase(f, 4)))
	f.Add([]byte(armor.Header + "\n"))
	f.Add([]byte(`{"version":1,"accounts":[{"provider":"claude","name":"\u202e\u001bn","refresh_token":"r","expires_at":"2027-01-02T03:04:05+14:00","active":true}]}`))
	f.Add([]byte(`{"version":1,"accounts":[{"provider":"claude","name":"n","access_token":"a","expires_at":"9999-12-31T23:59:59-01:00"}]}`))
	f.Add([]byte(`{"version":1e9}`))
	f.Add([]byte(`{"version":1,"Version":2,"accounts":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for what, read := range map[string]func() ([]engine.NewAccount, error){
			"file":    func() ([]engine.NewAccount, error) { return importCheap(data) },
			"content": func() ([]engine.NewAccount, error) { return decode(data) },
		} {
			got, err := read()
			if err != nil {
				if said := err.Error(); got != nil || engine.KindOf(err) != engine.KindSettings || engine.CleanLine(said) != said || len(said) > 200 {
					t.Errorf("the %s: %q", what, said)
				}
				continue
			}
			for _, n := range got {
				if n.Name == "" || engine.Clean(n.Name) != n.Name || n.RefreshToken.Empty() && n.AccessToken.Empty() {
					t.Errorf("the %s gives %+v", what, n)
				}
			}
			again, err := Import(bytes.NewReader(export(t, got)), pass)
			if err != nil || !slices.Equal(again, got) {
				t.Errorf("exported again: %v, %+v, not %+v", err, again, got)
			}
		}
	})
}

// importCheap leaves files out that demand much work.
func importCheap(data []byte) ([]engine.NewAccount, error) {
	binary, _ := io.ReadAll(armor.NewReader(bytes.NewReader(data)))
	header, _, _ := strings.Cut(string(binary), "\n---")
	for line := range strings.Lines(header) {
		if args := strings.Fields(line); len(args) == 4 && args[1] == "scrypt" && args[3] > "1" && args[3] != "4" {
			return nil, nil
		}
	}
	return Import(bytes.NewReader(data), pass)
}
