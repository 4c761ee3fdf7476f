package wiring

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/provider/strict"
)

// A tool's login that nobody chose to have kept is looked at and nothing else,
// whatever becomes of its file and whoever asks: its bytes, its time and its
// neighbours stay as the tool left them, and nothing is sent. Each change shows
// within 2 s.
func TestObservedFileIsLeftAlone(t *testing.T) {
	provider, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	login, next := provider.SignIn(engine.Claude, ""), provider.SignIn(engine.Claude, "")
	file := claudeFile(t, *login, time.Now().Add(time.Hour))
	app := keeper{Home: t.TempDir(), Tools: file.home, TokenURL: provider.URL(engine.Claude), Proactive: true}.open(t)
	defer app.Close()
	defer run(app)()
	tool := file.tool(provider.URL(engine.Claude)+"?tool", time.Minute).code()

	expired := claudeText(*login, time.Now().Add(-time.Minute))
	is := func(status engine.Status) func(engine.View) bool {
		return func(v engine.View) bool { return v.Status == status }
	}
	var renewed time.Time
	for _, step := range []struct {
		name  string
		tool  func() error // what the tool does
		shows func(engine.View) bool
	}{
		{"it is there", func() error { return nil }, is(engine.StatusValid)},
		{"it expires", func() error { file.write(t, expired); return nil }, is(engine.StatusExpired)},
		{"it is half written", func() error { file.write(t, expired[:len(expired)/2]); return nil }, is(engine.StatusUnreadable)},
		{"it is whole again", func() error { file.write(t, expired); return nil }, is(engine.StatusExpired)},
		{"the tool refreshes it", func() error { _, err := tool.Use(t.Context()); return err }, func(v engine.View) bool {
			renewed = v.ExpiresAt
			return v.Status == engine.StatusValid
		}},
		{"an older copy comes back, with a used-up token", func() error { file.write(t, expired); return nil }, is(engine.StatusExpired)},
		{"another login takes its place", func() error {
			other := filepath.Join(file.home, "other")
			if err := os.WriteFile(other, []byte(claudeText(*next, time.Now().Add(3*time.Hour))), fileMode); err != nil {
				return err
			}
			return os.Rename(other, file.path)
		}, func(v engine.View) bool {
			return v.Status == engine.StatusValid && v.ExpiresAt.After(renewed.Add(time.Hour))
		}},
		{"and expires", func() error { file.write(t, claudeText(*next, time.Now().Add(-time.Second))); return nil }, is(engine.StatusExpired)},
	} {
		if err := step.tool(); err != nil {
			t.Fatal(step.name, err)
		}
		began, text, sent := time.Now(), file.text(t), len(provider.Requests())
		before, err := os.Stat(file.path)
		if err != nil {
			t.Fatal(err)
		}
		until(t, step.name, func() bool {
			views := app.Snapshot()
			return len(views) == 1 && step.shows(views[0])
		})
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s: seen after %v", step.name, took)
		}
		key := app.Snapshot()[0].Key
		_, err = app.ValidAccessToken(t.Context(), key) // it is served while it lives
		if view := app.Snapshot()[0]; view.Status == engine.StatusExpired && engine.KindOf(err) != engine.KindObserved || view.Status == engine.StatusValid && err != nil {
			t.Errorf("%s: asked for, %v", step.name, err)
		}
		for _, ask := range []engine.PassParams{{}, {Force: true}, {Keys: []engine.Key{key}, Once: true}} {
			if summary, err := app.Pass(t.Context(), ask); err != nil || summary.Refreshed+summary.Failed > 0 || summary.Skipped != 1 {
				t.Errorf("%s: %+v, %v", step.name, summary.Results, err)
			}
		}
		if after, err := os.Stat(file.path); err != nil || file.text(t) != text || !os.SameFile(before, after) || !after.ModTime().Equal(before.ModTime()) ||
			after.Mode() != before.Mode() {
			t.Errorf("%s: the file was written: %v", step.name, err)
		}
		if left := file.beside(t); len(left) > 0 {
			t.Errorf("%s: left beside it: %v", step.name, left)
		}
		if n := len(provider.Requests()); n != sent {
			t.Errorf("%s: %d requests", step.name, n-sent)
		}
	}
	if v := app.Snapshot()[0]; v.Restored > 0 || !v.NextRefresh.IsZero() {
		t.Errorf("restored %d times, the next refresh at %v", v.Restored, v.NextRefresh)
	}
	if err := os.Remove(file.path); err != nil {
		t.Fatal(err)
	}
	until(t, "it is gone", func() bool { return len(app.Snapshot()) == 0 })
}

