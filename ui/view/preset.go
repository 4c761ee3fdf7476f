package view

import (
	"time"

	"tokentray/engine"
)

// Preset is one of the guide's recommended configurations.
type Preset struct {
	Name string // a key of Texts, as Fits is
	Fits string
	// Interval and Window are 0 where proactive refresh is off: they stay as
	// they are.
	Interval, Window time.Duration
}

// Presets are the guide's.
var Presets = []Preset{
	{"Personal", "A few accounts, few requests: nothing is refreshed by itself.", 0, 0},
	{"Balanced", "Ordinary production; the guide recommends it.", 15 * time.Minute, 5 * time.Minute},
	{"High availability", "Many concurrent requests that may not wait.", 10 * time.Minute, 5 * time.Minute},
	{"Thrifty", "Occasional use, tight quotas.", 30 * time.Minute, 10 * time.Minute},
}

// Apply is the policy under the preset.
func (p Preset) Apply(policy engine.Policy) engine.Policy {
	policy.Proactive = p.Interval > 0
	if policy.Proactive {
		policy.Interval, policy.Window = p.Interval, p.Window
	}
	return policy
}

// PresetOf is the preset that the policy is; false where it is none.
func PresetOf(policy engine.Policy) (Preset, bool) {
	for _, p := range Presets {
		if p.Apply(policy) == policy {
			return p, true
		}
	}
	return Preset{}, false
}
