import { NOON, openHarness, type Harness } from '../harness.js';
import { KeyVerifier } from '../../../../src/core/auth/verification/keyVerifier.js';
import { authenticated, type AuthenticatedPrincipal } from '../../../../src/core/auth/principal.js';
import type { Asked } from '../../../../src/core/auth/verification/verification.js';
import { mintToken } from '../../../../src/core/keys/token.js';
import { Limiter } from '../../../../src/core/limits/limiter.js';
import { tierTable } from '../../../../src/core/limits/tierTable.js';
import { Meters } from '../../../../src/core/quotas/meters.js';
import type { Refusal } from '../../../../src/core/errors/refusal.js';

let latchkey: Harness;
beforeEach(async () => void (latchkey = await openHarness()));
afterEach(() => latchkey.close());

const CALLER: AuthenticatedPrincipal = authenticated({
  kind: 'key',
  keyId: 'key_caller',
  familyId: 'key_caller',
  workspaceId: 'default',
  projectId: null,
  userId: null,
  tier: 'GROWTH',
  keyType: 'SECRET',
  scopes: ['verify:keys'],
});

const asks = (token: string, more: Partial<Asked> = {}): Asked => ({
  token,
  scopes: [],
  cost: 0,
  address: null,
  ...more,
});

function open(tiers = tierTable()) {
  const admitted: [string, number][] = [];
  const refused: [string | null, string][] = [];
  const limits = new Limiter({ clock: () => latchkey.clock.now, tiers });
  const authenticator = latchkey.authenticator();
  const verifier = new KeyVerifier({
    authenticator,
    limits,
    meters: new Meters({ store: latchkey.store.quotas, now: () => latchkey.clock.now }),
    cost: 'enforce',
    log: {
      admitted: ({ keyId }, cost) => void admitted.push([keyId, cost]),
      refused: (principal, { details }) => void refused.push([principal?.keyId ?? null, details.code]),
    },
  });
  const one = async (token: string, more: Partial<Asked> = {}, caller = CALLER) =>
    (await verifier.verify(caller, [asks(token, more)]))[0];
  return { authenticator, verifier, limits, admitted, refused, one };
}

const codeOf = (error: unknown) => (error as Refusal).details.code;

describe('store reads', () => {
  it('a known key is verified without a read', async () => {
    const { one } = open();
    const { token } = await latchkey.issue();
    await one(token);
    latchkey.reads.splice(0);
    for (let i = 0; i < 10; i += 1) expect(await one(token, { cost: 1 })).toMatchObject({ active: true });
    expect(latchkey.reads).toEqual([]);
  });

  it('an unknown token takes one read, however often a batch has it', async () => {
    const { verifier, one } = open();
    const { token } = mintToken('lks', 'LIVE');
    const results = await verifier.verify(CALLER, Array(10).fill(asks(token)));
    expect(results).toEqual(Array(10).fill({ active: false, reason: null }));
    await one(token);
    expect(latchkey.reads).toEqual(['findForVerification']);
  });

  it('a text with a wrong checksum takes none', async () => {
    const { one } = open();
    expect(await one('lks_live_0123456789abcdef0123456789abcdef0123456789abcdef000000')).toEqual({
      active: false,
      reason: null,
    });
    expect(latchkey.reads).toEqual([]);
  });
});

describe('wrong tokens', () => {
  it('are counted as failures of the calling key, and no other key is refused because of them', async () => {
    const { one } = open();
    const { token: valid } = await latchkey.issue();
    expect(await one(valid)).toMatchObject({ active: true });
    const { token: uncached } = await latchkey.issue();
    const seen = new Map<string, number>();
    for (let i = 0; i < 400; i += 1) {
      const result = await one(mintToken('lks', 'LIVE').token);
      const reason = String(result !== undefined && !result.active && result.reason);
      seen.set(reason, (seen.get(reason) ?? 0) + 1);
    }
    // 300 in a minute, and after that 20 look-ups a second, whose result stays hidden.
    expect(Object.fromEntries(seen)).toEqual({ null: 300, unchecked: 100 });
    expect(latchkey.reads.length).toBeLessThanOrEqual(2 + 300 + 20);
    expect(await one(valid)).toMatchObject({ active: true });
    const other = authenticated({ ...CALLER, familyId: 'key_other' });
    expect(await one(uncached, {}, other)).toMatchObject({ active: true });
  });

  it('are not counted for an address, which a caller could choose to lock others out', async () => {
    const { one, authenticator } = open();
    for (let i = 0; i < 400; i += 1) await one(mintToken('lks', 'LIVE').token, { address: '203.0.113.7' });
    await expect(authenticator.authenticate(mintToken('lks', 'LIVE').token, '203.0.113.7')).rejects.toMatchObject({
      details: { code: 'UNAUTHENTICATED', reason: 'unknown' },
    });
  });
});

