package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"tokentray/cmd/internal/autostart"
	"tokentray/cmd/internal/language"
	"tokentray/cmd/internal/wiring"
	"tokentray/engine"
	"tokentray/engine/settings"
	"tokentray/engine/store/local"
	"tokentray/ui"
)

// policyChosen keeps a person's choice. Where flag, environment or env file say
// otherwise, it holds for this run, which is said.
func (d *desk) policyChosen(p engine.Policy) string {
	minutes := func(v time.Duration) string { return strconv.FormatFloat(v.Minutes(), 'f', -1, 64) }
	values := map[string]string{
		"ENABLE_PROACTIVE_TOKEN_REFRESH": strconv.FormatBool(p.Proactive),
		"TOKEN_REFRESH_INTERVAL":         minutes(p.Interval),
		"TOKEN_REFRESH_WINDOW":           minutes(p.Window),
	}
	if err := settings.Save(d.set.Load().Paths.SettingsFile, values); err != nil {
		return err.Error()
	}
	var said []string
	for _, spec := range settings.Specs() {
		chosen, ours := values[spec.Name]
		source := d.set.Load().Sources[spec.Name]
		if ours && source.Kind != "saved" && source.Kind != "default" && chosen != d.set.Load().Value(spec.Name) {
			said = append(said, d.texts.Load().Get("%s from %s again at the next start", d.set.Load().Value(spec.Name), source))
		}
	}
	return strings.Join(said, "; ")
}

// with is the settings as they would be with values saved.
func (d *desk) with(values map[string]string) (settings.Settings, error) {
	return settings.Load(settings.Input{Flags: d.flags, Getenv: func(name string) (string, bool) {
		if v, ok := values[name]; ok {
			return v, true
		}
		return os.LookupEnv(name)
	}})
}

// test reads the accounts of the Redis that values describe.
func (d *desk) test(values map[string]string) error {
	set, err := d.with(values)
	if err != nil {
		return err
	}
	set.Relays, set.Home = nil, "" // it alone
	return try(set)
}

