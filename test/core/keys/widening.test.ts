import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { fixedScopes } from './fixedScopes.js';
import type { Actor } from '../../../src/core/keys/actor.js';
import { BcryptGate } from '../../../src/core/keys/bcryptGate.js';
import { KeyMinter } from '../../../src/core/keys/minter.js';
import { KeyService, type CreateKeyInput } from '../../../src/core/keys/keyService.js';
import { DEFAULT_PREFIXES } from '../../../src/core/keys/token.js';
import { loosens, prolongs } from '../../../src/core/keys/widening.js';
import { Ceilings } from '../../../src/core/scopes/ceilings.js';
import type { KeyRecord } from '../../../src/core/store/records.js';
import { openStoreHere } from '../../support/storeHere.js';
import type { Store } from '../../../src/core/store/store.js';

const NOON = Date.UTC(2026, 2, 1, 12);
const HOUR = 3_600_000;
const FAR = Date.UTC(2099, 0, 1);

let dir: string;
let store: Store;
let keys: KeyService;
let ceilings: Ceilings;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-widening-'));
  store = await openStoreHere(dir);
  ceilings = new Ceilings();
  keys = new KeyService({
    store,
    minter: new KeyMinter({ gate: new BcryptGate({ cost: 4 }), peppers: null, prefixes: DEFAULT_PREFIXES }),
    knownScopes: fixedScopes(['admin', 'platform', 'read:all', 'read:assets', 'write:assets']),
    ceilings: () => ceilings,
    now: () => NOON,
  });
  await store.workspaces.ensure({ id: 'ws_a', name: 'a', tier: 'ENTERPRISE', createdAt: NOON });
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

const actor = (fields: Partial<Actor> = {}): Actor => ({
  kind: 'oidc',
  keyId: 'key_actor',
  familyId: 'fam_actor',
  workspaceId: 'ws_a',
  projectId: null,
  userId: null,
  tier: 'ENTERPRISE',
  keyType: 'SECRET',
  scopes: ['admin'],
  trustedDocuments: null,
  ...fields,
});
const admin = actor();
const platform = actor({ scopes: ['platform'] });

const wanted: CreateKeyInput = { name: 'Key', scopes: ['read:assets'], type: 'SECRET', environment: 'LIVE' };
const create = async (fields: Partial<CreateKeyInput> = {}): Promise<KeyRecord> =>
  (await keys.create(platform, { ...wanted, expiresAt: NOON + HOUR, ...fields })).key;

/** Checks that the act is refused with the code, and that the store's key and audit log did not change. */
async function expectRefused(key: KeyRecord, act: Promise<unknown>, code: string): Promise<void> {
  const entries = await store.audit.head(key.workspaceId);
  await expect(act).rejects.toMatchObject({ details: { code } });
  expect(await store.keys.find(key.id, null)).toEqual(key);
  expect(await store.audit.head(key.workspaceId)).toEqual(entries);
}

describe('R7: a later end', () => {
  it('R7: is refused to a caller without the scopes of the key', async () => {
    const key = await create({ scopes: ['platform'] });
    await expectRefused(key, keys.expire(admin, { id: key.id, at: FAR }), 'SCOPE_NOT_HELD');
    await expectRefused(key, keys.expire(admin, { id: key.id, at: NOON + HOUR + 1 }), 'SCOPE_NOT_HELD');
    expect((await keys.expire(platform, { id: key.id, at: FAR })).expiresAt).toBe(FAR);
  });

  it('R7: allows every admin to set an earlier end, or the first one', async () => {
    const key = await create({ scopes: ['platform'] });
    expect((await keys.expire(admin, { id: key.id, at: NOON + HOUR })).expiresAt).toBe(NOON + HOUR);
    expect((await keys.expire(admin, { id: key.id, at: NOON + HOUR - 1 })).expiresAt).toBe(NOON + HOUR - 1);
    const endless = await create({ scopes: ['platform'], expiresAt: null });
    expect((await keys.expire(admin, { id: endless.id, at: FAR })).expiresAt).toBe(FAR);
    await expectRefused(
      { ...endless, expiresAt: FAR },
      keys.expire(admin, { id: endless.id, at: FAR + 1 }),
      'SCOPE_NOT_HELD',
    );
  });

  it('R7: is refused to a key for itself and for its rotation family', async () => {
    const key = await create({ scopes: ['admin'] });
    const itself = actor({ kind: 'key', keyId: key.id, familyId: key.familyId });
    await expectRefused(key, keys.expire(itself, { id: key.id, at: FAR }), 'FORBIDDEN');
    const { key: heir } = await keys.rotate(admin, { id: key.id, overlap: HOUR });
    await expectRefused(heir, keys.expire(itself, { id: heir.id, at: FAR }), 'FORBIDDEN');
    expect((await keys.expire(itself, { id: heir.id, at: NOON + 1 })).expiresAt).toBe(NOON + 1);
  });

  it.each(['CLIENT', 'READ_ONLY'] as const)(
    'R7: is refused to a %s key, which can still end others',
    async (keyType) => {
      const key = await create();
      await expectRefused(key, keys.expire(actor({ keyType }), { id: key.id, at: FAR }), 'FORBIDDEN');
      expect((await keys.expire(actor({ keyType }), { id: key.id, at: NOON })).expiresAt).toBe(NOON);
    },
  );

  it('R7: is refused for a key above the ceiling of its type, as in a creation', async () => {
    const key = await create({ type: 'CLIENT', scopes: ['write:assets'] });
    ceilings = new Ceilings({ CLIENT: ['read:all'] });
    await expectRefused(key, keys.expire(admin, { id: key.id, at: FAR }), 'BAD_USER_INPUT');
    expect((await keys.expire(admin, { id: key.id, at: NOON + 1 })).expiresAt).toBe(NOON + 1);
  });

  it('R7: is checked against the stored end, whatever changes in between', async () => {
    const key = await create({ scopes: ['platform'], expiresAt: null });
    // The first read returns a key that does not expire, for which any end is an earlier one.
    const late = racing(store, () => store.keys.expire(key.id, null, NOON + HOUR, { at: NOON }));
    await expect(late.expire(admin, { id: key.id, at: FAR })).rejects.toMatchObject({
      details: { code: 'SCOPE_NOT_HELD' },
    });
    expect((await store.keys.find(key.id, null))?.expiresAt).toBe(NOON + HOUR);
  });
});

