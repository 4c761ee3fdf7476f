package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tokentray/engine"
)

// The kinds of Source, the strongest first.
const (
	fromFlag        = "flag"
	fromEnvironment = "environment"
	fromEnvFile     = "env file"
	fromLocal       = ".env here"
	fromSaved       = "saved"
	fromDefault     = "default"
)

// Source says where a value came from.
type Source struct {
	Kind   string // "flag", "environment", "env file", ".env here", "saved" or "default"
	Detail string // the flag with its dashes, the variable, or the file's path
}

// String names the source for people, as in "REDIS_PORT from …".
func (s Source) String() string {
	switch s.Kind {
	case fromFlag, fromEnvFile, fromLocal:
		return s.Detail
	case fromSaved:
		return filepath.Base(s.Detail)
	}
	return s.Kind
}

// Chosen reports whether somebody chose the value.
func (s Source) Chosen() bool { return s.Kind != fromDefault && s.Kind != "" }

// value is the text in force for a setting; empty where it is not set.
type value struct {
	Spec
	text   string
	source Source
}

// fault is the error of a value that cannot be used.
func (v value) fault(why string) error {
	is := "cannot be used"
	if v.quotable(v.text) {
		is = fmt.Sprintf("is %q", engine.Clean(v.text))
	}
	return engine.Errorf(engine.KindSettings, fmt.Sprintf("%s from %s %s: %s", v.Name, v.source, is, why), nil)
}

// inForce picks the strongest source of every setting. An empty value counts
// as not set. warnings tells of what a .env in the working directory may not
// set.
func inForce(in Input, paths Paths) (values map[string]value, warnings []string, err error) {
	values = map[string]value{}
	for _, spec := range specs {
		values[spec.Name] = value{spec, spec.Default, Source{Kind: fromDefault}}
	}
	set := func(name, text string, source Source) {
		if v, known := values[name]; known && text != "" {
			values[name] = value{v.Spec, text, source}
		}
	}
	setAll := func(texts map[string]string, source Source) {
		for name, text := range texts {
			set(name, text, source)
		}
	}

	// The weakest first: each overrides the one before.
	saved, err := readSaved(paths.SettingsFile)
	if err != nil {
		return nil, nil, err
	}
	setAll(saved, Source{fromSaved, paths.SettingsFile})

	envFile, named := in.EnvFile, in.EnvFile != ""
	if !named {
		envFile = paths.EnvFile
	}
	local, warnings := readLocal(in.Dir, envFile)
	setAll(local, Source{fromLocal, localPath(in.Dir)})

	texts, err := readEnvFile(envFile)
	if err != nil && (named || !errors.Is(err, fs.ErrNotExist)) {
		return nil, nil, err
	}
	setAll(texts, Source{fromEnvFile, envFile})

	for _, spec := range specs {
		text, _ := in.Getenv(spec.Name)
		set(spec.Name, text, Source{fromEnvironment, spec.Name})
	}
	return values, warnings, setFlags(values, in.Flags)
}

// setFlags takes a flag even where it is empty: whoever gives one means it.
func setFlags(values map[string]value, flags map[string]string) error {
	for name := range flags {
		if v, known := values[name]; !known || v.Flag() == "" {
			return engine.Errorf(engine.KindSettings, fmt.Sprintf("%s has no flag", engine.Clean(name)), nil)
		}
	}
	for _, spec := range specs {
		text, given := flags[spec.Name]
		if !given {
			continue
		}
		v := value{spec, text, Source{fromFlag, "--" + spec.Flag()}}
		if text == "" {
			return v.fault("it must be " + spec.Allowed)
		}
		values[spec.Name] = v
	}
	return nil
}

func localPath(dir string) string { return filepath.Join(dir, ".env") }

// readLocal returns what the working directory's .env may set. Nothing in a
// stranger's folder is an error: whatever is wrong with the file is a warning,
// and what is not a plain file is not opened, since a pipe would hang.
func readLocal(dir, envFile string) (texts map[string]string, warnings []string) {
	if dir == "" {
		return nil, nil
	}
	path := localPath(dir)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		if env, err := os.Stat(envFile); err == nil && os.SameFile(env, info) {
			return nil, nil // read as the env file, with all its names
		}
		if !info.Mode().IsRegular() {
			return nil, []string{"ignored: " + path + " is not a file"}
		}
		texts, err = readEnvFile(path)
	}
	if err != nil {
		return nil, []string{"ignored: " + err.Error()}
	}
	for _, spec := range specs {
		if texts[spec.Name] != "" && !spec.local {
			delete(texts, spec.Name)
			warnings = append(warnings, fmt.Sprintf("ignored: %s in %s, since a .env in the working directory may set "+
				"the mode, interval and window of refreshing only; if the file is yours, name it with --env-file", spec.Name, path))
		}
	}
	return texts, warnings
}