// A person signs in with the tool while a refresh of the kept login is at the
// provider. The new login wins, however the tool writes it: the answer to the
// old one is not stored, now or later, and no token is sent twice.
func TestToolSignsInDuringARefresh(t *testing.T) {
	for name, write := range map[string]func(t *testing.T, f toolFile, text string){
		"in place": func(t *testing.T, f toolFile, text string) { f.write(t, text) },
		"bit by bit": func(t *testing.T, f toolFile, text string) {
			f.write(t, text[:40])
			time.Sleep(30 * time.Millisecond)
			f.write(t, text)
		},
		"as a new file": func(t *testing.T, f toolFile, text string) {
			fresh := filepath.Join(f.home, "fresh")
			if err := os.WriteFile(fresh, []byte(text), fileMode); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(fresh, f.path); err != nil {
				t.Fatal(err)
			}
		},
		"signed out before": func(t *testing.T, f toolFile, text string) {
			if err := os.Remove(f.path); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(f.path, []byte(text), fileMode); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			provider, err := strict.New()
			if err != nil {
				t.Fatal(err)
			}
			defer provider.Close()
			old, signedIn := provider.SignIn(engine.Claude, ""), provider.SignIn(engine.Claude, "")
			file := claudeFile(t, *old, time.Now().Add(-time.Minute))
			k := keeper{Home: t.TempDir(), Tools: file.home, TokenURL: provider.URL(engine.Claude)}
			file.keep(t, k)
			app := k.open(t)
			defer app.Close()
			defer run(app)() // it watches, too
			provider.Fail(engine.Claude, strict.Fault{Delay: time.Second})
			asked := make(chan string)
			go func() {
				access, err := app.ValidAccessToken(t.Context(), file.key)
				if err != nil {
					t.Error(err)
				}
				asked <- access.Reveal()
			}()
			requests(t, provider, 1)
			text := claudeText(*signedIn, time.Now().Add(2*time.Hour))
			write(t, file, text)
			if access := <-asked; access != signedIn.Access {
				t.Error("asked for, it was not the new login's token that came")
			}
			if now := file.text(t); now != text {
				t.Errorf("the file is now %s", now)
			}
			if l := provider.Look(old); l.Exchanges != 1 || l.Replays > 0 || len(provider.Requests()) != 1 {
				t.Errorf("of the old login: %d exchanges, %d replays, %d requests in all", l.Exchanges, l.Replays, len(provider.Requests()))
			}

			// The new one goes on as any, and the old one does not come back.
			if summary, err := app.Pass(t.Context(), engine.PassParams{Force: true}); err != nil || summary.Refreshed != 1 {
				t.Errorf("%+v, %v", summary.Results, err)
			}
			if err := app.Scan(t.Context()); err != nil {
				t.Error(err)
			}
			if l, o := provider.Look(signedIn), provider.Look(old); l.Exchanges != 1 || l.Replays+o.Replays > 0 || o.Exchanges != 1 {
				t.Errorf("%d and %d exchanges, %d replays", o.Exchanges, l.Exchanges, l.Replays+o.Replays)
			}
			file.check(t, provider.Look(signedIn))
		})
	}
}
