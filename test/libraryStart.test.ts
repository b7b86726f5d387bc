import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import {
  createLatchkey,
  Limiter,
  NO_CONFIGURATION,
  oidcConfiguration,
  openSqliteStore,
  tierTable,
} from '../src/index.js';
import type { LatchkeyOptions, Store } from '../src/index.js';
import { StoreUnavailable } from '../src/core/store/storeErrors.js';
import { startOwnApollo } from './e2e/ownApollo.js';

const NOON = Date.UTC(2026, 10, 29, 12);
const dir = mkdtempSync(join(tmpdir(), 'latchkey-'));
let store: Store;
beforeAll(async () => {
  store = await openSqliteStore({ dir });
});
afterAll(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

/** The intervals that are running. */
const open = new Set<unknown>();
let ticks: (() => void)[] = [];
beforeEach(() => {
  open.clear();
  ticks = [];
  const { setInterval: start, clearInterval: end } = globalThis;
  jest.spyOn(globalThis, 'setInterval').mockImplementation(((tick: () => void, ms: number) => {
    const timer = start(tick, ms);
    ticks.push(tick);
    open.add(timer);
    return timer;
  }) as never);
  jest.spyOn(globalThis, 'clearInterval').mockImplementation((timer) => {
    open.delete(timer);
    end(timer);
  });
});
afterEach(() => jest.restoreAllMocks());

/** Results of a clock that are not times, or not in milliseconds. */
const NO_TIMES: readonly (readonly [string, () => unknown])[] = [
  ['NaN', () => NaN],
  ['undefined', () => undefined],
  ['null', () => null],
  ['a Date', () => new Date()],
  ['text', () => String(Date.now())],
  ['ISO text', () => new Date().toISOString()],
  ['a BigInt', () => BigInt(Date.now())],
  ['-Infinity', () => -Infinity],
  ['Infinity', () => Infinity],
  ['a Promise', () => Promise.reject(new Error('late'))],
  ['a Symbol', () => Symbol('now')],
  ['an object that says a number', () => ({ valueOf: () => Date.now() })],
  [
    'an error',
    () => {
      throw new Error('clock');
    },
  ],
];

test.each([...NO_TIMES, ['seconds', () => Date.now() / 1000] as const])(
  'U1: createLatchkey refuses a clock that returns %s, and starts nothing',
  async (_, now) => {
    await expect(createLatchkey({ store, now: now as () => number })).rejects.toThrow(
      /^createLatchkey: now has (returned|thrown) .+\. It must return milliseconds since 1970 as a finite number/,
    );
    expect(ticks).toHaveLength(0);
  },
);

test.each(NO_TIMES)('U1: Limiter refuses a clock that returns %s, and starts nothing', (_, clock) => {
  expect(() => new Limiter({ clock: clock as () => number })).toThrow(
    /^Limiter: clock has (returned|thrown) .+\. It must return milliseconds as a finite number/,
  );
  expect(ticks).toHaveLength(0);
});

test('U1: a clock that fails later refuses requests, and its timer does not throw', async () => {
  let ran = 0;
  let now: () => unknown = () => NOON;
  const service = await startOwnApollo({
    typeDefs: 'extend type Query { orders: Int @auth(scope: "read:orders") }',
    resolvers: { Query: { orders: () => (ran += 1) } },
    latchkey: { now: () => now() as number },
  });
  const day = new Date(NOON + 86_400_000).toISOString();
  const { body } = await service.query(
    `mutation { createApiKey(input: { name: "n", scopes: ["read:orders"], expiresAt: "${day}" }) { token } }`,
  );
  const { token } = (body.data as unknown as { readonly createApiKey: { readonly token: string } }).createApiKey;
  expect((await service.query('{ orders }', { token })).status).toBe(200);
  for (const [, wrong] of NO_TIMES) {
    now = wrong;
    const answer = await service.query('{ orders }', { token });
    expect([answer.status, answer.body.errors?.[0]?.extensions?.code]).toEqual([503, 'UNAVAILABLE']);
    for (const tick of ticks) tick();
  }
  now = () => NOON + 2 * 86_400_000;
  expect((await service.query('{ orders }', { token })).status).toBe(401);
  now = () => NOON;
  expect((await service.query('{ orders }', { token })).status).toBe(200);
  expect(ran).toBe(2);
  await service.close();
  expect(open.size).toBe(0);
});

const broken = (part: 'workspaces' | 'keys', method: string) => ({
  store: {
    ...store,
    [part]: new Proxy(store[part], {
      get: (target, name) =>
        name === method
          ? () => Promise.reject(new StoreUnavailable(new Error('away')))
          : (Reflect.get(target, name) as unknown),
    }),
  },
});

test.each<[string, () => Partial<LatchkeyOptions>]>([
  ['two tables of tiers', () => ({ tiers: tierTable(), limits: new Limiter() })],
  [
    'a workspace that does not exist',
    () => ({
      configuration: {
        ...NO_CONFIGURATION,
        oidc: oidcConfiguration({ issuer: 'https://issuer.example', audience: 'a', workspace: 'none' }),
      },
    }),
  ],
  ['a store that is away', () => broken('keys', 'nextLookupId')],
])('U1: a start that fails because of %s leaves no timer', async (_, options) => {
  const given = options();
  const before = open.size;
  await expect(createLatchkey({ store, ...given })).rejects.toThrow();
  expect(open.size).toBe(before);
  await given.limits?.close();
});

test('U1: a start that succeeds ends its timers in close', async () => {
  const latchkey = await createLatchkey({ store, now: () => NOON });
  expect(open.size).toBeGreaterThan(0);
  await latchkey.close();
  expect(open.size).toBe(0);
});
