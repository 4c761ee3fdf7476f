package relay

import (
	_ "embed"

	"github.com/redis/go-redis/v9"
)

//go:embed call.lua
var callText string

func newScript(text string) *redis.Script { return redis.NewScript(callText + text) }
