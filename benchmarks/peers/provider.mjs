// node-oidc-provider as a token endpoint and nothing else: what the client_credentials and refresh rows are measured
// against. Access tokens are JWTs signed with ES256, everything is kept in memory, and the optional work that tallystick
// would not do for the same answer is left out: no ID token, no client secret for the public client.
//
// node provider.mjs PORT. Its interaction finishes by itself, so that the authorization code flow
// gives refresh tokens without a browser.

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';

const RESOURCE = 'https://notes.example';
const SCOPE = 'notes:read';
const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;

// The cheapest store there is: plain maps that forget nothing. (The bundled adapter walks all tokens of a grant at each
// write, which a rotation repeated thousands of times would pay for and a real client would not.)
class Maps {
  static rows = new Map();
  static grants = new Map();
  static uids = new Map();

  constructor(model) {
    this.model = model;
  }

  key(id) {
    return `${this.model}:${id}`;
  }

  async upsert(id, payload) {
    const key = this.key(id);
    Maps.rows.set(key, payload);
    if (payload.uid) Maps.uids.set(payload.uid, key);
    if (payload.grantId) {
      const members = Maps.grants.get(payload.grantId);
      if (members === undefined) Maps.grants.set(payload.grantId, new Set([key]));
      else members.add(key);
    }
  }

  async find(id) {
    return Maps.rows.get(this.key(id));
  }

  async findByUid(uid) {
    return Maps.rows.get(Maps.uids.get(uid));
  }

  async findByUserCode() {
    return undefined;
  }

  async consume(id) {
    Maps.rows.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    Maps.rows.delete(this.key(id));
  }

  async revokeByGrantId(grantId) {
    for (const key of Maps.grants.get(grantId) ?? []) Maps.rows.delete(key);
    Maps.grants.delete(grantId);
  }
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const provider = new Provider(issuer, {
  adapter: process.argv[3] === 'bundled' ? undefined : Maps,
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'bench' }] },
  cookies: { keys: ['benchmarks only'] },
  clients: [
    {
      client_id: 'service',
      client_secret: 'a-secret-of-the-benchmark-only-0123456789',
      grant_types: ['client_credentials'],
      id_token_signed_response_alg: 'ES256',
      redirect_uris: [],
      response_types: [],
    },
    {
      client_id: 'app',
      grant_types: ['authorization_code', 'refresh_token'],
      id_token_signed_response_alg: 'ES256',
      redirect_uris: ['https://app.example/callback'],
      token_endpoint_auth_method: 'none',
    },
  ],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        accessTokenFormat: 'jwt',
        accessTokenTTL: 600,
        audience: RESOURCE,
        jwt: { sign: { alg: 'ES256' } },
        scope: SCOPE,
      }),
    },
  },
  findAccount: (ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  issueRefreshToken: () => true,
  loadExistingGrant: async (ctx) => {
    const grant = new provider.Grant({
      accountId: ctx.oidc.session.accountId,
      clientId: ctx.oidc.client.clientId,
    });
    grant.addResourceScope(RESOURCE, SCOPE);
    await grant.save();
    return grant;
  },
  rotateRefreshToken: true,
  ttl: { ClientCredentials: 600, RefreshToken: 86400, Grant: 86400, Session: 86400, Interaction: 600 },
});

const answer = provider.callback();

async function finishInteraction(request, response) {
  const person = `person-${request.url.split('/').pop()}`;
  await provider.interactionFinished(request, response, { login: { accountId: person } });
}

createServer((request, response) =>
  request.url.startsWith('/interaction/') ? finishInteraction(request, response) : answer(request, response),
).listen(port, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
