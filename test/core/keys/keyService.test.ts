import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixedScopes } from './fixedScopes.js';
import { BcryptGate } from '../../../src/core/keys/bcryptGate.js';
import type { Actor } from '../../../src/core/keys/actor.js';
import { KeyMinter } from '../../../src/core/keys/minter.js';
import { KeyService, type CreateKeyInput } from '../../../src/core/keys/keyService.js';
import { DEFAULT_PREFIXES, parseToken } from '../../../src/core/keys/token.js';
import type { RefusalDetails } from '../../../src/core/errors/refusal.js';
import type { KeyRecord, Tier } from '../../../src/core/store/records.js';
import type { Store } from '../../../src/core/store/store.js';
import { openStoreHere } from '../../support/storeHere.js';

const NOON = Date.UTC(2026, 2, 1, 12);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const KNOWN = ['admin', 'platform', 'read:all', 'read:assets', 'write:all', 'write:assets'];

let dir: string;
let store: Store;
let gate: BcryptGate;
let keys: KeyService;
let now: number;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-keys-'));
  store = await openStoreHere(dir);
  now = NOON;
  gate = new BcryptGate({ cost: 4 });
  const minter = new KeyMinter({ gate, peppers: null, prefixes: { ...DEFAULT_PREFIXES, CLIENT: 'pub' } });
  keys = new KeyService({ store, minter, knownScopes: fixedScopes(KNOWN), now: () => now });
  for (const [id, tier] of [
    ['ws_a', 'GROWTH'],
    ['ws_b', 'GROWTH'],
    ['ws_trial', 'FREE_TRIAL'],
  ] as const) {
    await store.workspaces.ensure({ id, name: id, tier, createdAt: NOON });
  }
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

const actorIn = (workspaceId: string, ...scopes: string[]): Actor => ({
  kind: 'oidc',
  keyId: 'key_actor',
  familyId: 'fam_actor',
  workspaceId,
  projectId: null,
  userId: null,
  tier: 'GROWTH' satisfies Tier,
  keyType: 'SECRET',
  scopes,
  trustedDocuments: null,
});
const admin = actorIn('ws_a', 'admin');
const stranger = actorIn('ws_b', 'admin');
const platform = actorIn('default', 'platform');

const wanted: CreateKeyInput = { name: 'Deployment', scopes: ['read:assets'], type: 'SECRET', environment: 'LIVE' };
const create = (fields: Partial<CreateKeyInput> = {}, actor = admin) => keys.create(actor, { ...wanted, ...fields });

async function expectRefusal(act: Promise<unknown>, details: Partial<RefusalDetails>): Promise<void> {
  await expect(act).rejects.toMatchObject({ details });
}

async function stored(id: string): Promise<KeyRecord> {
  const key = await store.keys.find(id, null);
  if (key === null) throw new Error('The key is gone.');
  return key;
}

