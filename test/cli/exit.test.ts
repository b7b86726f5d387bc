import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createKey, startService, type TestService } from '../support/service.js';
import { tierTable } from '../../src/core/limits/tierTable.js';
import { mintToken } from '../../src/core/keys/token.js';
import { until } from '../support/until.js';
import { expectGolden } from './golden.js';
import { latchkey } from './latchkey.js';
import { latchkeyInOneProcess } from './oneProcess.js';

let service: TestService;
let env: Record<string, string>;
beforeAll(async () => {
  service = await startService({ env: { DEFAULT_TIER: 'GROWTH' } });
  env = { LATCHKEY_URL: service.url, LATCHKEY_API_KEY: service.adminToken };
});
afterAll(() => service.close());

test.each([
  ['a mistyped command', ['kyes']],
  ['a mistyped command of a group', ['keys', 'lst']],
  ['a mistyped option', ['keys', 'list', '--sttaus', 'active']],
  ['no command', []],
  ['no command of a group', ['keys']],
  ['a missing argument', ['keys', 'show']],
  ['a missing option', ['keys', 'create', 'name']],
  ['a mistyped option that is required', ['keys', 'create', 'name', '--scope', 'admin']],
  ['a value that is none', ['keys', 'list', '--status', 'gone']],
  ['a number out of range', ['audit', 'tail', '--lines', '999999']],
  ['an option without a value', ['keys', 'list', '--status']],
  ['an argument out of range', ['limits', 'show', 'key', 'key_1']],
  ['a required option that is missing', ['keys', 'expire', 'key_1']],
  ['an empty list', ['keys', 'create', 'name', '--scopes', ',']],
  ['a moment that is none', ['keys', 'expire', 'key_1', '--at', 'tomorrow']],
  ['nothing to change', ['keys', 'update', 'key_1']],
  ['two ways to print', ['keys', 'create', 'k', '-s', 'admin', '--json', '--quiet']],
  ['what may be a secret in the wrong place', ['hunter2-hunter2']],
  ['an address that is none', ['whoami', '--url', 'ftp://example.com']],
  ['revoking without a terminal', ['keys', 'revoke', 'key_1']],
  ['a head that is none', ['audit', 'verify', '--head', '1:abc']],
  ['workers that are none', ['serve', '--workers', 'many']],
])('2: %s', async (name, args) => {
  const { status, stdout, stderr } = await latchkeyInOneProcess(args, { env });
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).not.toContain('hunter2');
  expectGolden(`usage-${name.replaceAll(' ', '-')}`, stderr);
});

