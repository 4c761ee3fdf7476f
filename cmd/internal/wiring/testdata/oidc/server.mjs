// A token server for TestForeignTokenServer, TestForeignSignIn and TestGeneric: oidc-provider
// with refresh-token rotation. A refresh token that comes a second time revokes
// its whole grant.
//
//   node server.mjs N
//
// It signs in N people without a browser and prints one line of JSON
// {"issuer", "token_url", "authorize_url", "refresh_tokens"}, then a line {"event"} for everything that
// happens at the token endpoint. A line on stdin comes back as an event, after
// all that happened before it; the end of stdin ends the server.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';

const clientId = 'app_EMoamEEZ73f0CkXaXp7hrann';
const scope = 'openid profile email offline_access';
const hour = 60 * 60;

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
console.info = console.warn; // stdout is for say

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const provider = new Provider(issuer, {
  clients: [{
    client_id: clientId,
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: ['http://localhost/auth/callback'], // of any port, as the client is native
    application_type: 'native',
  }, {
    client_id: 'confidential',
    client_secret: 'a secret+100% of=it&:',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: ['http://127.0.0.1/callback'], // likewise
    application_type: 'native',
  }],
  rotateRefreshToken: true,
  scopes: scope.split(' '),
  claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  features: { devInteractions: { enabled: true } }, // takes any name and password
  pkce: { methods: ['S256'], required: () => true },
  ttl: { AccessToken: hour, IdToken: hour, RefreshToken: 24 * hour, Grant: 24 * hour },
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
  cookies: { keys: ['of this test alone'] },
});

const used = new Set();
provider.on('grant.success', ({ oidc }) => {
  // Two requests at the same time could both find the token unused, which the
  // server does not notice.
  if (oidc.params.grant_type === 'authorization_code') {
    say({ event: 'sign-in' });
    return;
  }
  const { jti } = oidc.entities.RotatedRefreshToken;
  if (used.has(jti)) say({ event: 'used twice' });
  used.add(jti);
  say({ event: 'grant.success' });
});
provider.on('grant.revoked', () => say({ event: 'grant.revoked' }));
provider.on('grant.error', (_, err) => say({ event: 'grant.error', error: `${err.error}: ${err.error_detail ?? err.message}` }));
provider.on('server_error', (_, err) => say({ event: 'server_error', error: String(err) }));
server.on('request', provider.callback());

const client = await provider.Client.find(clientId);
const signIn = async (accountId) => {
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope(scope);
  const token = new provider.RefreshToken({
    accountId, client, scope, grantId: await grant.save(), gty: 'authorization_code', authTime: Math.floor(Date.now() / 1000),
  });
  return token.save();
};
const tokens = [];
for (let i = 1; i <= Number(process.argv[2]); i += 1) tokens.push(await signIn(`person ${i}`));
say({ issuer, token_url: `${issuer}/token`, authorize_url: `${issuer}/auth`, refresh_tokens: tokens });

for await (const line of createInterface({ input: process.stdin })) say({ event: line });
process.exit();
