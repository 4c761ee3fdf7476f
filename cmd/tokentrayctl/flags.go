package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"tokentray/engine/settings"
)

// settingFlags gives every setting that is no secret a flag: the variable's
// name in lower kebab case. The settings' own table is the only list.
type settingFlags struct {
	names  []string
	values reflect.Value // of a struct with a *string for each name
}

func newSettingFlags() settingFlags {
	var f settingFlags
	var fields []reflect.StructField
	for _, spec := range settings.Specs() {
		if spec.Secret {
			continue
		}
		f.names = append(f.names, spec.Name)
		quote := strings.NewReplacer(`"`, `'`, "`", "'")
		fields = append(fields, reflect.StructField{
			Name: "X" + strings.ReplaceAll(spec.Name, "_", "x"), // exported, and never shown
			Type: reflect.TypeFor[*string](),
			Tag: reflect.StructTag(fmt.Sprintf(`name:%q group:"Settings (flag, then environment variable, then env file):" placeholder:"VALUE" help:%q`,
				spec.Flag(), quote.Replace(spec.Help))),
		})
	}
	f.values = reflect.New(reflect.StructOf(fields))
	return f
}

// plugin is the struct for kong to parse into.
func (f settingFlags) plugin() kong.Plugins { return kong.Plugins{f.values.Interface()} }

// given returns the flags that were on the command line, by variable name.
func (f settingFlags) given() map[string]string {
	given := map[string]string{}
	for i, name := range f.names {
		if value := f.values.Elem().Field(i); !value.IsNil() {
			given[name] = value.Elem().String()
		}
	}
	return given
}

// switches are the flags that may stand without their values.
var switches = []string{"--enable-proactive-token-refresh", "--listen-ids"}

// joinSwitches lets them do so: alone they mean true.
func joinSwitches(args []string) []string {
	var joined []string
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return append(joined, args[i:]...)
		}
		name := args[i]
		if !slices.Contains(switches, name) {
			joined = append(joined, name)
			continue
		}
		value := "true"
		if i+1 < len(args) && (strings.EqualFold(args[i+1], "true") || strings.EqualFold(args[i+1], "false")) {
			i++
			value = args[i]
		}
		joined = append(joined, name+"="+value)
	}
	return joined
}
