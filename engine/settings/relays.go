package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"tokentray/engine"
)

// Relay is one more relay whose accounts are worked with, beside the store that
// the settings choose.
type Relay struct {
	Name          string // of its file, without .env
	File          string
	Redis         *Redis
	EncryptionKey engine.Secret
}

// usableName reports whether a relay can be called so: letters, digits, and not
// first dots, dashes and underscores; 64 at most.
func usableName(name string) bool {
	n := 0
	for i, r := range name {
		if !unicode.In(r, unicode.L, unicode.N) && (i == 0 || !strings.ContainsRune("._-", r)) {
			return false
		}
		n++
	}
	return n > 0 && n <= 64
}

// ofRelay are the settings that a relay's file may have. What else it has is
// the relay's own: its .env can be copied as it is.
func ofRelay(name string) bool { return strings.HasPrefix(name, "REDIS_") || name == "ENCRYPTION_KEY" }

// readRelays reads the files of the folder, in order of their names.
func readRelays(folder string) ([]Relay, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.env"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var relays []Relay
	for _, file := range files {
		texts, err := readEnvFile(file)
		if err != nil {
			return nil, err
		}
		r, err := relayOf(strings.TrimSuffix(filepath.Base(file), ".env"), file, texts)
		if err != nil {
			return nil, err
		}
		relays = append(relays, r)
	}
	return relays, nil
}

// relayOf reads a relay's settings; each comes from its file or is the default.
func relayOf(name, file string, texts map[string]string) (Relay, error) {
	if !usableName(name) {
		return Relay{}, engine.Errorf(engine.KindSettings, fmt.Sprintf("%s must be named by letters, digits, dots and dashes", engine.Clean(file)), nil)
	}
	r := &reader{values: map[string]value{}}
	for _, spec := range specs {
		v := value{spec, spec.Default, Source{Kind: fromDefault}}
		if text := texts[spec.Name]; text != "" && ofRelay(spec.Name) {
			v.text, v.source = text, Source{fromEnvFile, file}
		}
		r.values[spec.Name] = v
	}
	relay := Relay{Name: name, File: file, Redis: readRedis(r), EncryptionKey: read(r, "ENCRYPTION_KEY", secret)}
	switch {
	case r.err != nil && !strings.Contains(r.err.Error(), file):
		return Relay{}, fmt.Errorf("%s: %w", file, r.err)
	case r.err != nil:
		return Relay{}, r.err
	case relay.Redis == nil:
		return Relay{}, engine.Errorf(engine.KindSettings, file+" names no Redis: give it REDIS_HOST or REDIS_URL, and ENCRYPTION_KEY", nil)
	}
	return relay, nil
}

// CheckRelay reads one more relay from values, by the settings' names.
func CheckRelay(paths Paths, name string, values map[string]string) (Relay, error) {
	return relayOf(name, filepath.Join(paths.Relays, name+".env"), values)
}

// SaveRelay keeps one more relay under a name of its own. It is refused where
// the values cannot be used.
func SaveRelay(paths Paths, name string, values map[string]string) (Relay, error) {
	file := filepath.Join(paths.Relays, name+".env")
	r, err := CheckRelay(paths, name, values)
	if err != nil {
		return Relay{}, err
	}
	var text strings.Builder
	for _, spec := range specs {
		if v := values[spec.Name]; v != "" && ofRelay(spec.Name) {
			quoted, err := quote(v)
			if err != nil {
				return Relay{}, engine.Errorf(engine.KindSettings, spec.Name+" "+err.Error(), nil)
			}
			fmt.Fprintf(&text, "%s=%s\n", spec.Name, quoted)
		}
	}
	if _, err := os.Stat(file); err == nil {
		return Relay{}, engine.Errorf(engine.KindSettings, "there is a relay named "+name+" already: choose another name", nil)
	}
	if err := writeFile(file, []byte(text.String())); err != nil {
		return Relay{}, engine.Errorf(engine.KindSettings, file+" could not be written", err)
	}
	return r, nil
}

// quote writes a value for an env file, so that it is read back as it is.
func quote(text string) (string, error) {
	escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text)
	for _, quoted := range []string{"'" + text + "'", `"` + escaped + `"`} { // in the first nothing is special
		if values, ok := parseEnv([]byte("X=" + quoted)); ok && len(values) == 1 && values["X"] == text {
			return quoted, nil
		}
	}
	return "", errors.New("has characters that an env file cannot hold")
}

// RemoveRelay forgets a relay that SaveRelay, or a person, put there. Its
// accounts are not touched.
func RemoveRelay(paths Paths, name string) error {
	err := os.Remove(filepath.Join(paths.Relays, filepath.Base(name)+".env"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return engine.Errorf(engine.KindSettings, "the relay could not be removed", err)
	}
	return nil
}
