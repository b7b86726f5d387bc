import { fixedScopes } from './fixedScopes.js';
import { NEWEST_FIRST } from '../../../src/core/store/ordering.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Actor } from '../../../src/core/keys/actor.js';
import { BcryptGate } from '../../../src/core/keys/bcryptGate.js';
import { type AnyKey, type AnyKeyPage, type ConfiguredRecord } from '../../../src/core/keys/configured.js';
import { decodePosition, encodePosition, positionIn } from '../../../src/management/keys/order.js';
import { KeyMinter } from '../../../src/core/keys/minter.js';
import { KeyService } from '../../../src/core/keys/keyService.js';
import { DEFAULT_PREFIXES } from '../../../src/core/keys/token.js';
import { Ceilings } from '../../../src/core/scopes/ceilings.js';
import { CONFIGURED } from '../../../src/core/store/keyFields.js';
import { openSqliteStore } from '../../../src/core/store/sqlite/open.js';
import type { Store } from '../../../src/core/store/store.js';

const NOON = Date.UTC(2026, 2, 1, 12);
const admin: Actor = {
  kind: 'oidc',
  keyId: 'key_admin',
  familyId: 'fam_admin',
  workspaceId: 'default',
  projectId: null,
  userId: null,
  trustedDocuments: null,
  tier: 'ENTERPRISE',
  keyType: 'SECRET',
  scopes: ['admin'],
};

const record = (id: string, name: string, more: Partial<ConfiguredRecord> = {}): ConfiguredRecord => ({
  ...CONFIGURED,
  id: `conf_${id}`,
  familyId: `conf_${id}`,
  workspaceId: 'default',
  name,
  roles: ['viewer'],
  scopes: ['read:all'],
  ...more,
});

const dir = mkdtempSync(join(tmpdir(), 'latchkey-configured-'));
let store: Store;
let keys: KeyService;
let configured: ConfiguredRecord[] = [];
let ceilings = new Ceilings();
let now = NOON;

