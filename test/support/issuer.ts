import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import Provider from 'oidc-provider';

export const AUDIENCE = 'https://api.latchkey.example/graphql';

const SCOPES = ['read:assets', 'read:all', 'write:all', 'admin', 'platform', 'email', 'not:A:scope'];
/** Claims, or fields of a header; undefined: none of this name. */
type Fields = object;

/** A registered client, which can get tokens by client credentials. */
export const CLIENT = { client_id: 'reporter', client_secret: 'a-client-secret-of-tests' };

/** The client that the dashboard uses for sign-in. */
export const DASHBOARD_CLIENT = 'dashboard';

/** The properties of tokens that users get. */
export interface TokensOfPeople {
  audience: string;
  /** In seconds. */
  lifetime: number;
  /** Whether users also get a refresh token. */
  refresh: boolean;
}

export interface Issuer {
  readonly url: string;
  readonly people: TokensOfPeople;
  /** Lets users sign in to the dashboard at this origin, and forgets earlier sign-ins. */
  allowDashboard(origin: string): Promise<void>;
  /** Requested addresses in order, since the last `requests.splice(0)`. */
  readonly requests: string[];
  /** The addresses of {@link requests} that got a response. */
  readonly answered: string[];
  /** An access token by client credentials (RFC 6749 section 4.4). */
  issue(options?: { scope?: string; audience?: string; claims?: object }): Promise<string>;
  /**
   * Returns a token that the issuer did not create: valid except for the given claims and fields, and signed with the
   * issuer's key by default.
   */
  sign(claims?: Fields, header?: Fields, key?: CryptoKey): Promise<string>;
  /** The published public key. */
  publicKey(): CryptoKey;
  /** Replaces the issuer's signing key. */
  rotate(): Promise<void>;
  /** Stops responding. */
  leave(): Promise<void>;
  /** Responds again, at the same address. */
  comeBack(): Promise<void>;
}

/** A real issuer on a free port of loopback. */
export async function startIssuer(alg: 'RS256' | 'PS256' | 'ES256' | 'EdDSA' = 'ES256'): Promise<Issuer> {
  const requests: string[] = [];
  const answered: string[] = [];
  let handle: ReturnType<Provider['callback']> = () => undefined;
  const listen = async (port: number): Promise<Server> => {
    const server = createServer((request, response) => {
      const { url: path = '' } = request;
      requests.push(path);
      response.on('finish', () => answered.push(path));
      handle(request, response);
    }).listen(port, '127.0.0.1');
    await once(server, 'listening');
    return server;
  };
  let server = await listen(0);
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  let keys = await pair(alg);
  let extra: object = {};
  let dashboard: string | null = null;
  const people: TokensOfPeople = { audience: AUDIENCE, lifetime: 600, refresh: true };
  const serve = async (): Promise<void> => {
    const jwk = { ...(await exportJWK(keys.privateKey)), kid: keys.kid, alg, use: 'sig' };
    const provider = new Provider(url, {
      jwks: { keys: [jwk] },
      clients: [
        {
          ...CLIENT,
          grant_types: ['client_credentials'],
          redirect_uris: [],
          response_types: [],
          id_token_signed_response_alg: alg,
        },
        ...(dashboard === null
          ? []
          : [
              {
                client_id: DASHBOARD_CLIENT,
                token_endpoint_auth_method: 'none',
                grant_types: ['authorization_code', 'refresh_token'],
                response_types: ['code'],
                redirect_uris: [`${dashboard}/dashboard/callback`],
                post_logout_redirect_uris: [`${dashboard}/dashboard/`],
                id_token_signed_response_alg: alg,
              },
            ]),
      ],
      scopes: SCOPES,
      // Tokens are JWTs, so nothing must be stored, unless users sign in.
      ...(dashboard === null && {
        adapter: () => ({ find: () => Promise.resolve(undefined), upsert: () => Promise.resolve() }),
      }),
      findAccount: (_: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
      issueRefreshToken: () => people.refresh,
      interactions: { url: (_: unknown, { uid }: { readonly uid: string }) => `/interaction/${uid}` },
      cookies: { keys: ['a-cookie-key-of-tests'] },
      ttl: { ClientCredentials: 600 },
      extraTokenClaims: () => extra,
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        revocation: { enabled: true },
        resourceIndicators: {
          enabled: true,
          useGrantedResource: () => true,
          getResourceServerInfo: (_: unknown, audience: string, { clientId }: { readonly clientId: string }) => ({
            audience: clientId === DASHBOARD_CLIENT ? people.audience : audience,
            scope: SCOPES.join(' '),
            accessTokenFormat: 'jwt',
            accessTokenTTL: clientId === DASHBOARD_CLIENT ? people.lifetime : 600,
            jwt: { sign: { alg } },
          }),
        },
      },
    });
    const answer = provider.callback();
    handle = (request, response) => {
      if (request.url?.startsWith('/interaction/') === true) void interact(provider, request, response);
      else answer(request, response);
    };
  };
  await serve();
  return {
    url,
    requests,
    answered,
    people,
    async allowDashboard(origin) {
      dashboard = origin;
      await serve();
    },
    async issue({ scope = 'read:assets', audience = AUDIENCE, claims = {} } = {}) {
      extra = claims;
      const response = await fetch(`${url}/token`, {
        method: 'POST',
        body: new URLSearchParams({ ...CLIENT, grant_type: 'client_credentials', scope, resource: audience }),
      });
      const text = await response.text();
      if (response.status !== 200) throw new Error(`The issuer refused: ${text}`);
      return (JSON.parse(text) as { access_token: string }).access_token;
    },
    async sign(claims = {}, header = {}, key = keys.privateKey) {
      const now = Math.floor(Date.now() / 1_000);
      const right = { iss: url, aud: AUDIENCE, sub: 'somebody', client_id: 'reporter', scope: 'read:assets', iat: now };
      const payload = { ...right, exp: now + 600, ...claims };
      return new SignJWT(JSON.parse(JSON.stringify(payload)))
        .setProtectedHeader({ alg, ...JSON.parse(JSON.stringify({ typ: 'at+jwt', kid: keys.kid, ...header })) })
        .sign(key);
    },
    publicKey: () => keys.publicKey,
    async rotate() {
      keys = await pair(alg);
      await serve();
    },
    async leave() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
    async comeBack() {
      server = await listen(port);
    },
  };
}

const LOGIN = `<!doctype html><html lang="en"><title>Issuer</title><form method="post">
<label>Name <input name="name"></label><button name="do" value="in">Log in</button><button name="do" value="not">Deny</button></form>`;

/** Asks users for their name, and not for consent. */
async function interact(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === 'consent') {
    const grant = new provider.Grant({ accountId: session?.accountId ?? '', clientId: DASHBOARD_CLIENT });
    grant.addOIDCScope(params.scope ?? '');
    grant.addResourceScope(params.resource ?? AUDIENCE, params.scope ?? '');
    await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
    return;
  }
  if (request.method !== 'POST') {
    response.setHeader('content-type', 'text/html').end(LOGIN);
    return;
  }
  let text = '';
  for await (const part of request.setEncoding('utf8')) text += part as string;
  const form = new URLSearchParams(text);
  const result = form.get('do') === 'in' ? { login: { accountId: form.get('name') } } : { error: 'access_denied' };
  await provider.interactionFinished(request, response, result);
}

let made = 0;

async function pair(alg: string) {
  made += 1;
  return { ...(await generateKeyPair(alg, { extractable: true })), kid: `key-${made}` };
}