describe('the verification windows of the caller', () => {
  const tiers = tierTable({ VERIFICATION: { rate: 10, burst: 4 } });

  it('take all tokens of a request or none, apart from the own windows of the key', async () => {
    const { verifier, limits } = open(tiers);
    await verifier.take(CALLER, 3);
    const details = { code: 'RATE_LIMITED', retryAfter: 1, limit: 4, window: 1, category: 'verification' };
    await expect(verifier.take(CALLER, 2)).rejects.toMatchObject({ details });
    await verifier.take(CALLER, 1);
    await expect(verifier.assertRoom(CALLER)).rejects.toMatchObject({ details: { code: 'RATE_LIMITED' } });
    expect(limits.peek({ family: CALLER.familyId, tier: 'GROWTH' }).rate.remaining).toBe(500);
  });

  it('never fit more than their burst', async () => {
    const { verifier } = open(tiers);
    const error: unknown = await verifier.take(CALLER, 5).catch((refusal: unknown) => refusal);
    expect(codeOf(error)).toBe('COST_EXCEEDS_BURST');
    await verifier.assertRoom(CALLER);
  });
});

describe('a cost', () => {
  it('is taken from the windows of the key completely or not at all, in the order of the batch', async () => {
    const { verifier, limits, admitted, refused } = open(tierTable({ GROWTH: { rate: 20, burst: 10 } }));
    const { token, key } = await latchkey.issue();
    const results = await verifier.verify(CALLER, [
      asks(token, { cost: 6 }),
      asks(token, { cost: 5 }),
      asks(token, { cost: 4 }),
      asks(token, { cost: 11 }),
    ]);
    expect(results).toMatchObject([
      { active: true, left: { room: { burst: { remaining: 4 } } } },
      { active: false, reason: 'limit', retryAfter: 1, left: { room: { burst: { remaining: 4 } } } },
      { active: true, left: { room: { burst: { remaining: 0 } } } },
      { active: false, reason: 'cost' },
    ]);
    expect(limits.peek({ family: key.familyId, tier: 'GROWTH' }).rate.remaining).toBe(10);
    expect(admitted).toEqual([
      [key.id, 6],
      [key.id, 4],
    ]);
    expect(refused).toEqual([
      [key.id, 'RATE_LIMITED'],
      [key.id, 'COST_EXCEEDS_BURST'],
    ]);
  });

  it('is exact for verifications at the same time', async () => {
    const { verifier } = open(tierTable({ GROWTH: { rate: 20, burst: 10 } }));
    const { token } = await latchkey.issue();
    const results = await Promise.all(
      Array.from({ length: 30 }, () => verifier.verify(CALLER, [asks(token, { cost: 1 })])),
    );
    expect(results.flat().filter(({ active }) => active)).toHaveLength(10);
  });

  it('is not taken if a scope is missing, and the key is not used if its address is not allowed', async () => {
    const { one, limits, refused } = open();
    const { token, key } = await latchkey.issue({ allowedAddresses: ['203.0.113.0/24'] });
    expect(await one(token, { cost: 1, address: '198.51.100.1' })).toMatchObject({ active: false, reason: 'address' });
    expect(await one(token, { cost: 1 })).toMatchObject({ active: false, reason: 'address' });
    expect(latchkey.uses).toEqual([]);
    const missing = { active: false, reason: 'scope', missing: ['write:assets'] };
    expect(
      await one(token, { cost: 1, address: '203.0.113.9', scopes: ['read:assets', 'write:assets'] }),
    ).toMatchObject(missing);
    expect(limits.peek({ family: key.familyId, tier: 'GROWTH' }).rate.remaining).toBe(500);
    expect(refused.map(([, code]) => code)).toEqual(['ADDRESS_NOT_ALLOWED', 'ADDRESS_NOT_ALLOWED', 'FORBIDDEN']);
    expect(latchkey.uses).toEqual([[key.id, NOON]]);
  });
});