describe('create', () => {
  it('stores the chosen fields, and only a hash of the secret', async () => {
    const { key, token } = await create({ type: 'CLIENT', environment: 'TEST', expiresAt: NOON + DAY });
    const parts = parseToken(token);
    expect(parts?.tokenPrefix).toBe('pub_test');
    expect(await stored(key.id)).toEqual(key);
    expect(key).toMatchObject({
      name: 'Deployment',
      scopes: ['read:assets'],
      type: 'CLIENT',
      environment: 'TEST',
      workspaceId: 'ws_a',
      createdBy: 'key_actor',
      createdAt: NOON,
      expiresAt: NOON + DAY,
      lifetime: DAY,
      lookupId: parts?.lookupId,
      digest: null,
    });
    const row = JSON.stringify(key);
    expect(row).not.toContain(parts?.secret);
    expect(row).not.toContain(token);
  });

  it.each([NOON, NOON - 1, -1])('refuses an expiry that is not in the future: %d', async (expiresAt) => {
    await expectRefusal(create({ expiresAt }), { code: 'BAD_USER_INPUT', path: ['input', 'expiresAt'] });
  });

  it('creates as many keys as the tier allows, without counting revoked and expired ones', async () => {
    const made = [];
    for (let i = 0; i < 10; i++) made.push(await create(i === 0 ? { expiresAt: NOON + HOUR } : {}));
    await expectRefusal(create(), { code: 'KEY_LIMIT_REACHED', max: 10, current: 10 });
    await keys.revoke(admin, { id: made[5]?.key.id ?? '' });
    await create();
    await expectRefusal(create(), { code: 'KEY_LIMIT_REACHED', max: 10, current: 10 });
    now = NOON + HOUR;
    await create();
  });

  // If a refusal cost a bcrypt run, anyone with a full workspace could stall the server.
  it('runs no bcrypt for refused requests', async () => {
    await create({ workspaceId: 'ws_trial' }, platform);
    const before = gate.counts.hashes;
    await expectRefusal(create({ workspaceId: 'ws_trial' }, platform), {
      code: 'KEY_LIMIT_REACHED',
      max: 1,
      current: 1,
    });
    await expectRefusal(create({ scopes: ['platform'] }), { code: 'SCOPE_NOT_HELD' });
    await expectRefusal(create({ name: '' }), { code: 'BAD_USER_INPUT' });
    expect(gate.counts.hashes).toBe(before);
  });

  it.each(['CLIENT', 'READ_ONLY'] as const)('is refused to %s keys, whatever their scopes', async (keyType) => {
    const actor = { ...admin, keyType };
    const { key } = await create();
    for (const act of [
      () => create({}, actor),
      () => keys.rotate(actor, { id: key.id, overlap: 0 }),
      () => keys.update(actor, { id: key.id, name: 'x' }),
    ]) {
      await expectRefusal(act(), { code: 'FORBIDDEN' });
    }
  });
});

describe('rotate', () => {
  it('creates a key with the same family, name, scopes, type and environment', async () => {
    const { key: old } = await create({ type: 'CLIENT', environment: 'TEST', scopes: ['read:all', 'write:assets'] });
    now += HOUR;
    const { key, token } = await keys.rotate(admin, { id: old.id, overlap: DAY });
    // Another product used only the prefix up to the first underscore.
    expect(token.startsWith('pub_test_')).toBe(true);
    const { workspaceId, familyId, name, scopes, type, environment } = old;
    expect(key).toMatchObject({ workspaceId, familyId, name, scopes, type, environment, replaces: old.id });
    expect(await stored(old.id)).toMatchObject({ replacedBy: key.id, expiresAt: now + DAY, revokedAt: null });
  });

  // Another product extends the expiry of the old key.
  it('never extends the old key', async () => {
    const { key: old } = await create({ expiresAt: NOON + HOUR });
    await keys.rotate(admin, { id: old.id, overlap: DAY });
    expect((await stored(old.id)).expiresAt).toBe(NOON + HOUR);
  });

  it('expires the old key immediately without an overlap', async () => {
    const { key: old } = await create();
    await keys.rotate(admin, { id: old.id, overlap: 0 });
    expect((await stored(old.id)).expiresAt).toBe(now);
  });

  it('restarts a chosen lifetime, and keeps an expiry that is a date', async () => {
    const { key: lived } = await create({ expiresAt: NOON + DAY });
    const { key: dated } = await create();
    await keys.expire(admin, { id: dated.id, at: NOON + 2 * DAY });
    now += HOUR;
    expect((await keys.rotate(admin, { id: lived.id, overlap: 0 })).key.expiresAt).toBe(now + DAY);
    expect((await keys.rotate(admin, { id: dated.id, overlap: 0 })).key.expiresAt).toBe(NOON + 2 * DAY);
  });

  it('F6: rotates a key that expires in the year 9999 to one that expires no later', async () => {
    const last = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
    const { key } = await create({ expiresAt: last });
    const { key: dated } = await create();
    await keys.expire(admin, { id: dated.id, at: last });
    now += HOUR;
    const { key: heir } = await keys.rotate(admin, { id: key.id, overlap: 90 * DAY });
    expect([heir.expiresAt, heir.lifetime]).toEqual([last, last - NOON]);
    expect((await keys.find(admin, key.id))?.expiresAt).toBe(now + 90 * DAY);
    now += HOUR;
    expect((await keys.rotate(admin, { id: heir.id, overlap: 0 })).key.expiresAt).toBe(last);
    expect((await keys.rotate(admin, { id: dated.id, overlap: 0 })).key.expiresAt).toBe(last);
  });

  it('needs no second place: a FREE_TRIAL workspace can rotate', async () => {
    const { key } = await create({ workspaceId: 'ws_trial' }, platform);
    const { key: heir } = await keys.rotate(platform, { id: key.id, overlap: DAY });
    await keys.rotate(platform, { id: heir.id, overlap: DAY });
    await expectRefusal(create({ workspaceId: 'ws_trial' }, platform), { code: 'KEY_LIMIT_REACHED', current: 1 });
  });

  it('replaces a key once, even for concurrent calls', async () => {
    const { key } = await create();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => keys.rotate(admin, { id: key.id, overlap: DAY })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expectRefusal(keys.rotate(admin, { id: key.id, overlap: 0 }), {
      code: 'BAD_USER_INPUT',
      path: ['input', 'id'],
    });
    expect(await store.keys.count('ws_a', {}, now)).toBe(2);
  });

  it('limits the overlap to 90 days', async () => {
    const { key } = await create();
    await expectRefusal(keys.rotate(admin, { id: key.id, overlap: 90 * DAY + 1 }), { path: ['input', 'overlap'] });
    await keys.rotate(admin, { id: key.id, overlap: 90 * DAY });
  });
});

