import { tierTable } from '../../src/core/limits/tierTable.js';
import type { TierLimits } from '../../src/core/limits/tiers.js';
import type { Credits, Quota } from '../../src/core/quotas/quota.js';
import { createKey, OPERATOR_KEY } from '../support/service.js';
import { NOON, startFrozen, type FrozenService } from './frozen.js';
import { act } from './operations.js';

const ASK = '{ viewer { scopes } }';
const NEXT_MONTH = Date.UTC(2026, 3, 1);

const open: FrozenService[] = [];
afterEach(() => Promise.all(open.splice(0).map((service) => service.close())));

const monthly = (limit: number, fields: Partial<Quota> = {}): Quota => ({
  ...{ window: 'month', unit: 'requests', subject: 'key', limit },
  ...fields,
});
const prepaid: Credits = { unit: 'requests', subject: 'key', refill: null };

async function start(growth: Partial<TierLimits>, env: Record<string, string> = {}): Promise<FrozenService> {
  const tiers = tierTable({ GROWTH: { rate: 1_000, burst: 1_000, ...growth } });
  const service = await startFrozen({ env: { ADMIN_API_KEY: OPERATOR_KEY, ...env }, tiers });
  open.push(service);
  return service;
}

async function explain(service: FrozenService, keyId: string, document = ASK) {
  const { body } = await service.query(
    `query ($keyId: ID!, $document: String!) {
      explainAccess(keyId: $keyId, document: $document) {
        allowed reasons limited retryAfter room { quotas { used remaining } credits { balance } }
      }
    }`,
    { token: OPERATOR_KEY, variables: { keyId, document } },
  );
  expect(body.errors).toBeUndefined();
  return body.data.explainAccess;
}

test('foretells that a quota is used up and when it is renewed, and takes nothing', async () => {
  const service = await start({ quotas: [monthly(3)] });
  const { id, token } = await createKey(service, { scopes: ['read:assets'] }, OPERATOR_KEY);
  const room = (used: number) => ({ quotas: [{ used, remaining: 3 - used }], credits: null });
  for (let i = 0; i < 5; i += 1) {
    expect(await explain(service, id)).toEqual({
      ...{ allowed: true, reasons: [], limited: false, retryAfter: null, room: room(0) },
    });
  }
  // It is explained as an operation that counts as four requests.
  const four = '{ a: tiers { tier } b: tiers { tier } c: tiers { tier } d: tiers { tier } }';
  expect(await explain(service, id, four)).toMatchObject({ allowed: false, reasons: ['QUOTA_EXCEEDED'] });
  for (let i = 0; i < 3; i += 1) expect((await service.query(ASK, { token })).status).toBe(200);
  const seconds = (NEXT_MONTH - NOON) / 1_000;
  const [days, hours] = [Math.floor(seconds / 86_400), (seconds % 86_400) / 3_600];
  expect(await explain(service, id)).toEqual({
    ...{ allowed: false, reasons: ['QUOTA_EXCEEDED'], limited: true, room: room(3) },
    retryAfter: `P${days}DT${hours}H`,
  });
  // As the operation itself is refused.
  const refused = await service.query(ASK, { token });
  expect([refused.status, refused.body.errors[0].extensions.code]).toEqual([429, 'QUOTA_EXCEEDED']);
  service.pass(NEXT_MONTH - NOON);
  expect(await explain(service, id)).toMatchObject({ allowed: true, room: room(0) });
});

test('gives no time if credits must be added, and names a window and a balance that are both used up', async () => {
  const service = await start({ credits: prepaid });
  const { id, token } = await createKey(service, { scopes: ['read:assets'] }, OPERATOR_KEY);
  expect(await explain(service, id)).toMatchObject({ reasons: ['QUOTA_EXCEEDED'], limited: true, retryAfter: null });
  await act(service, 'setLimits', { subject: { type: 'API_KEY', id }, rate: 2, burst: 2 }, OPERATOR_KEY);
  await act(service, 'addCredits', { subject: 'KEY', id, amount: 2, idempotencyKey: 'a' }, OPERATOR_KEY);
  for (let i = 0; i < 2; i += 1) expect((await service.query(ASK, { token })).status).toBe(200);
  expect(await explain(service, id)).toMatchObject({ reasons: ['RATE_LIMITED', 'QUOTA_EXCEEDED'], retryAfter: null });
});

test('operations of administrators take nothing from quotas', async () => {
  const service = await start({ quotas: [monthly(1)] });
  const { id, token } = await createKey(service, { scopes: ['admin'] }, OPERATOR_KEY);
  expect((await service.query(ASK, { token })).status).toBe(200);
  expect(await explain(service, id)).toMatchObject({ reasons: ['QUOTA_EXCEEDED'] });
  expect(await explain(service, id, '{ apiKeys { nodes { id } } }')).toMatchObject({ allowed: true });
});

test.each([
  ['enforce', ['QUOTA_EXCEEDED'], 429],
  ['measure', [], 200],
])('quotas in cost units are foretold by the estimate with COST=%s', async (COST, reasons, status) => {
  const service = await start({ quotas: [monthly(20, { unit: 'cost' })] }, { COST });
  const { id, token } = await createKey(service, { scopes: ['read:assets'] }, OPERATOR_KEY);
  const many = '{ assets(first: 50) { name } }';
  expect(await explain(service, id, many)).toMatchObject({ reasons, room: { quotas: [{ used: 0 }] } });
  expect((await service.query(many, { token })).status).toBe(status);
  expect(await explain(service, id, '{ assets(first: 5) { name } }')).toMatchObject({ allowed: true });
});
