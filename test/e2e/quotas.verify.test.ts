import { tierTable } from '../../src/core/limits/tierTable.js';
import type { TierLimits, TierTable } from '../../src/core/limits/tiers.js';
import type { Credits, Quota } from '../../src/core/quotas/quota.js';
import { answerOf, createKey, OPERATOR_KEY, type Answer } from '../support/service.js';
import { startFrozen, type FrozenService } from './frozen.js';
import { act } from './operations.js';

/** The clock starts at noon on 1 March. */
const NEXT_MONTH = Date.UTC(2026, 3, 1);

const open: FrozenService[] = [];
afterEach(() => Promise.all(open.splice(0).map((service) => service.close())));

const monthly = (limit: number, fields: Partial<Quota> = {}): Quota => ({
  ...{ window: 'month', unit: 'requests', subject: 'key', limit },
  ...fields,
});
const prepaid: Credits = { unit: 'requests', subject: 'workspace', refill: null };
const growth = (fields: Partial<TierLimits>): TierTable =>
  tierTable({ GROWTH: { rate: 1_000, burst: 1_000, ...fields } });

interface Verifying {
  readonly service: FrozenService;
  readonly key: { readonly id: string; readonly token: string };
  readonly verify: (fields: object) => Promise<Answer>;
  readonly auth: (search: string) => Promise<Response>;
  readonly used: () => Promise<unknown>;
}

