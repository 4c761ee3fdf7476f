package provider

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"tokentray/engine"
)

const probeTimeout = 10 * time.Second

// Probe tries an account's proxy: it asks the provider's token endpoint for
// its page, once, without a body and without anything of the account. Any
// answer but a 407 shows that the proxy works. Errors are Exchange's for a
// request that was not sent: of KindProxy, naming the proxy, or without one of
// KindOffline or KindTransient.
func Probe(ctx context.Context, cfg Config, provider string, oauth, proxy engine.Secret) error {
	e, err := endpointOf(cfg, provider, oauth)
	if err != nil {
		return err
	}
	via, err := ProxyURL(proxy)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url, nil)
	if err != nil {
		return engine.Errorf(engine.KindSettings, "the token endpoint's URL cannot be used", nil)
	}
	transport := e.transport(via)
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req) // follows no redirects
	if err != nil {
		return e.noAnswer(err, via, false, "") // nothing was spent, whatever came of it
	}
	resp.Body.Close()
	if resp.StatusCode == http.StatusProxyAuthRequired {
		refused := refusal(resp, nil)
		if via != nil {
			refused.Message = fmt.Sprintf("the account's proxy %s://%s wants other credentials (407)", via.Scheme, via.Host)
		}
		return refused
	}
	return nil
}
