import { answerOf, createKey, startService, type TestService } from '../../support/service.js';
import { attempt, refusalOf } from '../../e2e/operations.js';

/** A message that a driver might produce, and that must not be sent to callers. */
const SECRET = 'mongodb://root:hunter2@10.0.0.5:27017 failed at /srv/app/node_modules/driver/index.js:42';

const GENERIC =
  "Something went wrong on the server. Try again; if it happens again, give the operator this response's X-Request-Id.";

const LEAKS = /hunter2|10\.0\.0\.5|node_modules|\bat [\w.<>]+ \(|TypeError|SQLITE|stack|libsql|mongoose/i;

let latchkey: TestService;
let token: string;
beforeEach(async () => {
  latchkey = await startService({ storeThreads: true, env: { DEFAULT_TIER: 'ENTERPRISE' } });
  token = (await createKey(latchkey, { scopes: ['admin'] })).token;
});
afterEach(() => latchkey.close());

/** Makes one operation of the running service's store fail unexpectedly. */
function breakStore<Part extends 'keys' | 'workspaces'>(
  part: Part,
  operation: keyof TestService['service']['store'][Part],
  fault: () => unknown = () => {
    throw new TypeError(SECRET);
  },
): void {
  Object.assign(latchkey.service.store[part], { [operation]: fault });
}

const logged = (): string => latchkey.logs.filter((line) => JSON.parse(line).level >= 50).join('');

describe('an unexpected error', () => {
  it.each([
    ['thrown', undefined],
    ['a promise of it', () => Promise.reject(new TypeError(SECRET))],
  ])('in a resolver (%s) is reported without details', async (_, fault) => {
    breakStore('keys', 'list', fault);
    const answer = await latchkey.query('{ apiKeys { totalCount } viewer { scopes } }', { token });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      data: { apiKeys: null, viewer: { scopes: ['admin'] } },
      errors: [{ message: GENERIC, path: ['apiKeys'], extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
    });
    // The log contains it, under the request ID that the caller has.
    expect(logged()).toContain('hunter2');
    expect(logged()).toContain(answer.headers.get('x-request-id'));
    expect(logged()).not.toContain(token);
  });

  it('while reading the key denies access: 503, and no resolver runs', async () => {
    breakStore('keys', 'findForVerification');
    const answer = await attempt(latchkey, 'createApiKey', { name: 'x', scopes: ['read:all'] }, token);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(refusalOf(answer)).toEqual({ code: 'UNAVAILABLE', retryAfter: 1 });
    expect(answer.text).not.toMatch(LEAKS);
    expect(logged()).toContain('hunter2');
    expect(logged()).not.toContain(token);
  });

  it('in a mutation leaves no partial change', async () => {
    breakStore('keys', 'insert', () => Promise.reject(new TypeError(SECRET)));
    const answer = await attempt(latchkey, 'createApiKey', { name: 'half', scopes: ['read:all'] }, token);
    expect(answer.text).not.toMatch(LEAKS);
    expect(answer.text).not.toMatch(/lks_live/);
    const { body } = await latchkey.query('{ apiKeys(filter: { nameContains: "half" }) { totalCount } }', { token });
    expect(body.data.apiKeys.totalCount).toBe(0);
  });

  it('that is not an Error object is hidden as well', async () => {
    breakStore('keys', 'list', () => {
      // oxlint-disable-next-line typescript/only-throw-error -- Drivers do.
      throw SECRET;
    });
    const answer = await latchkey.query('{ apiKeys { totalCount } }', { token });
    expect(refusalOf(answer)).toEqual({ code: 'INTERNAL_SERVER_ERROR' });
    expect(answer.text).not.toMatch(LEAKS);
  });
});

describe('an unavailable store', () => {
  beforeEach(() => latchkey.service.store.close());

  // A comparable limiter fails open when its store is unavailable.
  it('fails closed: 503 with Retry-After for any request, without messages of the driver', async () => {
    for (const query of [
      '{ viewer { scopes } }',
      '{ tiers { tier } }',
      'mutation { revokeApiKey(input: { id: "x" }) { apiKey { id } } }',
    ]) {
      const answer = await latchkey.query(query, { token });
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
      expect(refusalOf(answer)).toEqual({ code: 'UNAVAILABLE', retryAfter: 1 });
      expect('data' in answer.body).toBe(false);
      expect(answer.text).not.toMatch(LEAKS);
    }
    expect(logged()).toContain('The store did not answer');
    expect(logged()).not.toContain(token);
  });

  it('a malformed key is still malformed', async () => {
    expect((await latchkey.query('{ viewer { scopes } }', { token: 'nonsense' })).status).toBe(401);
  });

  it('anonymous requests that need no store still work', async () => {
    expect((await latchkey.query('{ tiers { tier } }', { token: null })).status).toBe(200);
  });

  it('is visible at /readyz but not at /healthz, without details', async () => {
    const ready = await answerOf(await fetch(`${latchkey.origin}/readyz`));
    expect([ready.status, ready.headers.get('retry-after'), ready.body]).toEqual([
      503,
      '1',
      { status: 'the store does not answer' },
    ]);
    expect((await fetch(`${latchkey.origin}/healthz`)).status).toBe(200);
  });
});

test('a store that fails between authentication and resolver is UNAVAILABLE at its field', async () => {
  const { StoreUnavailable } = await import('../../../src/core/store/storeErrors.js');
  breakStore('keys', 'list', () => Promise.reject(new StoreUnavailable(new Error(SECRET))));
  const answer = await latchkey.query('{ apiKeys { totalCount } viewer { scopes } }', { token });
  expect(answer.body.data).toEqual({ apiKeys: null, viewer: { scopes: ['admin'] } });
  expect(refusalOf(answer)).toEqual({ code: 'UNAVAILABLE', retryAfter: 1 });
  expect(answer.text).not.toMatch(LEAKS);
});

test('a store that fails before there is any data is 503, without data (B31)', async () => {
  const { StoreUnavailable } = await import('../../../src/core/store/storeErrors.js');
  breakStore('keys', 'list', () => Promise.reject(new StoreUnavailable(new Error(SECRET))));
  const answer = await latchkey.query('{ apiKeys { totalCount } }', { token });
  expect([answer.status, answer.headers.get('retry-after'), 'data' in answer.body]).toEqual([503, '1', false]);
  expect(refusalOf(answer)).toEqual({ code: 'UNAVAILABLE', retryAfter: 1 });
});

test('closing twice is the same as once', async () => {
  await latchkey.service.close();
  await expect(latchkey.service.close()).resolves.toBeUndefined();
});
