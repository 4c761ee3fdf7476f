// Package assets holds what the programs carry with them.
package assets

import (
	"embed"
	"encoding/json"
	"fmt"
)

//go:generate go run ./draw

// Icons are PNG: icon.png for the window and notifications, tray-STATE.png for
// the tray.
//
//go:embed *.png
var Icons embed.FS

//go:embed translations/*.json
var translations embed.FS

// Texts returns a language's texts by the English ones, which are the keys.
func Texts(language string) (map[string]string, error) {
	content, err := translations.ReadFile("translations/" + language + ".json")
	if err != nil {
		return nil, fmt.Errorf("no texts in the language %q", language)
	}
	var texts map[string]string
	return texts, json.Unmarshal(content, &texts)
}

// Icon returns a file's content. It is there: a name is a constant.
func Icon(name string) []byte {
	content, err := Icons.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return content
}