describe('R7: more addresses or documents', () => {
  const OFFICE = '192.0.2.0/24';
  const HOME = '198.51.100.7';

  it('R7: are refused to a caller without the scopes of the key', async () => {
    const key = await create({ scopes: ['platform'], allowedAddresses: [OFFICE] });
    await expectRefused(key, keys.update(admin, { id: key.id, allowedAddresses: [] }), 'SCOPE_NOT_HELD');
    expect((await keys.update(platform, { id: key.id, allowedAddresses: [] })).allowedAddresses).toEqual([]);
  });

  it('R7: are refused for a key above the ceiling of its type; fewer are not', async () => {
    const key = await create({ type: 'CLIENT', scopes: ['write:assets'], allowedAddresses: [OFFICE, HOME] });
    ceilings = new Ceilings({ CLIENT: ['read:all'] });
    await expectRefused(key, keys.update(admin, { id: key.id, allowedAddresses: [] }), 'BAD_USER_INPUT');
    await expectRefused(key, keys.update(admin, { id: key.id, allowedAddresses: ['0.0.0.0/0'] }), 'BAD_USER_INPUT');
    expect((await keys.update(admin, { id: key.id, allowedAddresses: [HOME] })).allowedAddresses).toEqual([HOME]);
    const narrowed = await keys.update(admin, { id: key.id, allowedAddresses: [OFFICE], scopes: ['read:all'] });
    expect(narrowed).toMatchObject({ allowedAddresses: [OFFICE], scopes: ['read:all'] });
  });
});

describe('R7: scopes', () => {
  it('R7: that a key gains during the change are checked again', async () => {
    const raise = (id: string) => () => store.keys.update(id, null, { scopes: ['platform'] }, { at: NOON });
    const acts: readonly ((by: KeyService, id: string) => Promise<unknown>)[] = [
      (by, id) => by.rotate(admin, { id, overlap: HOUR }),
      (by, id) => by.expire(admin, { id, at: FAR }),
      (by, id) => by.update(admin, { id, allowedAddresses: [] }),
    ];
    for (const act of acts) {
      const key = await create({ allowedAddresses: ['192.0.2.1'] });
      const refused = act(racing(store, raise(key.id)), key.id);
      await expect(refused).rejects.toMatchObject({ details: { code: 'SCOPE_NOT_HELD' } });
      expect(await store.keys.find(key.id, null)).toEqual({ ...key, scopes: ['platform'] });
    }
  });

  it('R7: that a key loses during the rotation are not in its successor', async () => {
    const key = await create({ scopes: ['read:assets', 'write:assets'] });
    const lower = () =>
      store.keys.update(key.id, null, { scopes: ['read:assets'], allowedAddresses: ['192.0.2.1'] }, { at: NOON });
    const { key: heir } = await racing(store, lower).rotate(admin, { id: key.id, overlap: HOUR });
    expect(await store.keys.find(heir.id, null)).toMatchObject({
      scopes: ['read:assets'],
      allowedAddresses: ['192.0.2.1'],
    });
  });
});

/** Returns a service that runs `meanwhile` once after it has read a key. */
function racing(of: Store, meanwhile: () => Promise<unknown>): KeyService {
  let done = false;
  const find: Store['keys']['find'] = async (...given) => {
    const found = await of.keys.find(...given);
    if (!done) {
      done = true;
      await meanwhile();
    }
    return found;
  };
  return new KeyService({
    store: { ...of, keys: { ...of.keys, find } },
    minter: new KeyMinter({ gate: new BcryptGate({ cost: 4 }), peppers: null, prefixes: DEFAULT_PREFIXES }),
    knownScopes: fixedScopes(['admin', 'platform', 'read:all', 'read:assets', 'write:assets']),
    now: () => NOON,
  });
}

describe('R7: changes that widen a key', () => {
  const end = fc.option(fc.integer({ min: -8.64e15, max: 8.64e15 }));

  it('R7: include an end at which the key would still work but did not before', () => {
    fc.assert(
      fc.property(end, end, fc.integer({ min: -8.64e15, max: 8.64e15 }), (expiresAt, at, moment) => {
        const lives = (until: number | null): boolean => until === null || until > moment;
        if (!prolongs({ expiresAt }, at)) expect(lives(at) && !lives(expiresAt)).toBe(false);
      }),
    );
  });

  it('R7: include the removal of a restriction, but not a part of the same list', () => {
    const some = fc.uniqueArray(fc.constantFrom('192.0.2.1', '192.0.2.2', '192.0.2.3'));
    const of = (allowedAddresses: string[]) => ({ allowedAddresses, trustedDocuments: null }) as unknown as KeyRecord;
    fc.assert(
      fc.property(some, some, (before, after) => {
        const reaches = (list: readonly string[], address: string) => list.length === 0 || list.includes(address);
        const gained = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '203.0.113.9'].some(
          (address) => reaches(after, address) && !reaches(before, address),
        );
        expect(loosens(of(before), { allowedAddresses: after })).toBe(gained);
      }),
    );
  });
});
