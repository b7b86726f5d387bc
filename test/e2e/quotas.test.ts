import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyEvent } from '../../src/core/keys/keyEvent.js';
import { tierTable } from '../../src/core/limits/tierTable.js';
import { type TierTable } from '../../src/core/limits/tiers.js';
import type { Credits, Quota } from '../../src/core/quotas/quota.js';
import { createKey, startService, type Answer, type TestService } from '../support/service.js';
import { act, attempt } from './operations.js';

const OPERATOR = 'operator-key-for-the-tests-of-quotas';
const ASK = '{ viewer { scopes } }';
const START = Date.parse('2027-01-10T00:00:00Z');

let now = START;
const dir = mkdtempSync(join(tmpdir(), 'latchkey-quotas-'));
const open: TestService[] = [];

beforeEach(() => void (now = START));
afterEach(() => Promise.all(open.splice(0).map((service) => service.close())));
afterAll(() => rmSync(dir, { recursive: true }));

const monthly = (limit: number | null, fields: Partial<Quota> = {}): Quota => ({
  ...{ window: 'month', unit: 'requests', subject: 'key', limit },
  ...fields,
});
const prepaid = (fields: Partial<Credits> = {}): Credits => ({
  ...{ unit: 'requests', subject: 'key', refill: null },
  ...fields,
});
const withQuotas = (quotas: readonly Quota[], credits: Credits | null = null): TierTable =>
  tierTable({ GROWTH: { quotas, credits, rate: 10_000, burst: 10_000 } });

async function start(tiers: TierTable, options: { readonly dataDir?: string } = {}): Promise<TestService> {
  const service = await startService({ env: { ADMIN_API_KEY: OPERATOR }, now: () => now, tiers, ...options });
  open.push(service);
  return service;
}

/** Creates a key as the operator. */
const aKey = (service: TestService, input: object = {}) =>
  createKey(service, { name: 'A key', scopes: ['read:assets'], ...input }, OPERATOR);

/** Sends requests, and returns the number that were admitted, and the first other response. */
async function drain(service: TestService, token: string): Promise<{ admitted: number; refused: Answer }> {
  for (let admitted = 0; ; admitted++) {
    const refused = await service.query(ASK, { token });
    if (refused.status !== 200) return { admitted, refused };
  }
}

const admitted = async (service: TestService, token: string): Promise<number> => (await drain(service, token)).admitted;