describe('what a caller sees', () => {
  it('reveals nothing about another workspace: no reason, no use and no refusal of its keys', async () => {
    const { one, refused, admitted } = open();
    await latchkey.store.workspaces.ensure({ id: 'ws_other', name: 'Other', tier: 'GROWTH', createdAt: NOON });
    const { token, key } = await latchkey.issue({ workspaceId: 'ws_other', allowedAddresses: ['203.0.113.7'] });
    const gone = await latchkey.issue({ workspaceId: 'ws_other', expiresAt: NOON - 1 });
    for (const asked of [{}, { scopes: ['admin'] }, { cost: 1_000 }, { address: '198.51.100.1' }]) {
      expect(await one(token, asked)).toEqual({ active: false, reason: null });
      expect(await one(gone.token, asked)).toEqual({ active: false, reason: null });
    }
    expect([latchkey.uses, refused, admitted]).toEqual([[], [], []]);
    const platform = authenticated({ ...CALLER, scopes: ['platform'] });
    expect(await one(token, { address: '203.0.113.7' }, platform)).toMatchObject({ active: true });
    expect(await one(gone.token, {}, platform)).toMatchObject({ reason: 'expired', principal: { keyId: gone.key.id } });
    expect(latchkey.uses).toEqual([[key.id, NOON]]);
  });

  it('is only its project, if it is restricted to one', async () => {
    const { one } = open();
    const inProject = authenticated({ ...CALLER, projectId: 'prj_1' });
    const { token } = await latchkey.issue();
    expect(await one(token, {}, inProject)).toEqual({ active: false, reason: null });
    // Not even with `platform`, which a restricted key can't use.
    const strong = authenticated({ ...inProject, scopes: ['platform'] });
    expect(await one(token, {}, strong)).toEqual({ active: false, reason: null });
  });

  it.each([
    ['revoked', async (id: string) => void (await latchkey.store.keys.revoke(id, null, null, { at: NOON }))],
    ['expired', async () => void (latchkey.clock.now += 60_000)],
  ] as const)('includes that a key of its own workspace was %s, without using it', async (reason, end) => {
    const { one, authenticator } = open();
    const { token, key } = await latchkey.issue({ expiresAt: NOON + 60_000 });
    await end(key.id);
    authenticator.forget(null);
    expect(await one(token, { cost: 1 })).toMatchObject({ active: false, reason, principal: { keyId: key.id } });
    expect(latchkey.uses).toEqual([]);
  });

  it('is that a key which is bound to documents can do nothing else', async () => {
    const { one } = open();
    const { token } = await latchkey.issue({ trustedDocuments: ['a'.repeat(64)] });
    expect(await one(token)).toMatchObject({ active: false, reason: 'documents' });
  });
});

it('reports a token that cannot be looked up as unchecked, and the others of the batch as usual', async () => {
  const { verifier, one } = open();
  const { token } = await latchkey.issue();
  await one(token);
  const { store } = latchkey;
  latchkey.readFrom({
    ...store,
    keys: { ...store.keys, findForVerification: () => Promise.reject(new Error('gone')) },
  });
  const results = await verifier.verify(CALLER, [asks(mintToken('lks', 'LIVE').token), asks(token)]);
  expect(results).toMatchObject([
    { active: false, reason: 'unchecked', refusal: { details: { code: 'UNAVAILABLE' } } },
    { active: true },
  ]);
});

it('refuses callers without the scope', () => {
  const { verifier } = open();
  for (const scopes of [['verify:keys'], ['verify:all'], ['admin'], ['platform']]) {
    expect(verifier.callerOf(authenticated({ ...CALLER, scopes }))).toMatchObject({ scopes });
  }
  for (const scopes of [[], ['read:all', 'write:all'], ['read:keys']]) {
    expect(() => verifier.callerOf(authenticated({ ...CALLER, scopes }))).toThrow(/lacks verify:keys/);
  }
});
