import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import Provider from 'oidc-provider';

export const AUDIENCE = 'https://api.latchkey.example/graphql';

const SCOPES = ['read:assets', 'read:all', 'write:all', 'admin', 'platform', 'email', 'not:A:scope'];
/** Claims, or fields of a header; undefined: none of this name. */
type Fields = object;

/** Who is registered there, and may get tokens by client credentials. */
export const CLIENT = { client_id: 'reporter', client_secret: 'a-client-secret-of-tests' };

export interface Issuer {
  readonly url: string;
  /** Addresses that were asked for, in turn, since the last `requests.splice(0)`. */
  readonly requests: string[];
  /** An access token by client credentials (RFC 6749 section 4.4). */
  issue(options?: { scope?: string; audience?: string; claims?: object }): Promise<string>;
  /** A token that the issuer did not make, under its key unless said otherwise, right but for what is given. */
  sign(claims?: Fields, header?: Fields, key?: CryptoKey): Promise<string>;
  /** The public key, as anybody can read it. */
  publicKey(): CryptoKey;
  /** From now on the issuer signs by another key, and knows no other. */
  rotate(): Promise<void>;
  /** Nobody answers from now on. */
  leave(): Promise<void>;
  /** Answers again, at the same address. */
  comeBack(): Promise<void>;
}

/** A real issuer on a free port of loopback. */
export async function startIssuer(alg: 'RS256' | 'PS256' | 'ES256' | 'EdDSA' = 'ES256'): Promise<Issuer> {
  const requests: string[] = [];
  let handle: ReturnType<Provider['callback']> = () => undefined;
  const listen = async (port: number): Promise<Server> => {
    const server = createServer((request, response) => {
      requests.push(request.url ?? '');
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
  const serve = async (): Promise<void> => {
    const jwk = { ...(await exportJWK(keys.privateKey)), kid: keys.kid, alg, use: 'sig' };
    handle = new Provider(url, {
      jwks: { keys: [jwk] },
      clients: [
        {
          ...CLIENT,
          grant_types: ['client_credentials'],
          redirect_uris: [],
          response_types: [],
          id_token_signed_response_alg: alg,
        },
      ],
      scopes: SCOPES,
      // Tokens are JWTs: nothing has to be kept.
      adapter: () => ({ find: () => Promise.resolve(undefined), upsert: () => Promise.resolve() }),
      ttl: { ClientCredentials: 600 },
      extraTokenClaims: () => extra,
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_: unknown, audience: string) => ({
            audience,
            scope: SCOPES.join(' '),
            accessTokenFormat: 'jwt',
            accessTokenTTL: 600,
            jwt: { sign: { alg } },
          }),
        },
      },
    }).callback();
  };
  await serve();
  return {
    url,
    requests,
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

let made = 0;

async function pair(alg: string) {
  made += 1;
  return { ...(await generateKeyPair(alg, { extractable: true })), kid: `key-${made}` };
}
