import { createClient, createFetch, LatchkeyError, type Client } from '../../src/client/index.js';
import { tierTable } from '../../src/core/limits/tierTable.js';
import { act } from '../e2e/operations.js';
import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { until } from '../support/until.js';

const READ = 'query ($project: ID) { assets(project: $project) { name } }';

const tiers = tierTable({
  FREE_TRIAL: { rate: 1_000, burst: 4 },
  STARTER: { rate: 20, burst: 20 },
  GROWTH: { rate: 1_000, burst: 20, keys: 100 },
  PROFESSIONAL: { rate: 1_000, burst: 40, keys: 100, categories: { write: { rate: 500, burst: 3 } } },
});

let latchkey: TestService;
beforeAll(async () => {
  latchkey = await startService({ env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE' }, tiers });
});
afterAll(() => latchkey.close());

interface Workspace {
  readonly id: string;
  readonly token: string;
}

const workspace = async (tier: string): Promise<Workspace> => {
  const made = await act(latchkey, 'createWorkspace', { name: 'w', tier }, OPERATOR_KEY);
  return { id: made.workspace.id, token: made.token };
};

/** A client, and the status of each response that it received. */
const counted = (apiKey: string, more: object = {}): { client: Client; statuses: number[] } => {
  const statuses: number[] = [];
  const counting: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    statuses.push(response.status);
    return response;
  };
  return { client: createClient({ url: latchkey.url, apiKey, fetch: counting, ...more }), statuses };
};

const times = <T>(n: number, what: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => what(i));
const all = (n: number, status = 200): number[] => times(n, () => status);

describe('pacing', () => {
  it('sends any number of parallel requests without a 429', async () => {
    const { token } = await workspace('GROWTH');
    const { client, statuses } = counted(token);
    await Promise.all(times(90, () => client.request(READ)));
    expect(statuses).toEqual(all(90));
  });

  it('gets a 429 without pacing', async () => {
    const { token } = await workspace('GROWTH');
    const { client, statuses } = counted(token, { pacing: false, maxRetries: 0 });
    const settled = await Promise.allSettled(times(60, () => client.request(READ)));
    const refused = settled.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(statuses.filter((status) => status === 429)).toHaveLength(refused.length);
    for (const each of refused) {
      expect(each).toMatchObject({ reason: { name: 'RateLimited', retryAfter: 1, code: 'RATE_LIMITED', status: 429 } });
    }
  });

  it('counts the cost of operations', async () => {
    const { token } = await workspace('GROWTH');
    const { client, statuses } = counted(token);
    const five = '{ a: assets { name } b: assets { name } c: assets { name } d: assets { name } e: assets { name } }';
    await Promise.all(times(16, () => client.request(five)));
    expect(statuses).toEqual(all(16));
  });

  it('is shared by all clients and fetch functions of a key', async () => {
    const { token } = await workspace('GROWTH');
    const [one, other] = [counted(token), counted(token)];
    const body = JSON.stringify({ query: READ });
    const paced = createFetch({ url: latchkey.url, apiKey: token });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    const answers = await Promise.all([
      ...times(25, () => one.client.request(READ)),
      ...times(25, () => other.client.request(READ)),
      ...times(25, async () => (await paced(latchkey.url, init)).status),
    ]);
    expect(answers.slice(50)).toEqual(all(25));
    expect([...one.statuses, ...other.statuses]).toEqual(all(50));
  });

  it('notices a change of tier', async () => {
    const { id, token } = await workspace('GROWTH');
    const { client, statuses } = counted(token);
    await Promise.all(times(20, () => client.request(READ)));
    await act(latchkey, 'setWorkspaceTier', { workspaceId: id, tier: 'FREE_TRIAL' }, OPERATOR_KEY);
    await client.request(READ);
    const before = statuses.length;
    await Promise.all(times(10, () => client.request(READ)));
    expect(statuses.slice(before)).toEqual(all(10));
  });

  it('paces operations of a category by its own limits, without delaying others', async () => {
    const { token } = await workspace('PROFESSIONAL');
    const { client, statuses } = counted(token);
    const write = (i: number) => client.request(`mutation { registerAsset(input: { name: "a${i}" }) { name } }`);
    await write(0);
    await client.request(READ);
    const writes = times(9, write);
    let written = 0;
    for (const each of writes) void each.then(() => (written += 1));
    await Promise.all(times(20, () => client.request(READ)));
    expect(written).toBeLessThan(9);
    await Promise.all(writes);
    expect(statuses).toEqual(all(31));
  });

  it('counts the events of its subscriptions once, even if several are the same', async () => {
    const { token } = await workspace('GROWTH');
    const { client, statuses } = counted(token);
    const subscribed = times(2, () => client.subscribe('subscription { assetChanged { name } }'));
    let nexts = subscribed.map((each) => each.next());
    // Until both have responded, events are lost.
    await until(() => statuses.length === 2);
    for (let i = 0; i < 60; i += 1) {
      await client.request(`mutation { registerAsset(input: { name: "e${i}" }) { name } }`);
      await Promise.all(nexts);
      nexts = subscribed.map((each) => each.next());
    }
    await client.close();
    await Promise.all(nexts);
    expect(statuses).toEqual(all(62));
  });

  it('waits for room that other users of the key take', async () => {
    const { token } = await workspace('GROWTH');
    const { client } = counted(token);
    await client.request(READ);
    await Promise.all(times(30, () => latchkey.query(READ, { token })));
    await Promise.all(times(30, () => client.request(READ)));
  });

  it('releases requests that are aborted or closed while they wait', async () => {
    const { token } = await workspace('STARTER');
    const { client, statuses } = counted(token);
    await Promise.all(times(20, () => client.request(READ)));
    const abort = new AbortController();
    const reason = new Error('no longer wanted');
    const waiting = [
      client.request(READ, {}, { signal: abort.signal }),
      client.request(READ, {}, { signal: abort.signal }),
      client.request(READ),
    ].map((each) => each.catch((error: unknown) => error));
    abort.abort(reason);
    expect(await Promise.all(waiting.slice(0, 2))).toEqual([reason, reason]);
    await client.close();
    expect(await waiting[2]).toBeInstanceOf(LatchkeyError);
    expect(await waiting[2]).toMatchObject({ code: 'CLOSED' });
    await expect(client.request(READ)).rejects.toMatchObject({ code: 'CLOSED' });
    expect(statuses).toEqual(all(20));
  });

  it('rejects the 10,001st waiting request', async () => {
    const { token } = await workspace('STARTER');
    const { client } = counted(token);
    await Promise.all(times(20, () => client.request(READ)));
    const waiting = times(10_001, () => client.request(READ).catch((error: unknown) => error));
    const first = await Promise.race(waiting);
    expect(first).toMatchObject({ code: 'TOO_MANY_WAITING' });
    await client.close();
    expect(new Set((await Promise.all(waiting)).map((error) => (error as LatchkeyError).code))).toEqual(
      new Set(['TOO_MANY_WAITING', 'CLOSED']),
    );
  });

  it('does not retry with an invalid key', async () => {
    const { token } = await createKey(latchkey, {}, (await workspace('GROWTH')).token);
    const { client, statuses } = counted(token);
    const failed = await Promise.allSettled(times(3, () => client.request('{ apiKeys { totalCount } }')));
    expect(failed.every(({ status }) => status === 'rejected')).toBe(true);
    expect(statuses).toEqual(all(3, 403));
    expect(failed[0]).toMatchObject({ reason: { name: 'Forbidden', missing: ['admin'] } });
    await until(() => statuses.length === 3);
  });
});

describe('a server with RATE_LIMIT_HEADERS=legacy', () => {
  let legacy: TestService;
  beforeAll(async () => {
    legacy = await startService({
      env: { RATE_LIMIT_HEADERS: 'legacy', ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE' },
      tiers,
    });
  });
  afterAll(() => legacy.close());

  it('delays requests while the window has no room, and all succeed', async () => {
    const { token } = await act(legacy, 'createWorkspace', { name: 'w', tier: 'FREE_TRIAL' }, OPERATOR_KEY);
    const statuses: number[] = [];
    const counting: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      statuses.push(response.status);
      return response;
    };
    const client = createClient({ url: legacy.url, apiKey: token, fetch: counting });
    for (let i = 0; i < 9; i += 1) await client.request(READ);
    // Four per second: the fifth and the ninth had to wait for the reset, and the server rejected neither.
    expect(statuses).toEqual(all(9));
  });
});
