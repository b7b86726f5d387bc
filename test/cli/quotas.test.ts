import { tierTable } from '../../src/core/limits/tierTable.js';
import { act } from '../e2e/operations.js';
import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { expectGolden } from './golden.js';
import { latchkeyInOneProcess as latchkey } from './oneProcess.js';

const tiers = tierTable({
  ENTERPRISE: {
    owner: { rate: 300, burst: 60 },
    quotas: [
      { window: 'month', unit: 'requests', limit: 1_000, subject: 'owner', anchorDay: 15 },
      { window: 'day', unit: 'cost', limit: 9_000, subject: 'workspace' },
    ],
    credits: { unit: 'requests', subject: 'key', refill: { amount: 50, every: 'month' } },
    cost: { max: 5_000, rate: 50_000, burst: 9_000 },
  },
});

let service: TestService;
let env: Record<string, string>;
let key: { readonly id: string; readonly token: string };
beforeAll(async () => {
  service = await startService({
    env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE' },
    tiers,
  });
  env = { LATCHKEY_URL: service.url, LATCHKEY_API_KEY: OPERATOR_KEY };
  key = await createKey(service, { name: 'website', scopes: ['read:all'], externalId: 'cus_1' }, OPERATOR_KEY);
  for (let i = 0; i < 3; i += 1) await service.query('{ viewer { scopes } }', { token: key.token });
});
afterAll(() => service.close());

const run = (...args: string[]) => latchkey(args, { env });
const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).stdout);

/** Replaces the used and remaining units, which depend on earlier tests. */
const withoutUse = (text: string): string =>
  text.replace(/\d+( of \d+ [a-z ]+ used), \d+ left/g, 'N$1, N left').replace(/\d+( requests left;)/g, 'N$1');

test('keys show and whoami have the quotas, the credits and the limits of the cost', async () => {
  const shown = await run('keys', 'show', key.id);
  expect([shown.status, shown.stderr]).toEqual([0, '']);
  expectGolden('quotas-key', withoutUse(shown.stdout.replace(/^.*?(?=^Tier)/ms, '')));
  expect((await json('keys', 'show', key.id)).key.limits).toMatchObject({
    quotas: [
      { window: 'MONTH', unit: 'REQUESTS', subject: 'OWNER', limit: 1_000, used: 3, remaining: 997, source: 'TIER' },
      { window: 'DAY', unit: 'COST', subject: 'WORKSPACE', limit: 9_000 },
    ],
    credits: { unit: 'REQUESTS', subject: 'KEY', balance: 47, refill: { amount: 50, every: 'MONTH' } },
    cost: { max: 5_000, rate: { limit: 50_000 }, burst: { limit: 9_000 } },
  });
  const own = await latchkey(['whoami'], { env: { ...env, LATCHKEY_API_KEY: key.token } });
  expect(own.stdout).toMatch(
    /^Per month +\d of 1000 requests of the owner used, 99\d left; renewed at \d{4}-\d\d-15 00:00 UTC$/m,
  );
});

test('limits show has those of an owner, a project, a workspace and a key', async () => {
  const owner = await run('limits', 'show', 'external-id', 'cus_1');
  expect([owner.status, owner.stderr]).toEqual([0, '']);
  expectGolden('quotas-owner', withoutUse(owner.stdout));
  const { project } = await act(service, 'createProject', { name: 'Orders' }, OPERATOR_KEY);
  expect((await run('limits', 'show', 'project', project.id)).stdout).toMatch(/^Per minute +not limited together$/m);
  const { limits } = await json('limits', 'show', 'workspace', 'default');
  expect(limits).toMatchObject({
    ...{ type: 'WORKSPACE', id: 'default', rate: null, credits: null, override: null },
    quotas: [{ window: 'DAY', unit: 'COST', limit: 9_000 }],
  });
  expect((await json('limits', 'show', 'api-key', key.id)).limits.credits.refill.amount).toBe(50);
  const none = await run('limits', 'show', 'project', 'prj_none');
  expect([none.status, none.stderr]).toEqual([1, expect.stringContaining('no such subject')]);
});

test('limits set replaces quotas until an end, and limits list and show have them', async () => {
  const set = await run(
    ...['limits', 'set', 'external-id', 'cus_2', '--quota', 'month:5000:requests:15', '--quota', 'day:unlimited:cost'],
    ...['--until', '2099-01-31', '--reason', 'Launch'],
  );
  expect([set.status, set.stderr]).toEqual([0, '']);
  expect(set.stdout).toMatch(/^Quotas +5000\/month from day 15, unlimited cost units\/day$/m);
  const { limits } = await json('limits', 'list');
  expect(limits).toMatchObject([
    {
      ...{ type: 'EXTERNAL_ID', id: 'cus_2', rate: null, until: '2099-01-31T00:00:00.000Z', reason: 'Launch' },
      quotas: [
        { window: 'MONTH', unit: 'REQUESTS', limit: 5_000, anchorDay: 15 },
        { window: 'DAY', unit: 'COST', limit: null, anchorDay: null },
      ],
    },
  ]);
  expect((await run('limits', 'list')).stdout).toMatch(/^EXTERNAL_ID +cus_2 .*5000\/month from day 15/m);
  const shown = await run('limits', 'show', 'external-id', 'cus_2');
  expect(shown.stdout).toMatch(/^Per month +0 of 5000 requests of the owner used, 5000 left \(set for it\); /m);
  expect(shown.stdout).toMatch(/^Set until +2099-01-31 00:00\nReason +Launch$/m);
  expect((await run('limits', 'set', 'external-id', 'cus_2', '--no-quotas')).stdout).toMatch(/^Quotas +none$/m);
  expect((await json('limits', 'show', 'external-id', 'cus_2')).limits.quotas).toEqual([]);
});

test.each([
  ['week:5', 'Write a quota as month:100000'],
  ['month:0', 'from 1 to 2147483647'],
  ['day:5:requests:2', 'only months have one'],
  ['month:5:cost:32', 'from 1 to 31'],
])('limits set rejects the quota %s', async (quota, message) => {
  const { status, stderr } = await run('limits', 'set', 'workspace', 'default', '--quota', quota);
  expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
});

test('credits are added once, and shown', async () => {
  const before = (await json('credits', 'show', 'key', key.id)).credits.balance;
  const add = () => run('credits', 'add', 'key', key.id, '200', '--idempotency-key', 'invoice-7');
  const added = await add();
  expect([added.status, added.stderr]).toEqual([0, '']);
  expect(added.stdout).toMatch(/^Balance +\d+\nAdded +now\n$/);
  expect((await add()).stdout).toMatch(/^Added +by an earlier command with this text$/m);
  expect((await json('credits', 'show', 'key', key.id)).credits).toMatchObject({
    ...{
      unit: 'REQUESTS',
      subject: 'KEY',
      balance: before + 200,
      refill: { amount: 50, every: 'MONTH', anchorDay: 1 },
    },
  });
  const shown = await run('credits', 'show', 'key', key.id);
  expect(shown.stdout).toMatch(/^\d+ requests left; raised to 50\/month, next at \d{4}-\d\d-01 00:00 UTC\n$/);
  expect((await run('credits', 'show', 'owner', 'cus_1')).stdout).toBe(
    'The tier ENTERPRISE defines no credits with the subject owner.\n',
  );
});
