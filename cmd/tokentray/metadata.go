package main

import "fyne.io/fyne/v2"

// metadata is FyneApp.toml's, which a build of a folder below cmd does not
// find; a test keeps the two equal.
var metadata = fyne.AppMetadata{ID: "dev.tokentray.Tokentray", Name: "Tokentray", Version: "0.1.0", Build: 1}
