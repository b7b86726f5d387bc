import { jest } from '@jest/globals';
import { createClient, renewedToken } from '../../src/client/index.js';
import { createKey, startService, type TestService } from '../support/service.js';

let latchkey: TestService;
let key: string;
beforeAll(async () => {
  latchkey = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE' } });
  key = (await createKey(latchkey, { scopes: ['read:assets', 'write:assets'] })).token;
});
afterAll(() => latchkey.close());

const MINUTE = 60_000;
let now: number;
beforeEach(() => {
  now = 1_000;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
});

/** Derives tokens of ten minutes, and counts them. */
function source() {
  const state = { calls: 0, fault: null as Error | null };
  const get = async (): Promise<string> => {
    state.calls += 1;
    if (state.fault !== null) throw state.fault;
    const { body } = await latchkey.query(
      'mutation { deriveToken(input: { scopes: ["read:assets"], ttl: "PT10M" }) { token } }',
      { token: key },
    );
    return body.data.deriveToken.token as string;
  };
  return { state, apiKey: renewedToken(get) };
}

test('a client uses one derived token for all requests, until a fifth of its lifetime remains', async () => {
  const { state, apiKey } = source();
  const client = createClient({ url: latchkey.url, apiKey, pacing: false });
  const scopes = async (): Promise<unknown> => (await client.request('{ viewer { scopes } }')).viewer.scopes;
  expect(await Promise.all([scopes(), scopes(), scopes()])).toEqual(Array(3).fill(['read:assets']));
  expect(state.calls).toBe(1);
  const first = await apiKey();
  now += 8 * MINUTE - 1;
  expect([await apiKey(), state.calls]).toEqual([first, 1]);
  now += 1;
  const second = await apiKey();
  expect([second === first, state.calls]).toEqual([false, 2]);
  await client.close();
});

test('the previous token is used until it expires if no new one can be derived', async () => {
  const { state, apiKey } = source();
  const first = await apiKey();
  state.fault = new Error('The backend is away.');
  now += 9 * MINUTE;
  expect(await apiKey()).toBe(first);
  now += MINUTE;
  await expect(apiKey()).rejects.toThrow('The backend is away.');
  state.fault = null;
  expect(await apiKey()).not.toBe(first);
});

test.each([
  undefined,
  '',
  'lks_live_x',
  'a.b.c',
  'e30.e30.',
  `e30.${btoa('{"exp":1}')}.x`,
  `e30.${btoa('{"exp":1,"iat":2}')}.x`,
])('rejects %p, which is not a derived token, and does not repeat it', async (value) => {
  const fault: unknown = await renewedToken(async () => value as never)().catch((error: unknown) => error);
  expect(fault).toBeInstanceOf(TypeError);
  expect((fault as TypeError).message).toBe(
    'renewedToken: get did not return a derived token. Return the token of deriveToken as a string.',
  );
});

test('requires a function', () => {
  expect(() => renewedToken('lks_live_x' as never)).toThrow(/renewedToken: get is a string\. Allowed: a function/);
});
