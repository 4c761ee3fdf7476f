package autostart

import (
	"encoding/xml"
	"path/filepath"
	"strings"

	"tokentray/cmd/internal/ownfile"
)

// Agent is a launchd agent of the user. It is read at a login; neither Set
// starts or ends the app that runs.
type Agent struct {
	Folder  string // as ~/Library/LaunchAgents
	Program string // absolute, without control characters
}

var _ Entry = Agent{}

func (a Agent) file() ownfile.File {
	var program strings.Builder
	xml.EscapeText(&program, []byte(a.Program))
	return ownfile.File{Path: filepath.Join(a.Folder, id+".plist"), Text: `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- ` + ownfile.Mark + ` -->
<plist version="1.0">
<dict>
	<key>Label</key>
	<string>` + id + `</string>
	<key>ProgramArguments</key>
	<array>
		<string>` + program.String() + `</string>
	</array>
	<key>RunAtLoad</key>
	<true/>
	<key>LimitLoadToSessionType</key>
	<string>Aqua</string>
	<key>ProcessType</key>
	<string>Interactive</string>
	<key>ExitTimeOut</key>
	<integer>60</integer>
</dict>
</plist>
`}
}

// Enabled is Entry's.
func (a Agent) Enabled() (bool, error) {
	state, err := a.file().State()
	return state == ownfile.Current, err
}

// Set is Entry's.
func (a Agent) Set(on bool) (err error) {
	if on {
		_, err = a.file().Write()
	} else {
		_, err = a.file().Remove()
	}
	return err
}
