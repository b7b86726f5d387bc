import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { tierTable } from '../../src/core/limits/tierTable.js';
import { startFrozen, type FrozenService } from './frozen.js';
import { statusWith } from './operations.js';

let latchkey: FrozenService;
// Broken requests count too, and the clock does not move.
const WIDE = { rate: 1e6, burst: 1e6 };
const tiers = tierTable({ ENTERPRISE: WIDE, ANONYMOUS: WIDE });
beforeAll(async () => void (latchkey = await startFrozen({ env: { DEFAULT_TIER: 'ENTERPRISE' }, tiers })));
afterAll(() => latchkey.close());

/**
 * Writes bytes to the port and returns the response, until the server closes the connection or sends nothing for this
 * time in ms.
 */
function send(parts: readonly (string | Buffer)[], { pause = 0, patience = 20_000 } = {}): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(latchkey.origin).port), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
    socket.setTimeout(patience, () => socket.destroy());
    void (async () => {
      for (const part of parts) {
        if (socket.destroyed) return;
        socket.write(part);
        if (pause > 0) await delay(pause);
      }
    })();
  });
}

/** Status codes of the answers on one connection. */
const statusesIn = (text: string): number[] =>
  [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, code]) => Number(code));

const request = (token: string): string => {
  const body = '{"query":"{ viewer { scopes } }"}';
  return `POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
};

async function expectAlive(): Promise<void> {
  expect((await fetch(`${latchkey.origin}/healthz`)).status).toBe(200);
  expect(await statusWith(latchkey, latchkey.adminToken)).toBe(200);
}

test('a complete request over a raw socket gets a response', async () => {
  expect(statusesIn(await send([request(latchkey.adminToken)]))).toEqual([200]);
});

test.each<[string, string, number[]]>([
  ['no HTTP', 'GARBAGE\r\n\r\n', [400]],
  ['TLS where there is none', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', [400]],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400]],
  ['no host', 'GET /healthz HTTP/1.1\r\n\r\n', [400]],
  ['two lengths', 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}', [400]],
  [
    'a length and chunks',
    'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    [400],
  ],
  ['a negative length', 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', [400]],
  [
    'a chunk of no size',
    'POST /graphql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nZZ\r\n',
    [400],
  ],
  ['a header of no name', 'GET /healthz HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n', [400]],
  ['a space before the colon', 'GET /healthz HTTP/1.1\r\nHost: x\r\nX-API-Key : y\r\n\r\n', [400]],
  ['NUL in a header', 'GET /healthz HTTP/1.1\r\nHost: x\r\nX-API-Key: a\0b\r\n\r\n', [400]],
  ['a method of no name', 'FOO /graphql HTTP/1.1\r\nHost: x\r\n\r\n', [400]],
  ['headers of 20,000 bytes', `GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, [431]],
  ['a host that is none', 'GET /graphql?query={k} HTTP/1.1\r\nHost: a b#\r\nConnection: close\r\n\r\n', [400]],
  ['an empty host', 'GET /graphql?query={k} HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n', [400]],
  ['an escape that is none', 'GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', [400]],
  ['CONNECT', 'CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n', []],
  ['nothing', '', []],
])('%s', async (_, text, statuses) => {
  const answer = await send([Buffer.from(text, 'latin1')], { patience: text === '' ? 500 : 20_000 });
  expect(statusesIn(answer)).toEqual(statuses);
  expect(answer).not.toMatch(/\bat .*\.[jt]s:\d|node_modules/);
  await expectAlive();
});

// rawHeaders contains both; Node's `headers` only has the first.
test('two Authorization fields with different keys get 400, with the same key they count as one', async () => {
  const double = (second: string): string =>
    request(latchkey.adminToken).replace('Content-Type', `AUTHORIZATION: ${second}\r\nContent-Type`);
  expect(statusesIn(await send([double('Bearer other')]))).toEqual([400]);
  expect(statusesIn(await send([double(`Api-Key ${latchkey.adminToken}`)]))).toEqual([200]);
});

test('a thousand requests with a few bytes changed, cut or doubled: never a 5xx, and the server survives', async () => {
  const whole = Buffer.from(request(latchkey.adminToken));
  const mutation = fc.tuple(
    fc.constantFrom('flip', 'cut', 'double', 'insert'),
    fc.nat(whole.length - 1),
    fc.integer({ min: 0, max: 255 }),
  );
  const mutated = fc.array(mutation, { minLength: 1, maxLength: 3 }).map((mutations) =>
    mutations.reduce<Buffer>((bytes, [kind, at, byte]) => {
      const i = Math.min(at, bytes.length);
      switch (kind) {
        case 'flip':
          return Buffer.concat([bytes.subarray(0, i), Buffer.from([byte]), bytes.subarray(i + 1)]);
        case 'cut':
          return bytes.subarray(0, i);
        case 'double':
          return Buffer.concat([bytes, bytes.subarray(i)]);
        case 'insert':
          return Buffer.concat([bytes.subarray(0, i), Buffer.from([byte]), bytes.subarray(i)]);
      }
    }, whole),
  );
  const samples = fc.sample(mutated, { seed: 7, numRuns: 1000 });
  const seen = new Set<number>();
  for (let i = 0; i < samples.length; i += 250) {
    latchkey.pass(1_000);
    const answers = await Promise.all(samples.slice(i, i + 250).map((bytes) => send([bytes], { patience: 500 })));
    for (const answer of answers) for (const status of statusesIn(answer)) seen.add(status);
  }
  expect([...seen].filter((status) => status >= 500)).toEqual([]);
  expect(seen.has(400)).toBe(true);
  latchkey.pass(60_000);
  await expectAlive();
});

describe('bodies', () => {
  const head = (more: string): string =>
    `POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: ${latchkey.adminToken}\r\nContent-Type: application/json\r\n${more}\r\n\r\n`;

  it('that arrive slowly get a response when they are complete', async () => {
    const text = request(latchkey.adminToken);
    const parts = [text.slice(0, 40), text.slice(40, 200), text.slice(200, -5), text.slice(-5)];
    expect(statusesIn(await send(parts, { pause: 50 }))).toEqual([200]);
  });

  it('that never arrive block nobody', async () => {
    const waiting = Array.from({ length: 50 }, () =>
      send([head('Content-Length: 100'), '{'], { patience: 400, pause: 300 }),
    );
    await expectAlive();
    for (const answer of await Promise.all(waiting))
      expect(statusesIn(answer).filter((status) => status >= 500)).toEqual([]);
    await expectAlive();
  });

  it('that are too large by their length get 413 before they are read', async () => {
    expect(statusesIn(await send([head('Content-Length: 10000000')]))).toEqual([413]);
  });

  it('that are too large by their chunks get 413', async () => {
    const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`;
    expect(
      statusesIn(await send([head('Transfer-Encoding: chunked'), ...Array.from({ length: 6 }, () => chunk)])),
    ).toEqual([413]);
  });

  it('without a valid key are not awaited', async () => {
    const bad = head('Content-Length: 100').replace(latchkey.adminToken, 'nonsense');
    expect(statusesIn(await send([bad]))).toEqual([401]);
  });
});
