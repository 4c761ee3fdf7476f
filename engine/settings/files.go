package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/joho/godotenv"

	"tokentray/engine"
)

const maxFile = 1 << 20

// readFile keeps a file that is not meant for us from filling the memory.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = &fs.PathError{Op: "read", Path: path, Err: errors.New("larger than 1 MiB")}
	}
	return text, err
}

// readEnvFile returns a file of NAME=value lines. Its error never quotes the
// content, which holds keys: the parser's own error does, and is dropped.
func readEnvFile(path string) (map[string]string, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, engine.Errorf(engine.KindSettings, "the env file cannot be read", err)
	}
	values, ok := parseEnv(text)
	if !ok {
		return nil, engine.Errorf(engine.KindSettings,
			fmt.Sprintf("the env file %s is malformed: every line must be NAME=value", path), nil)
	}
	return values, nil
}

// parseEnv takes "$" as it stands. The relay does too, so a key copied from
// its .env must not lose what looks like a variable to godotenv. Text that is
// not UTF-8 is refused, since godotenv would change it.
// ParseEnv reads the settings of a relay's .env file, by name. Its error quotes
// nothing of the file.
func ParseEnv(r io.Reader) (map[string]string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(text) <= maxFile {
		if values, ok := parseEnv(text); ok {
			return values, nil
		}
	}
	return nil, engine.Errorf(engine.KindSettings, "this is not an env file of lines NAME=value", nil)
}

func parseEnv(text []byte) (map[string]string, bool) {
	const dollar = "\x00"
	if !utf8.Valid(text) || bytes.Contains(text, []byte(dollar)) {
		return nil, false
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	values, err := godotenv.UnmarshalBytes(bytes.ReplaceAll(text, []byte("$"), []byte(dollar)))
	if _, nameless := values[""]; err != nil || nameless {
		return nil, false
	}
	for name, value := range values {
		values[name] = strings.ReplaceAll(value, dollar, "$")
	}
	return values, true
}

// Kept returns a text that Save put into settings.json under a name that is no
// setting: what the app keeps for itself. "" where there is none.
func Kept(path, name string) string {
	var object map[string]json.RawMessage
	var kept string
	if text, err := readFile(path); err == nil && json.Unmarshal(text, &object) == nil {
		_ = json.Unmarshal(object[name], &kept) // anything but text is none
	}
	return kept
}

// readSaved returns what the app saved: a JSON object whose values are
// strings, numbers or booleans. Unknown names are of a later version and may
// hold anything.
func readSaved(path string) (map[string]string, error) {
	text, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, engine.Errorf(engine.KindSettings, "the saved settings cannot be read", err)
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(text, &object) != nil || object == nil {
		return nil, engine.Errorf(engine.KindSettings,
			fmt.Sprintf("%s is not a JSON object: correct it, or delete it to start from the defaults", path), nil)
	}
	values := map[string]string{}
	for _, spec := range specs {
		raw, given := object[spec.Name]
		switch {
		case !given || string(raw) == "null":
		case raw[0] == '"':
			var s string
			_ = json.Unmarshal(raw, &s) // was parsed above
			values[spec.Name] = s
		case raw[0] == '{', raw[0] == '[':
			return nil, engine.Errorf(engine.KindSettings, fmt.Sprintf(
				"%s from %s is a list or an object: it must be %s", spec.Name, path, spec.Allowed), nil)
		default: // a number, true or false: the text is the value
			values[spec.Name] = string(raw)
		}
	}
	return values, nil
}