describe('N8: a refusal says exactly what cannot be done with the key', () => {
  const saidBy = (act: Promise<unknown>): Promise<string> =>
    act.then(
      () => 'done',
      (error: unknown) => (error as Error).message,
    );
  const later = (id: string) => keys.expire(admin, { id, at: now + 2 * DAY });

  it('a replaced key can expire earlier but not later', async () => {
    const { key: old } = await create();
    const { key } = await keys.rotate(admin, { id: old.id, overlap: DAY });
    await expectRefusal(later(old.id), { code: 'BAD_USER_INPUT', path: ['input', 'at'] });
    expect(await saidBy(later(old.id))).toBe(
      `The key was replaced by ${key.id}, so it cannot expire later than ${new Date(NOON + DAY).toISOString()}. Choose an earlier time, or use that key instead.`,
    );
    expect((await keys.expire(admin, { id: old.id, at: NOON + HOUR })).expiresAt).toBe(NOON + HOUR);
    expect(await saidBy(keys.rotate(admin, { id: old.id, overlap: 0 }))).toBe(
      `The key was replaced by ${key.id} and cannot be rotated again. Use that key instead.`,
    );
    expect((await keys.update(admin, { id: old.id, name: 'renamed' })).name).toBe('renamed');
    now += HOUR;
    for (const [act, said] of [
      [() => later(old.id), 'has expired, so its expiry cannot be changed'],
      [() => keys.update(admin, { id: old.id, name: 'revived' }), 'has expired and cannot be changed'],
    ] as const) {
      expect(await saidBy(act())).toBe(`The key ${said}. It was replaced by ${key.id}: use that key.`);
    }
  });

  it.each([
    ['revoked', 'is revoked'],
    ['expired', 'has expired'],
  ])('a key that is %s', async (how, state) => {
    const { key } = await create({ expiresAt: NOON + HOUR });
    if (how === 'revoked') await keys.revoke(admin, { id: key.id });
    else now = NOON + HOUR;
    expect(await saidBy(later(key.id))).toBe(`The key ${state}, so its expiry cannot be changed. Create a new one.`);
    for (const [act, verb] of [
      [() => keys.rotate(admin, { id: key.id, overlap: 0 }), 'rotated'],
      [() => keys.update(admin, { id: key.id, name: 'revived' }), 'changed'],
    ] as const) {
      expect(await saidBy(act())).toBe(`The key ${state} and cannot be ${verb}. Create a new one.`);
    }
  });
});

