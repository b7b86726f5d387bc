import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BcryptGate } from '../../../src/core/keys/bcryptGate.js';
import { KeyMinter } from '../../../src/core/keys/minter.js';
import { DEFAULT_PREFIXES } from '../../../src/core/keys/token.js';
import { WorkspaceService } from '../../../src/management/workspaces/workspaceService.js';
import type { Store } from '../../../src/core/store/store.js';
import { openStoreHere } from '../../support/storeHere.js';

const NOON = Date.UTC(2026, 2, 1, 12);
const FIRST = { id: 'default', tier: 'GROWTH', withKey: true } as const;

let dir: string;
let store: Store;
let workspaces: WorkspaceService;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-workspaces-'));
  store = await openStoreHere(dir);
  const minter = new KeyMinter({ gate: new BcryptGate({ cost: 4 }), peppers: null, prefixes: DEFAULT_PREFIXES });
  workspaces = new WorkspaceService({ store, minter, now: () => NOON });
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

const keysOf = async (id: string) =>
  (await store.keys.list(id, { first: 100, after: null, filter: {}, now: NOON })).keys;

const operator = {
  kind: 'operator',
  keyId: 'operator',
  familyId: 'operator',
  workspaceId: 'default',
  projectId: null,
  userId: null,
  tier: 'GROWTH',
  keyType: 'SECRET',
  scopes: ['platform'],
  trustedDocuments: null,
} as const;

describe('ensureFirst', () => {
  it('creates the workspace and an admin key, once', async () => {
    const issued = await workspaces.ensureFirst(FIRST);
    expect(issued?.key).toMatchObject({ workspaceId: 'default', scopes: ['admin'], type: 'SECRET', createdBy: null });
    expect(await store.workspaces.find('default')).toMatchObject({ tier: 'GROWTH', createdAt: NOON });
    expect(await workspaces.ensureFirst(FIRST)).toBeNull();
    expect(await keysOf('default')).toHaveLength(1);
  });

  it('creates no key if there is an operator key, and creates one when there no longer is', async () => {
    expect(await workspaces.ensureFirst({ ...FIRST, withKey: false })).toBeNull();
    expect(await keysOf('default')).toEqual([]);
    expect(await workspaces.ensureFirst(FIRST)).not.toBeNull();
  });

  // A restart must not hand out a new admin key because the last one was revoked.
  it('creates no key if there has ever been one', async () => {
    const issued = await workspaces.ensureFirst(FIRST);
    await store.keys.revoke(issued?.key.id ?? '', null, null, { at: NOON });
    expect(await workspaces.ensureFirst(FIRST)).toBeNull();
  });

  it('X11: creates no key after all keys ended and were removed', async () => {
    const issued = await workspaces.ensureFirst(FIRST);
    await store.keys.revoke(issued?.key.id ?? '', null, null, { at: NOON });
    expect(await store.keys.removeEnded(NOON, 9)).toEqual({ removed: 1, isDone: true });
    expect(await keysOf('default')).toEqual([]);
    expect(await workspaces.ensureFirst(FIRST)).toBeNull();
    expect(await keysOf('default')).toEqual([]);
  });

  it('does not change the tier', async () => {
    await workspaces.ensureFirst(FIRST);
    await workspaces.setTier(operator, 'default', 'ENTERPRISE');
    await workspaces.ensureFirst({ ...FIRST, tier: 'STARTER' });
    expect(await store.workspaces.find('default')).toMatchObject({ tier: 'ENTERPRISE' });
  });
});

describe('create', () => {
  it('creates the workspace and its admin key, both or neither', async () => {
    const { workspace, key, token } = await workspaces.create(operator, { name: ' Acme ', tier: 'STARTER' });
    expect(workspace).toMatchObject({ name: 'Acme', tier: 'STARTER', createdAt: NOON });
    expect(workspace.id).toMatch(/^ws_[0-9A-Za-z]{16}$/);
    expect(key).toMatchObject({ workspaceId: workspace.id, scopes: ['admin'], createdBy: 'operator' });
    expect(token).toMatch(/^lks_live_/);
    expect(await workspaces.countKeys(workspace.id, 'adminKeys')).toBe(1);
    expect(await workspaces.countKeys(workspace.id, 'keys')).toBe(0);
    await expect(workspaces.create(operator, { name: '', tier: 'STARTER' })).rejects.toMatchObject({
      details: { code: 'BAD_USER_INPUT', path: ['input', 'name'] },
    });
    expect(await store.workspaces.list(10)).toEqual([workspace]);
  });
});

describe('setTier', () => {
  it.each(['ws_nowhere', '', 'ws_\0', '\ud800', 'x'.repeat(10_000)])('rejects the unknown workspace %j', async (id) => {
    await expect(workspaces.setTier(operator, id, 'STARTER')).rejects.toMatchObject({ details: { code: 'NOT_FOUND' } });
  });
});
