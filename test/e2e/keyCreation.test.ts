import { createClient } from '../../src/client/client.js';
import { tierTable } from '../../src/core/limits/tierTable.js';
import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { act, attempt, refusalOf } from './operations.js';

let latchkey: TestService;
let now = Date.UTC(2026, 10, 1);
const places = { keys: null, adminKeys: null };
beforeAll(async () => {
  latchkey = await startService({
    storeThreads: true,
    env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE', RATE_LIMIT_HEADERS: 'both' },
    now: () => now,
    tiers: tierTable({ FREE_TRIAL: places, STARTER: places, ANONYMOUS: { rate: 1e6, burst: 1e6 } }),
  });
});
afterAll(() => latchkey.close());
/** Every window is empty again. */
beforeEach(() => void (now += 120_000));

const hashes = (): number => latchkey.service.latchkey.bcrypt.counts.hashes;

async function tenant(tier: string): Promise<string> {
  const { token } = await act(latchkey, 'createWorkspace', { name: `${tier} ${now}`, tier }, OPERATOR_KEY);
  return token;
}

const create = (token: string) => attempt(latchkey, 'createApiKey', { name: 'x', scopes: ['read:all'] }, token);
const aliases = (count: number, field = 'createApiKey(input: { name: "x", scopes: ["read:all"] }) { token }'): string =>
  `mutation { ${Array.from({ length: count }, (_, i) => `k${i}: ${field}`).join(' ')} }`;

