package provider

import (
	"time"

	"tokentray/engine"
)

func init() { register(engine.Droid, droid) }

func droid(Config) dialect {
	return dialect{
		url: "https://api.workos.com/user_management/authenticate",
		fields: func(req engine.ExchangeRequest) (map[string]string, error) {
			fields := map[string]string{"client_id": "client_01HNM792M5G5G1A2THWPXKFMXB"}
			if req.Organization != "" {
				fields["organization_id"] = req.Organization
			}
			return fields, nil
		},
		lifetime: fixedLifetime(8 * time.Hour),
	}
}
