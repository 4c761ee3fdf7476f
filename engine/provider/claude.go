package provider

import (
	"net/http"
	"time"

	"tokentray/engine"
)

// claudeCLIVersion is the Claude Code release whose requests these look like.
const claudeCLIVersion = "2.1.44"

func init() { register(engine.Claude, claude) }

func claude(Config) dialect {
	return dialect{
		url:    "https://platform.claude.com/v1/oauth/token",
		fields: fixedFields(map[string]string{"client_id": "9d1c250a-e61b-44d9-88ed-5944d1962f5e"}),
		json:   true,
		header: http.Header{
			"Accept":     {"application/json, text/plain, */*"},
			"User-Agent": {"claude-cli/" + claudeCLIVersion + " (external, cli)"},
			"Referer":    {"https://claude.ai/"},
			"Origin":     {"https://claude.ai"},
		},
		authorization: authorization{
			url:      "https://claude.ai/oauth/authorize",
			query:    map[string]string{"code": "true"},
			scope:    "org:create_api_key user:profile user:inference user:sessions:claude_code user:mcp_servers user:file_upload",
			redirect: "https://platform.claude.com/oauth/code/callback",
			state:    true,
		},
		lifetime: fixedLifetime(8 * time.Hour),
	}
}
