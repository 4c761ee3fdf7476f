//go:build !windows && !darwin

package autostart

import "path/filepath"

func here(program string) (Entry, error) {
	config, err := folder("XDG_CONFIG_HOME", ".config")
	return XDG{Folder: filepath.Join(config, "autostart"), Program: program}, err
}
