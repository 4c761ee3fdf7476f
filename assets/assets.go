// Package assets holds what the programs carry with them.
package assets

import "embed"

//go:generate go run ./draw

// Icons are PNG: icon.png for the window and notifications, tray-STATE.png for
// the tray.
//
//go:embed *.png
var Icons embed.FS

// Icon returns a file's content. It is there: a name is a constant.
func Icon(name string) []byte {
	content, err := Icons.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return content
}