async function verifying(tiers: TierTable, env: Record<string, string> = {}): Promise<Verifying> {
  const service = await startFrozen({ env: { ADMIN_API_KEY: OPERATOR_KEY, ...env }, tiers });
  open.push(service);
  const verifier = await createKey(service, { name: 'gateway', scopes: ['verify:keys'] }, OPERATOR_KEY);
  const key = await createKey(service, { name: 'reports', scopes: ['read:assets'], externalId: 'acme' }, OPERATOR_KEY);
  return {
    service,
    key,
    async verify(fields) {
      const response = await fetch(`${service.origin}/v1/verify`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${verifier.token}` },
        body: JSON.stringify({ token: key.token, ...fields }),
      });
      return answerOf(response);
    },
    auth: (search) =>
      fetch(`${service.origin}/v1/auth${search}`, { headers: { authorization: `Bearer ${key.token}` } }),
    async used() {
      const { body } = await service.query(
        'query ($id: ID!) { apiKey(id: $id) { limits { quotas { window used } credits { balance } } } }',
        { token: OPERATOR_KEY, variables: { id: key.id } },
      );
      return body.data.apiKey.limits;
    },
  };
}

describe('POST /v1/verify', () => {
  test('shows what is left of quotas and credits, and when they are renewed', async () => {
    const refill = { amount: 40, every: 'month' } as const;
    const tiers = growth({
      quotas: [monthly(100), monthly(7, { window: 'day', subject: 'workspace' })],
      credits: { ...prepaid, refill },
    });
    const { verify } = await verifying(tiers);
    const shown = async (cost: number) => {
      const { quotas, credits } = (await verify({ cost })).body.limits;
      return { quotas, credits };
    };
    const next = NEXT_MONTH / 1_000;
    const common = { unit: 'requests' };
    const limits = (used: number) => ({
      quotas: [
        { ...common, window: 'month', subject: 'key', limit: 100, used, remaining: 100 - used, resets_at: next },
        {
          ...{ ...common, window: 'day', subject: 'workspace', limit: 7, used, remaining: 7 - used },
          resets_at: Date.UTC(2026, 2, 2) / 1_000,
        },
      ],
      credits: { ...common, subject: 'workspace', remaining: 40 - used, refills_at: next },
    });
    expect(await shown(0)).toEqual(limits(0));
    expect(await shown(3)).toEqual(limits(3));
    expect(await shown(0)).toEqual(limits(3));
  });

  test('shows the windows that the key shares, and has no quotas for a tier without them', async () => {
    const { verify } = await verifying(growth({ owner: { rate: 50, burst: 9 } }));
    const { limits } = (await verify({ cost: 2 })).body;
    expect(Object.keys(limits)).toEqual(['rate', 'burst', 'owner']);
    expect(limits.owner.burst).toMatchObject({ limit: 9, remaining: 7 });
  });

  test('takes a cost from windows and quotas together, or from none', async () => {
    const tiers = growth({ quotas: [monthly(10)], rate: 12, burst: 12, owner: { rate: 8, burst: 8 } });
    const { verify, used, service } = await verifying(tiers);
    expect((await verify({ cost: 5 })).body.active).toBe(true);
    expect(await used()).toMatchObject({ quotas: [{ used: 5 }] });
    // The windows of the owner have 3 left.
    const byWindow = (await verify({ cost: 4 })).body;
    expect(byWindow).toMatchObject({ active: false, reason: 'rate_limited', retry_after: 60 });
    expect(byWindow.limits.quotas).toMatchObject([{ used: 5, remaining: 5 }]);
    service.pass(60_000);
    const byQuota = (await verify({ cost: 6 })).body;
    expect(byQuota).toMatchObject({
      ...{ active: false, reason: 'quota_exceeded' },
      retry_after: Math.ceil((NEXT_MONTH - service.clock.now) / 1_000),
      limits: { rate: { remaining: 12 }, owner: { rate: { remaining: 8 } }, quotas: [{ used: 5, remaining: 5 }] },
    });
    expect((await verify({ cost: 5 })).body).toMatchObject({ active: true, limits: { quotas: [{ remaining: 0 }] } });
  });

  test('has no retry_after if credits must be added', async () => {
    const { verify } = await verifying(growth({ credits: prepaid }));
    const { body } = await verify({ cost: 1 });
    expect(body).toMatchObject({ active: false, reason: 'quota_exceeded', limits: { credits: { remaining: 0 } } });
    expect(body).not.toHaveProperty('retry_after');
  });

  test('takes a cost from quotas and windows in cost units, unless costs are only measured', async () => {
    const tiers = growth({ quotas: [monthly(10, { unit: 'cost' })], cost: { max: 100, rate: 500, burst: 500 } });
    const { verify } = await verifying(tiers);
    expect((await verify({ cost: 7 })).body.limits).toMatchObject({
      cost: { rate: { limit: 500, remaining: 493 } },
      quotas: [{ unit: 'cost', used: 7 }],
    });
    expect((await verify({ cost: 4 })).body.reason).toBe('quota_exceeded');
    const measuring = await verifying(tiers, { COST: 'measure' });
    expect((await measuring.verify({ cost: 20 })).body).toMatchObject({
      active: true,
      limits: { quotas: [{ used: 0 }] },
    });
  });

  test('reads the quotas of a key at most once a second to show them', async () => {
    const { verify, service } = await verifying(growth({ quotas: [monthly(100)] }));
    const reads = async (): Promise<number> => {
      const text = await service.service.metrics.text();
      return Number(
        /latchkey_store_operations_total\{operation="quotas.counters",outcome="ok"\} (\d+)/.exec(text)?.[1] ?? 0,
      );
    };
    await verify({});
    const before = await reads();
    for (let i = 0; i < 20; i += 1) expect((await verify({})).body.limits.quotas).toHaveLength(1);
    expect(await reads()).toBe(before);
    service.pass(1_000);
    await verify({});
    expect(await reads()).toBe(before + 1);
  });
});

describe('/v1/auth', () => {
  test('reports the quota that limits the key most, and takes from it only if the request may pass', async () => {
    const { auth, used } = await verifying(growth({ quotas: [monthly(2)] }));
    const first = await auth('?scope=read:assets');
    const wait = Math.ceil((NEXT_MONTH - Date.UTC(2026, 2, 1, 12)) / 1_000);
    expect([first.status, first.headers.get('ratelimit')]).toEqual([204, `"key-month";r=1;t=${wait}`]);
    expect(first.headers.get('ratelimit-policy')).toBe('"burst";q=1000;w=1, "rate";q=1000;w=60, "key-month";q=2');
    for (let i = 0; i < 3; i += 1) expect((await auth('?scope=write:assets')).status).toBe(403);
    expect(await used()).toMatchObject({ quotas: [{ used: 1 }] });
    expect((await auth('')).status).toBe(204);
    const refused = await auth('');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, String(wait)]);
    expect(JSON.parse(await refused.text()).error).toMatchObject({ code: 'QUOTA_EXCEEDED', limit: 2, used: 2 });
  });

  test('takes one unit from quotas in cost units', async () => {
    const { auth } = await verifying(growth({ quotas: [monthly(1, { unit: 'cost' })] }));
    expect([(await auth('')).status, (await auth('')).status]).toEqual([204, 429]);
  });
});

test('credits can be added to an external ID that looks like the ID of a user', async () => {
  const service = await startFrozen({
    env: { ADMIN_API_KEY: OPERATOR_KEY },
    tiers: growth({ credits: { ...prepaid, subject: 'owner' } }),
  });
  open.push(service);
  const add = (fields: object) =>
    act(service, 'addCredits', { subject: 'OWNER', amount: 3, idempotencyKey: 'a', ...fields }, OPERATOR_KEY);
  await createKey(service, { scopes: ['read:assets'], externalId: 'usr_of_the_shop' }, OPERATOR_KEY);
  expect(await add({ id: 'usr_of_the_shop' })).toEqual({ balance: 3, added: true });
  expect(await add({ id: 'usr_of_the_shop', workspaceId: 'default' })).toEqual({ balance: 3, added: false });
  // Nobody has it yet.
  await expect(add({ id: 'usr_later' })).rejects.toThrow('NOT_FOUND');
  expect(await add({ id: 'usr_later', workspaceId: 'default' })).toEqual({ balance: 3, added: true });
  // The user's keys are those of the external ID.
  const { user } = await act(service, 'addUser', { name: 'Ada', roles: ['admin'], externalId: 'ada' }, OPERATOR_KEY);
  expect(await add({ id: user.id })).toEqual({ balance: 3, added: true });
  expect(await add({ id: 'ada' })).toEqual({ balance: 3, added: false });
});