describe('a quota', () => {
  test('admits as many requests as it has in a month, and then refuses with 429 and its details', async () => {
    const service = await start(withQuotas([monthly(3)]));
    const { token } = await aKey(service);
    const { admitted: count, refused } = await drain(service, token);
    expect(count).toBe(3);
    expect(refused.status).toBe(429);
    expect(refused.body.errors).toEqual([
      {
        message:
          'Quota exceeded: this key may use 3 requests per month, and 3 are used. It is renewed at 2027-02-01T00:00:00.000Z. Wait until then, or ask for more.',
        extensions: {
          ...{ code: 'QUOTA_EXCEEDED', limit: 3, used: 3, remaining: 0, resetsAt: '2027-02-01T00:00:00.000Z' },
          ...{ window: 'month', unit: 'requests', subject: 'key', retryAfter: 22 * 86_400 },
        },
      },
    ]);
    expect(refused.headers.get('retry-after')).toBe(String(22 * 86_400));
    expect(refused.headers.get('ratelimit')).toBe(`"key-month";r=0;t=${22 * 86_400}`);
    expect(refused.headers.get('ratelimit-policy')).toBe('"burst";q=10000;w=1, "rate";q=10000;w=60, "key-month";q=3');
    now = Date.parse('2027-01-31T23:59:59.999Z');
    expect(await admitted(service, token)).toBe(0);
    now = Date.parse('2027-02-01T00:00:00Z');
    expect(await admitted(service, token)).toBe(3);
  });

  test('is reported by RateLimit when it has less left than the windows', async () => {
    const service = await start(withQuotas([monthly(20_000), monthly(5, { window: 'day' })]));
    const { token } = await aKey(service);
    const { headers } = await service.query(ASK, { token });
    expect(headers.get('ratelimit')).toBe('"key-day";r=4;t=86400');
    expect(headers.get('ratelimit-policy')).toBe(
      '"burst";q=10000;w=1, "rate";q=10000;w=60, "key-month";q=20000, "key-day";q=5;w=86400',
    );
  });

  test('of a workspace is shared by its keys, and the quota of an owner by the keys of the owner', async () => {
    const service = await start(withQuotas([monthly(5, { subject: 'workspace' }), monthly(2, { subject: 'owner' })]));
    const ada = await act(service, 'addUser', { name: 'Ada', roles: ['admin'] }, OPERATOR);
    const [first, second, alone] = [
      await aKey(service, { userId: ada.user.id }),
      await aKey(service, { userId: ada.user.id }),
      await aKey(service),
    ];
    expect(await admitted(service, first.token)).toBe(2);
    expect(await admitted(service, second.token)).toBe(0);
    expect(await admitted(service, alone.token)).toBe(2);
    const last = await drain(service, (await aKey(service)).token);
    expect(last.admitted).toBe(1);
    expect(last.refused.body.errors[0].extensions).toMatchObject({ subject: 'workspace', limit: 5, used: 5 });
  });

  test('takes nothing from requests without permission, invalid documents, and requests that the windows refuse', async () => {
    const tiers = tierTable({ GROWTH: { quotas: [monthly(10)], rate: 4, burst: 4 } });
    const service = await start(tiers);
    const { token } = await aKey(service);
    expect(
      (await service.query('mutation { createProject(input: { name: "x" }) { project { id } } }', { token })).status,
    ).toBe(403);
    expect((await service.query('{ none }', { token })).status).toBe(400);
    expect(await admitted(service, token)).toBe(2);
    for (let i = 0; i < 5; i++) expect((await service.query(ASK, { token })).status).toBe(429);
    now += 60_000;
    const { body } = await service.query('{ viewer { limits { quotas { used remaining } } } }', { token });
    expect(body.data.viewer.limits.quotas).toEqual([{ used: 3, remaining: 7 }]);
  });

  test('counts requests that it refuses in the windows, so that they are limited, too', async () => {
    const service = await start(tierTable({ GROWTH: { quotas: [monthly(2)], rate: 5, burst: 5 } }));
    const { token } = await aKey(service);
    const codes: unknown[] = [];
    for (let i = 0; i < 6; i++) codes.push((await service.query(ASK, { token })).body.errors?.[0].extensions.code);
    const exceeded = Array<string>(3).fill('QUOTA_EXCEEDED');
    expect(codes).toEqual([undefined, undefined, ...exceeded, 'RATE_LIMITED']);
  });

  test('does not keep administrators from revoking a key that has used it up', async () => {
    const service = await start(withQuotas([monthly(2, { subject: 'workspace' })]));
    const leaked = await aKey(service);
    const admin = await aKey(service, { scopes: ['admin'] });
    await drain(service, leaked.token);
    const { apiKey } = await act(service, 'revokeApiKey', { id: leaked.id }, admin.token);
    expect(apiKey.status).toBe('REVOKED');
  });

  test('without a limit counts nothing', async () => {
    const service = await start(withQuotas([monthly(null)]));
    const { token } = await aKey(service);
    const { headers, body } = await service.query('{ viewer { limits { quotas { used } } } }', { token });
    expect(headers.get('ratelimit-policy')).not.toContain('month');
    expect(body.data.viewer.limits.quotas).toEqual([]);
  });

  test('is shown with its use for keys and tiers', async () => {
    const service = await start(withQuotas([monthly(10, { anchorDay: 31 }), monthly(4, { window: 'hour' })]));
    const { token } = await aKey(service);
    await service.query(ASK, { token });
    const fields = 'window unit subject limit used remaining resetsAt';
    const { body } = await service.query(
      `{ viewer { limits { quotas { ${fields} } credits { balance } } } tiers { tier quotas { window limit anchorDay } } }`,
      { token },
    );
    const common = { unit: 'REQUESTS', subject: 'KEY' };
    expect(body.data.viewer.limits).toEqual({
      quotas: [
        { ...common, window: 'MONTH', limit: 10, used: 2, remaining: 8, resetsAt: '2027-01-31T00:00:00.000Z' },
        { ...common, window: 'HOUR', limit: 4, used: 2, remaining: 2, resetsAt: '2027-01-10T01:00:00.000Z' },
      ],
      credits: null,
    });
    const tiers = body.data.tiers as { tier: string; quotas: unknown }[];
    expect(tiers.find(({ tier }) => tier === 'GROWTH')?.quotas).toEqual([
      { window: 'MONTH', limit: 10, anchorDay: 31 },
      { window: 'HOUR', limit: 4, anchorDay: null },
    ]);
    expect(tiers.find(({ tier }) => tier === 'STARTER')?.quotas).toEqual([]);
  });

  test('causes an event at 80 % and at 100 %, once in a period', async () => {
    const service = await start(withQuotas([monthly(5)]));
    const events: KeyEvent[] = [];
    service.service.latchkey.keyEvents.listen((event) => events.push(event));
    const { token, id } = await aKey(service);
    await drain(service, token);
    await drain(service, token);
    const used = events.filter(({ type }) => type === 'QUOTA_USED');
    expect(used.map(({ keyId, quota }) => [keyId, quota?.percent])).toEqual([
      [id, 80],
      [id, 100],
    ]);
    expect(used[0]?.quota).toEqual({
      ...{ window: 'month', unit: 'requests', subject: 'key', limit: 5, percent: 80 },
      resetsAt: Date.parse('2027-02-01T00:00:00Z'),
    });
  });

  test('P06: is neither lost nor granted again by a restart', async () => {
    const tiers = withQuotas([monthly(5)]);
    const first = await start(tiers, { dataDir: dir });
    const { token } = await aKey(first);
    for (let i = 0; i < 2; i++) await first.query(ASK, { token });
    await first.close();
    open.splice(open.indexOf(first), 1);
    expect(await admitted(await start(tiers, { dataDir: dir }), token)).toBe(3);
  });

  test('P02: is shared by a key and its successor', async () => {
    const service = await start(withQuotas([monthly(5)]));
    const old = await aKey(service);
    await service.query(ASK, { token: old.token });
    const { token } = await act(service, 'rotateApiKey', { id: old.id, overlap: 'PT1H' }, OPERATOR);
    await service.query(ASK, { token });
    expect(await admitted(service, old.token)).toBe(3);
    expect(await admitted(service, token)).toBe(0);
  });

  test('P05: keeps its use after a change of tier', async () => {
    const tiers = tierTable({
      GROWTH: { quotas: [monthly(3)], rate: 1_000, burst: 1_000 },
      PROFESSIONAL: { quotas: [monthly(8)] },
    });
    const service = await start(tiers);
    const { token } = await aKey(service);
    expect(await admitted(service, token)).toBe(3);
    await act(service, 'setWorkspaceTier', { workspaceId: 'default', tier: 'PROFESSIONAL' }, OPERATOR);
    expect(await admitted(service, token)).toBe(5);
  });
});