describe('ended keys', () => {
  it.each(['revoked', 'expired'])('refuses to rotate, expire or update a key that is %s', async (how) => {
    const { key } = await create({ expiresAt: NOON + HOUR });
    if (how === 'revoked') await keys.revoke(admin, { id: key.id });
    else now = NOON + HOUR;
    const before = await stored(key.id);
    for (const act of [
      () => keys.rotate(admin, { id: key.id, overlap: 0 }),
      () => keys.expire(admin, { id: key.id, at: now + DAY }),
      () => keys.update(admin, { id: key.id, name: 'revived', scopes: ['read:all'] }),
    ]) {
      await expectRefusal(act(), { code: 'BAD_USER_INPUT', path: ['input', 'id'] });
    }
    expect(await stored(key.id)).toEqual(before);
  });

  it('revokes a revoked key without an error or a change', async () => {
    const { key } = await create();
    const first = await keys.revoke(admin, { id: key.id, reason: 'leaked' });
    now += HOUR;
    expect(await keys.revoke(admin, { id: key.id, reason: 'again' })).toEqual(first);
    expect(first).toMatchObject({ revokedAt: NOON, revokedReason: 'leaked' });
  });

  it('revokes an expired key, and treats an end in the past as now', async () => {
    const { key } = await create();
    expect((await keys.expire(admin, { id: key.id, at: NOON - DAY })).expiresAt).toBe(NOON);
    expect((await keys.revoke(admin, { id: key.id })).revokedAt).toBe(NOON);
  });
});

describe('scopes', () => {
  it('can only be granted, rotated and updated by a key that has them', async () => {
    const { key } = await keys.create(platform, { ...wanted, scopes: ['platform'], workspaceId: 'ws_a' });
    const lacking = { code: 'SCOPE_NOT_HELD', missing: ['platform'] } as const;
    const plain = await create();
    await expectRefusal(create({ scopes: ['admin', 'platform'] }), lacking);
    await expectRefusal(keys.rotate(admin, { id: key.id, overlap: 0 }), lacking);
    await expectRefusal(keys.update(admin, { id: key.id, scopes: ['read:all'] }), lacking);
    await expectRefusal(keys.update(admin, { id: key.id, name: 'mine' }), lacking);
    await expectRefusal(keys.update(admin, { id: plain.key.id, scopes: ['platform'] }), lacking);
    expect((await stored(key.id)).scopes).toEqual(['platform']);
    expect((await keys.update(platform, { id: key.id, scopes: ['read-only'] })).scopes).toEqual(['read:all']);
  });

  it('stay below the ceiling of the type in an update', async () => {
    const { key } = await create({ type: 'READ_ONLY', scopes: ['read:all'] });
    await expectRefusal(keys.update(admin, { id: key.id, scopes: ['write:all'] }), { path: ['input', 'scopes', 0] });
  });

  it('refuses an update without a change', async () => {
    const { key } = await create();
    await expectRefusal(keys.update(admin, { id: key.id, name: null, scopes: null }), { path: ['input'] });
  });
});