describe('R6: creations and rotations are counted by workspace', () => {
  it('R6: refuses all but 20 of 90 creations in a second, by several keys, and lets another tenant create', async () => {
    const busy = await tenant('ENTERPRISE');
    const second = (await createKey(latchkey, { scopes: ['admin'] }, busy)).token;
    const quiet = await tenant('STARTER');
    now += 60_000;
    const before = hashes();
    const flood = Array.from({ length: 90 }, (_, i) => create(i % 2 === 0 ? busy : second));
    const one = await create(quiet);
    expect([one.status, one.body.errors]).toEqual([200, undefined]);
    const answers = await Promise.all(flood);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(70);
    expect(answers.filter(({ body }) => body.data?.createApiKey != null)).toHaveLength(20);
    // A refused mutation ran nothing.
    expect(hashes() - before).toBe(21);
    for (const answer of refused) {
      expect(answer.body.data).toBeUndefined();
      expect(refusalOf(answer)).toEqual({
        code: 'RATE_LIMITED',
        retryAfter: 1,
        limit: 20,
        window: 1,
        category: 'key-creation',
      });
      expect(answer.body.errors[0].message).toBe(
        'Your workspace has reached the limit of 20 created or rotated keys in one second. Try again in 1 s.',
      );
      expect(answer.headers.get('retry-after')).toBe('1');
      expect(answer.headers.get('ratelimit')).toBe('"key-creation-burst";r=0;t=1');
      expect(answer.headers.get('ratelimit-limit')).toBe('20');
      expect(answer.headers.get('ratelimit-reset')).toBe('1');
    }
    // Refused requests cost the key nothing: about 10 of 45 were admitted for each key.
    const { body } = await latchkey.query('{ viewer { limits { burst { remaining } } } }', { token: busy });
    const used = answers.filter(({ status }, i) => status === 200 && i % 2 === 0).length;
    expect(body.data.viewer.limits.burst.remaining).toBe(100 - used - 1);
  });

  it('R6: a rotation counts as a creation, other mutations and reads do not', async () => {
    const busy = await tenant('ENTERPRISE');
    const { id } = await createKey(latchkey, { scopes: ['read:all'] }, busy);
    now += 60_000;
    expect((await latchkey.query(aliases(19), { token: busy })).body.errors).toBeUndefined();
    const rotated = await attempt(latchkey, 'rotateApiKey', { id }, busy);
    expect(rotated.body.errors).toBeUndefined();
    expect(rotated.headers.get('ratelimit-policy')).toBe(
      '"burst";q=100;w=1, "rate";q=5000;w=60, "key-creation-burst";q=20;w=1, "key-creation-rate";q=300;w=60',
    );
    const successor = rotated.body.data.rotateApiKey.apiKey.id;
    const before = hashes();
    expect((await attempt(latchkey, 'rotateApiKey', { id: successor }, busy)).status).toBe(429);
    expect(hashes()).toBe(before);
    const renamed = await attempt(latchkey, 'updateApiKey', { id: successor, name: 'y' }, busy);
    expect([renamed.status, renamed.body.errors]).toEqual([200, undefined]);
    expect(renamed.headers.get('ratelimit-policy')).toBe('"burst";q=100;w=1, "rate";q=5000;w=60');
    now += 1_000;
    expect((await attempt(latchkey, 'rotateApiKey', { id: successor }, busy)).body.errors).toBeUndefined();
  });

  it('R6: a workspace creates at most 300 keys a minute', async () => {
    const busy = await tenant('ENTERPRISE');
    now += 60_000;
    for (let second = 0; second < 15; second += 1) {
      expect((await latchkey.query(aliases(20), { token: busy })).status).toBe(200);
      now += 1_000;
    }
    const refused = await create(busy);
    expect(refusalOf(refused)).toMatchObject({ limit: 300, window: 60, retryAfter: 45, category: 'key-creation' });
    expect(refused.headers.get('retry-after')).toBe('45');
    expect(refused.headers.get('ratelimit')).toBe('"key-creation-rate";r=0;t=45');
  });

  it('R6: an operation that creates more keys than any second allows is refused with 400', async () => {
    const busy = await tenant('ENTERPRISE');
    now += 60_000;
    const before = hashes();
    const { status, body, headers } = await latchkey.query(aliases(21), { token: busy });
    expect([status, headers.get('retry-after'), hashes()]).toEqual([400, null, before]);
    expect(body.errors[0].extensions).toEqual({
      code: 'COST_EXCEEDS_BURST',
      cost: 21,
      burst: 20,
      category: 'key-creation',
    });
    expect(body.errors[0].message).toContain('Split it into operations of at most 20.');
  });

  it('R6: FREE_TRIAL and STARTER can create and rotate', async () => {
    for (const tier of ['FREE_TRIAL', 'STARTER']) {
      const token = await tenant(tier);
      now += 60_000;
      const made = await create(token);
      expect(made.body.errors).toBeUndefined();
      const { id } = made.body.data.createApiKey.apiKey;
      expect((await attempt(latchkey, 'rotateApiKey', { id }, token)).body.errors).toBeUndefined();
    }
  });

  it('R6: explainAccess predicts it', async () => {
    const busy = await tenant('ENTERPRISE');
    now += 60_000;
    const { body: viewer } = await latchkey.query('{ viewer { credential { id } } }', { token: busy });
    const document = aliases(2);
    const explain = async () =>
      (
        await latchkey.query(
          'query ($id: ID!, $document: String!) { explainAccess(keyId: $id, document: $document) { allowed reasons cost } }',
          { token: busy, variables: { id: viewer.data.viewer.credential.id, document } },
        )
      ).body.data.explainAccess;
    await latchkey.query(aliases(18), { token: busy });
    expect(await explain()).toEqual({ allowed: true, reasons: [], cost: 2 });
    await create(busy);
    expect(await explain()).toEqual({ allowed: false, reasons: ['RATE_LIMITED'], cost: 2 });
  });
});

test('R6: the client waits for these windows instead of being refused', async () => {
  const busy = await tenant('ENTERPRISE');
  now += 60_000;
  // The windows move while the client waits.
  const clock = setInterval(() => void (now += 200), 20);
  try {
    const statuses: number[] = [];
    const client = createClient({
      url: latchkey.url,
      apiKey: busy,
      fetch: async (input: string | URL | Request, init?: RequestInit) => {
        const answer = await fetch(input, init);
        statuses.push(answer.status);
        return answer;
      },
    });
    await Promise.all(
      Array.from({ length: 30 }, () =>
        client.request('mutation { createApiKey(input: { name: "x", scopes: ["read:all"] }) { token } }'),
      ),
    );
    expect(statuses).toEqual(Array(30).fill(200));
  } finally {
    clearInterval(clock);
  }
});