test('2: a key as an argument is refused with the reason, and not printed', async () => {
  const { token } = mintToken('lks', 'LIVE');
  const mistyped = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`;
  for (const args of [
    ['whoami', token],
    ['whoami', mistyped],
    ['whoami', `--api-key=${token}`],
    ['whoami', '--api-key', 'my-operator-key'],
    ['explain', 'a.graphql', '--key', token],
    [token],
  ]) {
    const { status, stdout, stderr } = await latchkeyInOneProcess(args, { env });
    expect([status, stdout]).toEqual([2, '']);
    expectGolden('key-as-argument', stderr);
  }
});

test('2: a value of --key that may be a key is refused, and not printed', async () => {
  for (const args of [['--key=my-operator-key'], ['--key', 'Airflow']]) {
    const { status, stdout, stderr } = await latchkeyInOneProcess(['explain', 'a.graphql', ...args], { env });
    expect([status, stdout]).toEqual([2, '']);
    expectGolden('key-option', stderr);
  }
});

test('3: there is no key, or it is not accepted', async () => {
  const { LATCHKEY_URL } = env as { LATCHKEY_URL: string };
  const none = await latchkeyInOneProcess(['whoami'], { env: { LATCHKEY_URL } });
  expect(none.status).toBe(3);
  expectGolden('no-key', none.stderr);
  const { token } = mintToken('lks', 'LIVE');
  const unknown = await latchkeyInOneProcess(['whoami'], { env: { LATCHKEY_URL, LATCHKEY_API_KEY: token } });
  expect([unknown.status, unknown.stderr.includes(token)]).toEqual([3, false]);
  expectGolden('unknown-key', unknown.stderr);
  const broken = await latchkeyInOneProcess(['whoami', '--key-stdin'], { env: { LATCHKEY_URL }, input: 'sk live\n' });
  expect(broken.status).toBe(3);
  const json = await latchkeyInOneProcess(['keys', 'list', '--json'], {
    env: { LATCHKEY_URL, LATCHKEY_API_KEY: token },
  });
  expect([json.stdout, JSON.parse(json.stderr).error.code]).toEqual(['', 'UNAUTHENTICATED']);
  for (const input of ['', '\n', 'x'.repeat(100_000)]) {
    expect((await latchkeyInOneProcess(['whoami', '--key-stdin'], { env: { LATCHKEY_URL }, input })).status).toBe(2);
  }
});

test("4: the key doesn't have permission", async () => {
  const { token } = await createKey(service, { scopes: ['read:assets'] });
  const { status, stderr } = await latchkey(['keys', 'list', '--json'], { env: { ...env, LATCHKEY_API_KEY: token } });
  expect([status, JSON.parse(stderr).error]).toEqual([
    4,
    expect.objectContaining({ code: 'FORBIDDEN', exitCode: 4, missing: ['admin'] }),
  ]);
});

test('1: not found', async () => {
  const { status, stderr } = await latchkey(['keys', 'show', 'key_0000000000000000'], { env });
  expect(status).toBe(1);
  expectGolden('not-found', stderr);
});

test('5: no room within the wait; waits if waiting helps', async () => {
  // A clock that does not move by itself: the test makes room.
  let now = Date.now();
  const limited = await startService({
    env: { DEFAULT_TIER: 'GROWTH' },
    tiers: tierTable({ GROWTH: { rate: 2, burst: 2 } }),
    now: () => now,
  });
  try {
    const own = { LATCHKEY_URL: limited.url, LATCHKEY_API_KEY: limited.adminToken };
    for (let used = 0; used < 2; used += 1) expect((await limited.query('{ viewer { scopes } }')).status).toBe(200);
    const { status, stderr } = await latchkey(['whoami', '--max-wait', '30', '--json'], { env: own });
    expect([status, JSON.parse(stderr).error]).toEqual([5, expect.objectContaining({ code: 'RATE_LIMITED' })]);
    expectGolden('limited', (await latchkey(['schema', 'print', '--max-wait', '30'], { env: own })).stderr);
    // One second of the minute remains.
    now += 59_000;
    const refusals = (): number => limited.logs.filter((line) => line.includes('429')).length;
    const before = refusals();
    const waits = latchkey(['whoami', '--max-wait', '30'], { env: own });
    await until(() => refusals() > before);
    now += 2_000;
    expect((await waits).status).toBe(0);
  } finally {
    await limited.close();
  }
});

test('6: no response, or a broken server', async () => {
  const away = await latchkey(['whoami', '--max-wait', '5', '--url', 'http://127.0.0.1:9/graphql'], { env });
  expect(away.status).toBe(6);
  expectGolden('unreachable', away.stderr);
  const server = createServer((_, answer) => answer.writeHead(503).end()).listen(0, '127.0.0.1');
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await Promise.all([server, silent].map(async (one) => one.listening || (await once(one, 'listening'))));
  try {
    const portOf = (of: typeof server): number => (of.address() as AddressInfo).port;
    const down = await latchkey(
      ['keys', 'list', '--max-wait', '1', '--url', `http://127.0.0.1:${portOf(server)}/graphql`],
      { env },
    );
    expect(down.status).toBe(6);
    const mute = await latchkey(
      ['schema', 'print', '--max-wait', '1', '--url', `http://127.0.0.1:${portOf(silent)}/graphql`],
      { env },
    );
    expect(mute.status).toBe(6);
    expectGolden('no-answer', mute.stderr);
  } finally {
    server.close();
    silent.closeAllConnections();
    silent.close();
  }
});