describe('isolation', () => {
  const refusalOf = async (act: Promise<unknown>): Promise<unknown> =>
    act.then(
      () => 'nothing was refused',
      (error: unknown) => ({ ...(error as Error & { details: object }).details, message: (error as Error).message }),
    );

  it('returns the same error for a key of another workspace as for a missing key', async () => {
    const { key } = await create();
    const acts = [
      (id: string) => keys.rotate(stranger, { id, overlap: 0 }),
      (id: string) => keys.expire(stranger, { id, at: now }),
      (id: string) => keys.revoke(stranger, { id }),
      (id: string) => keys.update(stranger, { id, name: 'x' }),
    ];
    for (const act of acts) {
      const unknown = await refusalOf(act('key_0000000000000000'));
      expect(unknown).toMatchObject({ code: 'NOT_FOUND' });
      expect(await refusalOf(act(key.id))).toEqual(unknown);
    }
    expect(await keys.find(stranger, key.id)).toBeNull();
    expect(await stored(key.id)).toEqual(key);
  });

  it('returns the same error for its workspace', async () => {
    const list = (workspaceId: string) => keys.list(stranger, { workspaceId, first: 1, after: null, filter: {} });
    expect(await refusalOf(list('ws_a'))).toEqual(await refusalOf(list('ws_nowhere')));
    expect(await refusalOf(create({ workspaceId: 'ws_a' }, stranger))).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('allows platform to access every workspace', async () => {
    const { key } = await create();
    expect(await keys.find(platform, key.id)).toEqual(key);
    const page = await keys.list(platform, { workspaceId: 'ws_a', first: 10, after: null, filter: {} });
    expect(page.keys.map(({ id }) => id)).toEqual([key.id]);
    await keys.revoke(platform, { id: key.id });
  });

  it.each(['key_\0', 'key_ä', '', 'x'.repeat(100_000), "key_' OR 1=1", '\ud800'])(
    'returns NOT_FOUND for an impossible ID: %j',
    async (id) => {
      expect(await keys.find(admin, id)).toBeNull();
      await expectRefusal(keys.revoke(admin, { id }), { code: 'NOT_FOUND' });
      await expectRefusal(create({ workspaceId: id }, platform), { code: 'NOT_FOUND' });
    },
  );
});

describe('list', () => {
  const page = (fields: Partial<Parameters<KeyService['list']>[1]> = {}) =>
    keys.list(admin, { workspaceId: null, first: 50, after: null, filter: {}, ...fields });

  it.each([0, -1, 101])('refuses a page of %d keys', (first) =>
    expectRefusal(page({ first }), { code: 'BAD_USER_INPUT', path: ['first'] }),
  );

  it.each([
    [{ nameContains: 'a\0' }, 'nameContains'],
    [{ nameContains: 'x'.repeat(101) }, 'nameContains'],
    [{ scope: 'read:assets\0' }, 'scope'],
    [{ scope: 'read-only' }, 'scope'],
  ])('refuses the filter %j', (filter, field) => expectRefusal(page({ filter }), { path: ['filter', field] }));

  it('filters', async () => {
    await create({ name: 'Alpha 100%', type: 'CLIENT' });
    const { key } = await create({ name: 'beta', environment: 'TEST', scopes: ['write:all'] });
    const names = async (filter: Parameters<typeof page>[0]) => (await page(filter)).keys.map(({ name }) => name);
    expect(await names({ filter: { nameContains: 'ALPHA' } })).toEqual(['Alpha 100%']);
    expect(await names({ filter: { nameContains: '%' } })).toEqual(['Alpha 100%']);
    expect(await names({ filter: { nameContains: '_' } })).toEqual([]);
    expect(await names({ filter: { type: 'CLIENT' } })).toEqual(['Alpha 100%']);
    expect(await names({ filter: { environment: 'TEST' } })).toEqual(['beta']);
    expect(await names({ filter: { scope: 'write:all' } })).toEqual(['beta']);
    await keys.revoke(admin, { id: key.id });
    expect(await names({ filter: { status: 'REVOKED' } })).toEqual(['beta']);
    expect(await names({ filter: { status: 'EXPIRED' } })).toEqual([]);
  });
});