beforeAll(async () => {
  store = await openSqliteStore({ dir });
  for (const id of ['default', 'other'])
    await store.workspaces.ensure({ id, name: id, tier: 'ENTERPRISE', createdAt: 0 });
  keys = new KeyService({
    store,
    minter: new KeyMinter({ gate: new BcryptGate({ cost: 4 }), peppers: null, prefixes: DEFAULT_PREFIXES }),
    knownScopes: fixedScopes(['read:all', 'write:events', 'read:assets']),
    now: () => (now += 1),
    ceilings: () => ceilings,
    configured: () => configured,
  });
});
afterAll(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(() => {
  ceilings = new Ceilings();
  configured = [
    record('00000000000000bb', 'Etl Service', { scopes: ['read:all', 'write:events'] }),
    record('00000000000000aa', 'dashboard'),
    record('00000000000000cc', 'elsewhere', { workspaceId: 'other' }),
  ];
});

const list = (filter = {}, first = 100, after: string | null = null, actor = admin) =>
  keys.list(actor, {
    workspaceId: null,
    first,
    after: after === null ? null : decodePosition(NEWEST_FIRST, after),
    filter,
  });
const totalOf = async ({ selection }: AnyKeyPage): Promise<number> => (selection === null ? 0 : keys.count(selection));
const namesOf = (all: readonly AnyKey[]): string[] => all.map(({ name }) => name);

test('finds configured keys by ID in their workspace, and in any workspace with platform', async () => {
  expect(await keys.find(admin, 'conf_00000000000000aa')).toMatchObject({ name: 'dashboard' });
  expect(await keys.find(admin, 'conf_00000000000000cc')).toBeNull();
  expect(await keys.find(admin, 'conf_0000000000000000')).toBeNull();
  const platform = { ...admin, scopes: ['platform'] };
  expect(await keys.find(platform, 'conf_00000000000000cc')).toMatchObject({ name: 'elsewhere' });
});

test('lists configured keys after stored keys, and applies filters to them', async () => {
  await keys.create(admin, { name: 'stored one', scopes: ['read:assets'], type: 'SECRET', environment: 'LIVE' });
  await keys.create(admin, { name: 'stored two', scopes: ['read:all'], type: 'READ_ONLY', environment: 'TEST' });
  const all = await list();
  expect(namesOf(all.keys)).toEqual(['stored two', 'stored one', 'Etl Service', 'dashboard']);
  expect([await totalOf(all), all.hasNextPage]).toEqual([4, false]);
  for (const [filter, names] of [
    [{ nameContains: 'SERVICE' }, ['Etl Service']],
    [{ nameContains: 'st' }, ['stored two', 'stored one']],
    [{ scope: 'write:events' }, ['Etl Service']],
    [{ scope: 'read:all' }, ['stored two', 'Etl Service', 'dashboard']],
    [{ type: 'READ_ONLY' }, ['stored two']],
    [{ environment: 'LIVE' }, ['stored one', 'Etl Service', 'dashboard']],
    [{ status: 'REVOKED' }, []],
    [{ status: 'ACTIVE', type: 'SECRET' }, ['stored one', 'Etl Service', 'dashboard']],
  ] as const) {
    const page = await list(filter);
    expect([filter, namesOf(page.keys), await totalOf(page)]).toEqual([filter, names, names.length]);
  }
});

test('shows each key once in pages of any size, in one order and with the same total', async () => {
  for (let i = 0; i < 5; i++) {
    await keys.create(admin, { name: `more ${i}`, scopes: ['read:all'], type: 'SECRET', environment: 'LIVE' });
  }
  const total = await totalOf(await list());
  const ids = fc.uniqueArray(fc.stringMatching(/^[0-9a-f]{16}$/), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(ids, fc.integer({ min: 1, max: 9 }), async (names, first) => {
      configured = names.map((name) => record(name, name));
      const stored = total - 2;
      const seen: string[] = [];
      for (let after: string | null = null, more = true; more;) {
        const page = await list({}, first, after);
        expect(await totalOf(page)).toBe(stored + names.length);
        seen.push(...page.keys.map(({ id }) => id));
        const last = page.keys.at(-1);
        more = page.hasNextPage && last !== undefined;
        if (last !== undefined) after = encodePosition(NEWEST_FIRST, positionIn('CREATED', last));
        expect(page.keys.length).toBe(more ? first : page.keys.length);
      }
      expect(seen.slice(stored)).toEqual(
        names
          .map((name) => `conf_${name}`)
          .sort()
          .reverse(),
      );
      expect(new Set(seen).size).toBe(stored + names.length);
    }),
    { numRuns: 30 },
  );
});

test('refuses every change of a configured key and says where to change it', async () => {
  const id = 'conf_00000000000000aa';
  const refusal = { details: { code: 'BAD_USER_INPUT', path: ['input', 'id'] } };
  for (const attempt of [
    keys.rotate(admin, { id, overlap: 0 }),
    keys.expire(admin, { id, at: 0 }),
    keys.revoke(admin, { id }),
    keys.update(admin, { id, name: 'another' }),
  ]) {
    await expect(attempt).rejects.toMatchObject(refusal);
    await expect(attempt).rejects.toThrow(
      'The key is defined in the configuration, under auth.api_keys.keys. Change it there',
    );
  }
  // The error doesn't reveal keys of another workspace.
  await expect(keys.revoke(admin, { id: 'conf_00000000000000cc' })).rejects.toMatchObject({
    details: { code: 'NOT_FOUND' },
  });
});

test('applies a lowered ceiling to new keys, changed keys and successors', async () => {
  const client = { name: 'page', scopes: ['read:assets'], type: 'CLIENT', environment: 'LIVE' } as const;
  const { key } = await keys.create(admin, client);
  ceilings = new Ceilings({ CLIENT: ['write:events'] });
  const refusal = { details: { code: 'BAD_USER_INPUT' } };
  await expect(keys.create(admin, client)).rejects.toMatchObject(refusal);
  await expect(keys.create(admin, client)).rejects.toThrow('Allowed: scopes covered by write:events.');
  await expect(keys.update(admin, { id: key.id, scopes: ['read:all'] })).rejects.toMatchObject(refusal);
  await expect(keys.rotate(admin, { id: key.id, overlap: 0 })).rejects.toThrow('Update its scopes first');
  await keys.update(admin, { id: key.id, scopes: ['write:events'] });
  await keys.rotate(admin, { id: key.id, overlap: 0 });
  await keys.create(admin, { ...client, scopes: ['write:events'] });
});

test('R9: a configured key that a reload removes or weakens during a creation creates no key', async () => {
  const maker: Actor = { ...admin, kind: 'configured', keyId: 'conf_maker', familyId: 'conf_maker' };
  const input = { name: 'made', scopes: ['read:all'], type: 'SECRET', environment: 'LIVE' } as const;
  const strong = record('maker', 'maker', { scopes: ['admin'] });
  configured = [strong];
  const { key } = await keys.create(maker, input);
  for (const [reloaded, code] of [
    [[], 'UNAUTHENTICATED'],
    [[{ ...strong, scopes: ['read:all'] }], 'FORBIDDEN'],
  ] as const) {
    configured = [strong];
    const waiting = keys.create(maker, input);
    configured = [...reloaded];
    await expect(waiting).rejects.toMatchObject({ details: { code } });
    await expect(keys.revoke(maker, { id: key.id })).rejects.toMatchObject({ details: { code } });
  }
  configured = [];
  const page = { workspaceId: null, first: 100, after: null, filter: { nameContains: 'made' } };
  expect(await totalOf(await keys.list(admin, page))).toBe(1);
  expect(await keys.find(admin, key.id)).toMatchObject({ revokedAt: null });
});