describe('setLimits', () => {
  const set = (service: TestService, id: string, fields: object) =>
    service.query(
      `mutation ($input: SetLimitsInput!) {
        setLimits(input: $input) { override { active quotas { window unit subject limit anchorDay } } }
      }`,
      { variables: { input: { subject: { type: 'API_KEY', id }, ...fields } }, token: OPERATOR },
    );

  test('replaces the quotas of a key until a date, and the use is kept', async () => {
    const service = await start(withQuotas([monthly(2), monthly(50, { subject: 'workspace' })]));
    const { token, id } = await aKey(service);
    expect(await admitted(service, token)).toBe(2);
    const { body } = await set(service, id, { quotas: [{ window: 'MONTH', limit: 5 }], until: '2027-01-20T00:00:00Z' });
    expect(body.data.setLimits.override).toEqual({
      active: true,
      quotas: [{ window: 'MONTH', unit: 'REQUESTS', subject: 'KEY', limit: 5, anchorDay: 1 }],
    });
    expect(await admitted(service, token)).toBe(3);
    now = Date.parse('2027-01-20T00:00:00Z');
    const { refused } = await drain(service, token);
    expect(refused.body.errors[0].extensions).toMatchObject({ code: 'QUOTA_EXCEEDED', limit: 2, used: 5 });
  });

  test('makes a quota unlimited, and rejects invalid ones', async () => {
    const service = await start(withQuotas([monthly(2)]));
    const { token, id } = await aKey(service);
    await drain(service, token);
    const invalid = await set(service, id, { quotas: [{ window: 'DAY', limit: 0 }] });
    expect(invalid.body.errors[0].extensions).toEqual({ code: 'BAD_USER_INPUT', path: ['input', 'quotas'] });
    await set(service, id, { quotas: [{ window: 'MONTH', limit: null }] });
    for (let i = 0; i < 4; i++) expect((await service.query(ASK, { token })).status).toBe(200);
  });
});

