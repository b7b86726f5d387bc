import { createClient, Forbidden, Invalid, type Client } from '../../src/client/index.js';
import { createKey, startService, type TestService } from '../support/service.js';

let latchkey: TestService;
let verifier: Client;
let reader: { token: string; id: string };
beforeAll(async () => {
  latchkey = await startService();
  const { token: apiKey } = await createKey(latchkey, { scopes: ['verify:keys'] });
  verifier = createClient({ url: latchkey.url, apiKey });
  reader = await createKey(latchkey, { scopes: ['read:assets'] });
});
afterAll(async () => {
  await verifier.close();
  await latchkey.close();
});

test('verify returns whether a token is active, with its key or the reason', async () => {
  const { verify } = verifier;
  expect(await verify(reader.token, { scope: 'read:assets', cost: 1, address: '203.0.113.7' })).toMatchObject({
    active: true,
    key_id: reader.id,
    scope: 'read:assets',
  });
  const { limits } = await verify(reader.token, { cost: 1 });
  expect([limits?.rate.window, limits?.burst.remaining, limits?.quotas]).toEqual([60, expect.any(Number), undefined]);
  expect(await verify(reader.token, { scope: 'write:assets' })).toMatchObject({
    active: false,
    reason: 'insufficient_scope',
    missing_scope: 'write:assets',
  });
  expect(await verify('lks_live_wrong')).toEqual({ active: false });
});

test('verify finds /v1/verify from the address of key management, too', async () => {
  const { token: apiKey } = await createKey(latchkey, { scopes: ['verify:keys'] });
  const client = createClient({ url: latchkey.url.replace(/graphql$/, 'admin/graphql'), apiKey });
  expect(await client.verify(reader.token)).toMatchObject({ active: true, key_id: reader.id });
  await client.close();
});

test('verify is not delayed by the limits of the key of the client, which it does not use', async () => {
  const results = await Promise.all(Array.from({ length: 100 }, () => verifier.verify(reader.token)));
  expect(results.every(({ active }) => active)).toBe(true);
});

test('verify rejects with the error of the response, and for invalid arguments before a request', async () => {
  const failure = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);
  const other = createClient({ url: latchkey.url, apiKey: reader.token });
  const forbidden = await failure(other.verify(reader.token));
  expect(forbidden).toBeInstanceOf(Forbidden);
  expect(forbidden).toMatchObject({ code: 'FORBIDDEN', status: 403, missing: ['verify:keys'] });
  await other.close();
  expect(await failure(verifier.verify(reader.token, { address: 'nonsense' }))).toBeInstanceOf(Invalid);
  for (const call of [
    () => verifier.verify(''),
    () => verifier.verify(reader.token, { cost: -1 }),
    () => verifier.verify(reader.token, { scopes: 'admin' } as never),
  ]) {
    expect(await failure(call())).toBeInstanceOf(TypeError);
  }
  const signal = AbortSignal.abort(new Error('enough'));
  expect(await failure(verifier.verify(reader.token, { signal }))).toMatchObject({ message: 'enough' });
});
