package main

import (
	"fmt"
	"io"
	"os"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"

	"tokentray/engine"
	"tokentray/engine/provider"
)

// maxInput bounds what is read of standard input, in bytes: two tokens and some
// JSON.
const maxInput = 64 << 10

// atTerminal reports whether a person types standard input.
func (s *session) atTerminal() bool {
	f, ok := s.stdin.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// secretLine reads one line of standard input, and no more: what follows may be
// something else. On a terminal it is asked for, and not shown.
func (s *session) secretLine(what string) (string, error) {
	if s.atTerminal() {
		fmt.Fprint(s.stderr, what+": ")
		defer fmt.Fprintln(s.stderr)
		text, err := term.ReadPassword(int(s.stdin.(*os.File).Fd()))
		return string(text), err
	}
	var line []byte
	for one := make([]byte, 1); len(line) < maxInput; {
		n, err := s.stdin.Read(one)
		if n == 1 && one[0] == '\n' || err == io.EOF {
			break
		}
		if err != nil {
			return "", fmt.Errorf("standard input cannot be read: %w", err)
		}
		line = append(line, one[:n]...)
	}
	return string(line), nil
}

// proxy reads one from the command line, where passwords do not belong, or from
// a line of standard input.
func (s *session) proxy(text string) (engine.Secret, error) {
	switch text {
	case "none":
		return engine.Secret{}, nil
	case "-":
		line, err := s.secretLine("Proxy, such as socks5://user:password@host:1080")
		if err != nil {
			return engine.Secret{}, fault{exitUsage, err}
		}
		return provider.ParseProxy(line)
	}
	setting, err := provider.ParseProxy(text)
	if err != nil {
		return setting, err
	}
	if u, err := provider.ProxyURL(setting); err == nil && u != nil {
		if password, _ := u.User.Password(); password != "" {
			return engine.Secret{}, fault{exitUsage, fmt.Errorf("a proxy's password does not belong on a command line, where others can read it: " +
				"give --proxy - and write the proxy to standard input")}
		}
	}
	return setting, nil
}
