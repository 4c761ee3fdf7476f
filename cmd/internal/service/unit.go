package service

import (
	"fmt"
	"strings"

	"tokentray/engine"
)

// unit is s as a systemd user unit. What hardens it needs no namespaces: in a
// user's manager those need rights that many systems give to nobody, and the
// tools' login files and the socket must be the ones that everybody sees.
//
// A wrong setting, exit code 2, is not tried again; it does not get better.
func unit(s Service) (string, error) {
	if err := s.check(); err != nil {
		return "", err
	}
	if strings.ContainsAny(s.Program, `"'\`) {
		return "", engine.Errorf(engine.KindSettings, "systemd starts no program whose path has a quote or a backslash in it: move it elsewhere: "+engine.Clean(s.Program), nil)
	}
	command := []string{unitWord(s.Program, false), "run"}
	for _, arg := range s.Args {
		command = append(command, unitWord(arg, true))
	}
	var env strings.Builder
	for _, variable := range s.Env {
		fmt.Fprintf(&env, "Environment=%s\n", unitWord(variable, false))
	}
	return fmt.Sprintf(`# Made by tokentrayctl service install, which makes it anew: put changes into
# tokentray.service.d/*.conf beside it (systemctl --user edit tokentray).
# %s
[Unit]
Description=Tokentray keeps the OAuth tokens of AI accounts fresh
# Only some users' managers know this target. A network that comes later is
# waited for anyway.
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=%s
%sRestart=on-failure
RestartPreventExitStatus=2
RestartSec=5
# These two since systemd 254; before, it is 5 seconds each time.
RestartSteps=6
RestartMaxDelaySec=300
# A refresh in flight is finished and stored: 30 s and 10 s at most.
KillSignal=SIGTERM
TimeoutStopSec=%d
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native

[Install]
WantedBy=default.target
`, s.mark(), strings.Join(command, " "), env.String(), int(stopTime.Seconds())), nil
}

// unitWord quotes a word as systemd.syntax(7) has it. A percent sign begins a
// specifier; a dollar sign a variable, in a program's arguments alone.
func unitWord(word string, argument bool) string {
	pairs := []string{`\`, `\\`, `"`, `\"`, `%`, `%%`}
	if argument {
		pairs = append(pairs, `$`, `$$`)
	}
	return `"` + strings.NewReplacer(pairs...).Replace(word) + `"`
}
