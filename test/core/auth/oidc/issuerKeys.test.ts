import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { decodeProtectedHeader, exportJWK, generateKeyPair, type JWTHeaderParameters } from 'jose';
import { IssuerKeys } from '../../../../src/core/auth/oidc/issuerKeys.js';
import { startIssuer, type Issuer } from '../../../support/issuer.js';
import { until } from '../../../support/until.js';

const DISCOVERY = '/.well-known/openid-configuration';
const AWAY = { details: { code: 'UNAVAILABLE', retryAfter: 5 } };
const MINUTE = 60_000;

let issuer: Issuer;
let clock: { now: number };
let keys: IssuerKeys;
const now = (): number => clock.now;

beforeEach(async () => {
  issuer = await startIssuer();
  clock = { now: 1_000_000 };
  keys = new IssuerKeys({ issuer: issuer.url, jwksUri: null, now });
});
afterEach(() => issuer.leave());

/** Returns the header of a token that the issuer signs now. */
async function header(): Promise<JWTHeaderParameters> {
  const found = decodeProtectedHeader(await issuer.sign()) as JWTHeaderParameters;
  issuer.requests.splice(0);
  return found;
}

test('are found by discovery, once for all concurrent requests, and cached', async () => {
  const known = await header();
  await Promise.all(Array.from({ length: 100 }, () => keys.find(known)));
  clock.now += 10 * MINUTE - 1;
  await keys.find(known);
  expect(issuer.requests).toEqual([DISCOVERY, '/jwks']);
});

test('are read from the configured address without discovery', async () => {
  const known = await header();
  await new IssuerKeys({ issuer: issuer.url, jwksUri: `${issuer.url}/jwks`, now }).find(known);
  expect(issuer.requests).toEqual(['/jwks']);
});

test('are read again for an unknown key, at most once in 30 seconds', async () => {
  await keys.find(await header());
  await issuer.rotate();
  const rotated = await header();
  clock.now += 30_000;
  await keys.find(rotated);
  expect(issuer.requests).toEqual([DISCOVERY, '/jwks']);
  for (let i = 0; i < 50; i++) {
    clock.now += 500;
    await expect(keys.find({ alg: 'ES256', kid: `guess-${i}` })).rejects.toMatchObject({
      code: 'ERR_JWKS_NO_MATCHING_KEY',
    });
  }
  expect(issuer.requests).toHaveLength(2);
});

test('are read again in the background after ten minutes, so that a removed key is no longer accepted', async () => {
  const known = await header();
  await keys.find(known);
  await issuer.rotate();
  clock.now += 10 * MINUTE;
  await keys.find(known);
  await until(() => issuer.requests.length === 4);
  await until(() =>
    keys.find(known).then(
      () => false,
      () => true,
    ),
  );
  expect(issuer.requests).toHaveLength(4);
});

test('stay valid for a day while the issuer is unavailable', async () => {
  const known = await header();
  await keys.find(known);
  await issuer.leave();
  for (let hour = 1; hour < 24; hour++) {
    clock.now += 60 * MINUTE;
    await keys.find(known);
  }
  clock.now += 60 * MINUTE;
  await expect(keys.find(known)).rejects.toMatchObject(AWAY);
  await issuer.comeBack();
  await expect(keys.find(known)).rejects.toMatchObject(AWAY);
  clock.now += 5_000;
  await keys.find(known);
});

test('are requested from an unavailable issuer once in five seconds, and the refusal has the cause for the log', async () => {
  const known = await header();
  await issuer.leave();
  const refusal: unknown = await keys.find(known).catch((error: unknown) => error);
  expect(refusal).toMatchObject(AWAY);
  expect(String((refusal as Error).cause)).toContain('fetch failed');
  await issuer.comeBack();
  for (let i = 0; i < 20; i++) await expect(keys.find(known)).rejects.toMatchObject(AWAY);
  expect(issuer.requests).toEqual([]);
  clock.now += 5_000;
  await keys.find(known);
  expect(issuer.requests).toEqual([DISCOVERY, '/jwks']);
});

test('nobody has to wait for a clock that was set back', async () => {
  const known = await header();
  await issuer.leave();
  await expect(keys.find(known)).rejects.toMatchObject(AWAY);
  await issuer.comeBack();
  clock.now -= 60 * MINUTE;
  await keys.find(known);
});

describe('an invalid response makes the issuer unavailable', () => {
  const answers: [string, (url: string) => RequestListener][] = [
    [
      'another issuer',
      () => (_, response) => response.end('{"issuer":"https://other.example","jwks_uri":"https://other.example/jwks"}'),
    ],
    ['no address of keys', (url) => (_, response) => response.end(JSON.stringify({ issuer: url }))],
    [
      'keys over plain http elsewhere',
      (url) => (_, response) => response.end(JSON.stringify({ issuer: url, jwks_uri: 'http://other.example/jwks' })),
    ],
    ['null', () => (_, response) => response.end('null')],
    ['no JSON', () => (_, response) => response.end('<html>')],
    ['an error', () => (_, response) => response.writeHead(500).end('{}')],
    ['a redirection', () => (_, response) => response.writeHead(302, { location: 'https://other.example' }).end()],
    [
      'without end',
      () => (_, response) => {
        const more = (): void => {
          while (response.write(' '.repeat(64_000)));
          response.once('drain', more);
        };
        more();
      },
    ],
    [
      'no keys',
      (url) => (request, response) =>
        response.end(
          request.url === DISCOVERY ? JSON.stringify({ issuer: url, jwks_uri: `${url}/jwks` }) : '{"keys":1}',
        ),
    ],
  ];
  it.each(answers)('%s', async (_, listener) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', listener(url));
    try {
      const wrong = new IssuerKeys({ issuer: url, jwksUri: null, now });
      await expect(wrong.find({ alg: 'RS256' })).rejects.toMatchObject(AWAY);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

test('uses the discovery document below the path of an issuer with a trailing slash', async () => {
  const { publicKey } = await generateKeyPair('ES256');
  const jwk = await exportJWK(publicKey);
  const asked: string[] = [];
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.on('request', (request, response) => {
    asked.push(request.url ?? '');
    const document = { issuer: `${url}/tenant/`, jwks_uri: `${url}/keys` };
    response.end(JSON.stringify(request.url === '/keys' ? { keys: [jwk] } : document));
  });
  try {
    await new IssuerKeys({ issuer: `${url}/tenant/`, jwksUri: null, now }).find({ alg: 'ES256' });
    expect(asked).toEqual([`/tenant${DISCOVERY}`, '/keys']);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
