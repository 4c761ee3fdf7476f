package relay

import (
	"testing"
	"time"
)

func TestRateLimitedUntil(t *testing.T) {
	at := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		field map[string]string
		want  time.Time
	}{
		"claude":        {map[string]string{"rateLimitStatus": "limited", "rateLimitedAt": iso(at), "rateLimitEndAt": iso(at.Add(time.Hour))}, at.Add(time.Hour)},
		"openai":        {map[string]string{"rateLimitStatus": "limited", "rateLimitResetAt": iso(at.Add(time.Minute)), "rateLimitDuration": "60"}, at.Add(time.Minute)},
		"minutes":       {map[string]string{"rateLimitStatus": "limited", "rateLimitedAt": iso(at), "rateLimitDuration": "60"}, at.Add(time.Hour)},
		"over":          {map[string]string{"rateLimitStatus": "", "rateLimitedAt": iso(at), "rateLimitDuration": "60"}, time.Time{}},
		"never":         {nil, time.Time{}},
		"no end":        {map[string]string{"rateLimitStatus": "limited", "rateLimitedAt": iso(at)}, time.Time{}},
		"nonsense":      {map[string]string{"rateLimitStatus": "limited", "rateLimitEndAt": "soon", "rateLimitedAt": "then", "rateLimitDuration": "x"}, time.Time{}},
		"a long minute": {map[string]string{"rateLimitStatus": "limited", "rateLimitedAt": iso(at), "rateLimitDuration": "9999999999"}, time.Time{}},
	} {
		if got := rateLimitedUntil(test.field); !got.Equal(test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