// try reads the accounts of the stores of set.
func try(set settings.Settings) error {
	app, err := wiring.Open(set, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer app.Close()
	if err := app.Scan(context.Background()); err != nil {
		return err
	}
	for _, v := range app.Snapshot() {
		if v.Problem != nil {
			return fmt.Errorf("%s: %w", v.Name, v.Problem)
		}
	}
	return nil
}

// again works with the stores of set. Not on the UI's goroutine.
func (d *desk) again(set settings.Settings) error {
	return d.begin(set, d.loop.Do)
}

// connect keeps values and works with the Redis that they describe; under a
// name, as one more beside what is worked with.
func (d *desk) connect(name string, values map[string]string) error {
	if name != "" {
		if err := d.addRelay(name, values); err != nil {
			return err
		}
		set, err := d.with(nil)
		if err != nil {
			return err
		}
		return d.again(set)
	}
	if err := d.test(values); err != nil {
		return err
	}
	if err := settings.Save(d.set.Load().Paths.SettingsFile, values); err != nil {
		return err
	}
	set, err := d.with(values)
	if err != nil {
		return err
	}
	return d.again(set)
}

// readEnv reads a relay's .env.
func readEnv(path string) (map[string]string, error) {
	path, err := inHome(path)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return settings.ParseEnv(f)
}

// What the app keeps for itself in settings.json.
const (
	ownTheme         = "APP_THEME"
	ownNotifications = "APP_NOTIFICATIONS"
	ownHidden        = "APP_START_HIDDEN"
	ownLanguage      = language.Setting
	ownSeen          = "APP_FIRST_PAGE_SEEN"
	ownPark          = "APP_PARK"
)

// startsAtLogin is no setting: the system has it.
const startsAtLogin = "start at login"

// own is one of these, and what it can be; the first is the default.
var own = []struct {
	name, title string
	choices     []string
}{
	{ownTheme, "Theme", []string{"system", "light", "dark"}},
	{ownNotifications, "Notifications", []string{"on", "off"}},
	{ownHidden, "Start hidden in the tray", []string{"no", "yes"}},
	{ownQuota, "Redis commands a day that are allowed", []string{"10000", "1000", "5000", "50000", "100000", "1000000"}},
	{ownLanguage, "Language", []string{language.System, language.All[0].Name, language.All[1].Name}},
	{ownPark, "Rest while hidden", []string{"auto", "off"}},
}

// kept returns what the app keeps under a name, or its default.
func (d *desk) kept(name string) string {
	saved := settings.Kept(d.set.Load().Paths.SettingsFile, name)
	for _, o := range own {
		if o.name == name && !slices.Contains(o.choices, saved) {
			return o.choices[0]
		}
	}
	return saved
}

// edited are the settings that the window's page shows, beside those that its
// sliders have.
var edited = []struct{ name, title string }{
	{"REDIS_HOST", "Relay's Redis: host"}, {"REDIS_PORT", "Port"}, {"REDIS_USERNAME", "User"}, {"REDIS_PASSWORD", "Password"}, {"REDIS_DB", "Database"},
	{"REDIS_ENABLE_TLS", "TLS"}, {"ENCRYPTION_KEY", "ENCRYPTION_KEY"}, {"WEBHOOK_URL", "Webhook"},
	{"NOTIFY_URLS", "Chat services (shoutrrr URLs)"},
	{"USE_RELAY_WEBHOOKS", "The relay's own alert channels"},
	{"ALERT_KINDS", "What is told"},
	{"ALERT_QUIET_HOURS", "Quiet hours"},
	{"GEMINI_OAUTH_CLIENT_SECRET", "Google client secret: Gemini CLI"}, {"ANTIGRAVITY_OAUTH_CLIENT_SECRET", "Google client secret: Antigravity"},
}

// settings are what the window's page shows. A secret's field stays empty: what
// is typed replaces it.
func (d *desk) settings() (fields []ui.Setting, facts []string) {
	specs := map[string]settings.Spec{}
	for _, spec := range settings.Specs() {
		specs[spec.Name] = spec
	}
	for _, e := range edited {
		spec, source := specs[e.name], d.set.Load().Sources[e.name]
		f := ui.Setting{Name: e.name, Title: d.texts.Load().Get(e.title), Secret: spec.Secret, Hint: spec.Default}
		hidden := spec.Secret || e.name == "WEBHOOK_URL" // it may hold a token
		if value := d.set.Load().Value(e.name); hidden {
			f.Hint, f.Set = value, source.Kind == "saved"
		} else if source.Kind != "default" {
			f.Value = value
		}
		if spec.Allowed == "true or false" {
			f.Choices, f.Value = []string{"false", "true"}, d.set.Load().Value(e.name)
		}
		if e.name == "ALERT_KINDS" {
			for _, a := range engine.Alerts() {
				f.Several = append(f.Several, ui.Option{Value: string(a), Title: d.texts.Load().Alert(a)})
			}
		}
		if source.Kind != "saved" && source.Kind != "default" {
			f.Fixed = source.String()
		}
		fields = append(fields, f)
	}
	if entry, err := autostart.Here(); err == nil {
		begins := ui.Setting{Name: startsAtLogin, Title: d.texts.Load().Get("Start at login"), Choices: []string{"no", "yes"}, Value: "no"}
		if on, _ := entry.Enabled(); on {
			begins.Value = "yes"
		}
		fields = append(fields, begins)
	}
	for _, o := range own {
		fields = append(fields, ui.Setting{Name: o.name, Title: d.texts.Load().Get(o.title), Value: d.kept(o.name), Choices: o.choices})
	}
	facts = []string{d.texts.Load().Get("Saved in %s", d.set.Load().Paths.SettingsFile)}
	if file, err := local.Open(d.set.Load().Paths.Database); err == nil {
		defer file.Close()
		if place, err := file.KeyPlace(context.Background()); err == nil {
			facts = append(facts, d.texts.Load().Get("The embedded store is %s, its key lies in %s", d.set.Load().Paths.Database, place))
		}
	}
	return fields, facts
}

// save keeps what was changed on the page, and works with it.
func (d *desk) save(changed map[string]string) map[string]error {
	if len(changed) == 0 {
		return nil
	}
	wrong := map[string]error{}
	for name, value := range changed {
		if value == "" {
			continue
		}
		alone := map[string]string{name: value}
		if name != "ENCRYPTION_KEY" {
			alone["ENCRYPTION_KEY"] = "x" // whether it is there is another field's matter
		}
		if _, err := d.with(alone); err != nil && strings.HasPrefix(err.Error(), name) {
			wrong[name] = wrongValue(*d.texts.Load(), name, err)
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	if at, chosen := changed[startsAtLogin]; chosen {
		delete(changed, startsAtLogin)
		entry, err := autostart.Here()
		if err == nil {
			err = entry.Set(at == "yes")
		}
		if err != nil {
			return map[string]error{startsAtLogin: err}
		}
	}
	last := edited[0].name // where a fault of none alone is shown
	fail := func(err error) map[string]error { return map[string]error{last: err} }
	if _, err := d.with(changed); err != nil {
		return fail(err)
	}
	if err := settings.Save(d.set.Load().Paths.SettingsFile, changed); err != nil {
		return fail(err)
	}
	set, err := d.with(nil)
	if err != nil {
		return fail(err)
	}
	if err := d.begin(set, func(work func()) {
		d.loop.Do(func() {
			d.look()
			d.mayRest()
			if texts, err := speak(d.kept(ownLanguage)); err == nil {
				d.texts.Store(&texts)
			}
			work()
		})
	}); err != nil {
		return fail(err)
	}
	return nil
}

// look puts the chosen theme in force. On the UI's goroutine.
func (d *desk) look() { d.app.Settings().SetTheme(ui.Theme{Variant: d.kept(ownTheme)}) }
