// A certified OpenID Connect provider (https://github.com/panva/node-oidc-provider) for the tests, in memory.
//
//   node provider.mjs '{"port": 9400, "redirectUris": ["http://…/callback"], "users": {"g-1": {"email": "…"}}}'
//
// It requires PKCE, logs in by its own pages, and knows a user by whatever is typed as the login. `POST /rotate` gives it
// new signing keys. `POST /falsify` with claims makes it sign these into the ID tokens that follow, with its right key:
// what a client must refuse although the signature holds.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { SignJWT, decodeJwt, importJWK } from 'jose';
import { Provider } from 'oidc-provider';

const { port, redirectUris, users } = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const client = { redirect_uris: redirectUris, grant_types: ['authorization_code'], response_types: ['code'] };
let falsified = {};

function newKey(alg, type, options) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg };
}

function newProvider() {
  const key = newKey('RS256', 'rsa', { modulusLength: 2048 });
  const provider = new Provider(issuer, {
    clients: [
      { ...client, client_id: 'sshore', client_secret: 'between us' },
      { ...client, client_id: 'sshore-public', token_endpoint_auth_method: 'none', id_token_signed_response_alg: 'ES256' },
    ],
    jwks: { keys: [key, newKey('ES256', 'ec', { namedCurve: 'P-256' })] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
    claims: { openid: ['sub'], profile: ['preferred_username', 'name'], email: ['email'] },
    findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...users[sub] }) }),
  });
  provider.use(async (context, next) => {
    await next();
    const { body } = context;
    if (context.path === '/token' && body.id_token && Object.keys(falsified).length) {
      body.id_token = await new SignJWT({ ...decodeJwt(body.id_token), ...falsified })
        .setProtectedHeader({ alg: key.alg, kid: key.kid }).sign(await importJWK(key, key.alg));
    }
  });
  return provider.callback();
}

let serve = newProvider();
const controls = {
  '/rotate': () => { serve = newProvider(); },
  '/falsify': async (request) => { falsified = await json(request); },
};
createServer(async (request, response) => {
  if (!(request.url in controls)) return serve(request, response);
  await controls[request.url](request);
  return response.end();
}).listen(port, '127.0.0.1');