describe('credits', () => {
  const add = (service: TestService, id: string, fields: object = {}) =>
    act(service, 'addCredits', { subject: 'KEY', id, amount: 4, idempotencyKey: 'invoice 1', ...fields }, OPERATOR);

  test('are taken from the balance, which addCredits raises once for each key of the caller', async () => {
    const service = await start(withQuotas([], prepaid()));
    const { token, id } = await aKey(service);
    const { refused } = await drain(service, token);
    expect(refused.status).toBe(402);
    expect(refused.body.errors[0]).toEqual({
      message: 'Not enough credits: 0 requests remain for this key. Add credits.',
      extensions: {
        ...{ code: 'QUOTA_EXCEEDED', limit: null, used: null, remaining: 0, resetsAt: null, window: null },
        ...{ unit: 'requests', subject: 'key' },
      },
    });
    expect(await add(service, id)).toEqual({ balance: 4, added: true });
    expect(await add(service, id)).toEqual({ balance: 4, added: false });
    now += 1_000;
    expect(await admitted(service, token)).toBe(4);
  });

  test('P02: pass on to the successor of a key, and are not copied', async () => {
    const service = await start(withQuotas([], prepaid()));
    const old = await aKey(service);
    await add(service, old.id);
    await service.query(ASK, { token: old.token });
    const { token, apiKey } = await act(service, 'rotateApiKey', { id: old.id, overlap: 'PT1H' }, OPERATOR);
    expect(await admitted(service, token)).toBe(3);
    expect(await admitted(service, old.token)).toBe(0);
    // Adding to the successor adds to the same balance.
    await add(service, apiKey.id, { idempotencyKey: 'invoice 2' });
    now += 1_000;
    expect(await admitted(service, old.token)).toBe(4);
  });

  test('of an owner belong to all keys with the external ID of a customer', async () => {
    const service = await start(withQuotas([], prepaid({ subject: 'owner' })));
    const keys = [await aKey(service, { externalId: 'cus_1' }), await aKey(service, { externalId: 'cus_1' })];
    const other = await aKey(service, { externalId: 'cus_2' });
    const owned = (id: string, fields: object = {}) => add(service, id, { subject: 'OWNER', ...fields });
    expect(await owned('cus_1')).toEqual({ balance: 4, added: true });
    expect(await owned('cus_1', { workspaceId: 'default' })).toEqual({ balance: 4, added: false });
    expect(await admitted(service, other.token)).toBe(0);
    await service.query(ASK, { token: keys[0]?.token ?? '' });
    expect(await admitted(service, keys[1]?.token ?? '')).toBe(3);
    const attempt = async (fields: object) => {
      const input = { subject: 'OWNER', amount: 4, idempotencyKey: 'invoice 2', ...fields };
      const { body } = await service.query(
        'mutation ($input: AddCreditsInput!) { addCredits(input: $input) { balance } }',
        { token: OPERATOR, variables: { input } },
      );
      return body.errors[0].extensions;
    };
    expect(await attempt({ id: 'usr_unknown' })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await attempt({ id: 'with spaces' })).toEqual({ code: 'BAD_USER_INPUT', path: ['input', 'id'] });
    expect(await attempt({ id: 'cus_1', workspaceId: 'elsewhere' })).toMatchObject({ code: 'NOT_FOUND' });
    const projected = await attempt({ subject: 'PROJECT', id: 'default', workspaceId: 'default' });
    expect(projected).toEqual({ code: 'BAD_USER_INPUT', path: ['input', 'workspaceId'] });
  });

  test('P03: are refilled on the last day of a short month', async () => {
    const refill = { amount: 2, every: 'month', anchorDay: 31 } as const;
    const service = await start(withQuotas([], prepaid({ refill })));
    const { token } = await aKey(service);
    expect(await admitted(service, token)).toBe(2);
    now = Date.parse('2027-02-27T23:59:59Z');
    await drain(service, token);
    expect(await admitted(service, token)).toBe(0);
    now = Date.parse('2027-02-28T00:00:00Z');
    const { body } = await service.query('{ viewer { limits { credits { balance refillsAt refill { amount } } } } }', {
      token,
    });
    expect(body.data.viewer.limits.credits).toEqual({
      ...{ balance: 1, refillsAt: '2027-03-31T00:00:00.000Z', refill: { amount: 2 } },
    });
  });

  test('can only be added by the operator, to subjects of tiers with such credits', async () => {
    const service = await start(withQuotas([], prepaid({ subject: 'workspace' })));
    const admin = await aKey(service, { scopes: ['admin'] });
    const input = { subject: 'WORKSPACE', id: 'default', amount: 4, idempotencyKey: 'a' };
    const codeOf = async (fields: object, token = OPERATOR): Promise<unknown> =>
      (await attempt(service, 'addCredits', { ...input, ...fields }, token)).body.errors?.[0].extensions;
    expect(await codeOf({}, admin.token)).toMatchObject({ code: 'FORBIDDEN' });
    expect(await codeOf({ subject: 'KEY', id: admin.id })).toEqual({
      code: 'BAD_USER_INPUT',
      path: ['input', 'subject'],
    });
    expect(await codeOf({ id: 'other' })).toEqual({ code: 'NOT_FOUND' });
    expect(await codeOf({ amount: 0 })).toMatchObject({ path: ['input', 'amount'] });
    expect(await codeOf({ idempotencyKey: ' ' })).toMatchObject({ path: ['input', 'idempotencyKey'] });
    expect(await codeOf({ amount: 2 ** 31 - 1 })).toBeUndefined();
    expect(await codeOf({ idempotencyKey: 'b' })).toMatchObject({ path: ['input', 'amount'] });
    expect(await codeOf({ amount: 5 })).toMatchObject({ path: ['input', 'idempotencyKey'] });
  });

  test('that are added have an audit entry', async () => {
    const service = await start(withQuotas([], prepaid()));
    const { id } = await aKey(service);
    await add(service, id);
    const { body } = await service.query(
      '{ auditLog(filter: { actions: [CREDITS_ADDED] }) { nodes { subject before after actorKind } } }',
      { token: OPERATOR },
    );
    expect(body.data.auditLog.nodes).toEqual([
      {
        ...{ subject: id, before: { balance: 0 }, after: { balance: 4, amount: 4, key: 'invoice 1' } },
        actorKind: 'OPERATOR',
      },
    ]);
  });
});

test('quota_status: 402 is the status of all quotas', async () => {
  const file = join(dir, 'latchkey.yaml');
  writeFileSync(file, 'quota_status: 402\n');
  const service = await startService({
    env: { ADMIN_API_KEY: OPERATOR, LATCHKEY_CONFIG: file },
    now: () => now,
    tiers: withQuotas([monthly(1)]),
  });
  open.push(service);
  const { token } = await aKey(service);
  const { refused } = await drain(service, token);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([402, null]);
});
