import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import type { Actor } from '../../../src/core/keys/actor.js';
import { UserService } from '../../../src/management/workspaces/userService.js';
import { aroundStore } from '../../../src/core/store/around.js';
import type { Store } from '../../../src/core/store/store.js';
import { Roles } from '../../../src/core/scopes/roles.js';
import { aUser, givenKey, givenWorkspace, NOW } from '../../core/store/fixtures.js';
import { openTarget } from '../../core/store/target.js';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-removal-'));
/** The transactions that were committed. */
let commits = 0;
const prototype = Database.prototype as unknown as { exec: (sql: string) => unknown };
const { exec } = prototype;
let plain: Store;
beforeAll(async () => {
  prototype.exec = function (this: unknown, sql: string) {
    if (sql === 'COMMIT') commits += 1;
    return exec.call(this, sql);
  };
  plain = await openTarget({ engine: 'sqlite', dir, inThisThread: true });
});
afterAll(async () => {
  prototype.exec = exec;
  await plain.close();
  rmSync(dir, { recursive: true, force: true });
});

test('removing a user revokes their keys in pages of 100, each with one transaction, and a call completes another', async () => {
  const calls = new Map<string, number>();
  let failing = 0;
  const store = aroundStore(plain, (name, operation) => {
    calls.set(name, (calls.get(name) ?? 0) + 1);
    if (name === 'keys.revokeMany' && (calls.get(name) ?? 0) === failing) throw new Error('The store is gone.');
    return operation();
  });
  const workspaceId = await givenWorkspace(plain);
  const user = aUser(workspaceId, { roles: [] });
  await plain.users.add(user);
  for (let i = 0; i < 230; i += 1) await givenKey(plain, workspaceId, { userId: user.id });
  const common = await givenKey(plain, workspaceId);
  const users = new UserService({ store, roles: () => new Roles(), now: () => NOW + 9 });
  const actor: Actor = {
    ...{ kind: 'operator', keyId: 'operator', familyId: 'operator', workspaceId, projectId: null, userId: null },
    ...{ tier: 'GROWTH', keyType: 'SECRET', scopes: ['admin'], trustedDocuments: null },
  };

  failing = 2;
  await expect(users.remove(actor, user.id)).rejects.toThrow('The store is gone.');
  const active = { userId: user.id, status: 'ACTIVE' } as const;
  expect(await plain.keys.count(workspaceId, active, NOW + 9)).toBe(130);
  failing = 0;
  calls.clear();
  commits = 0;
  await users.remove(actor, user.id);
  expect([calls.get('keys.list'), calls.get('keys.revokeMany'), calls.get('keys.revoke')]).toEqual([3, 2, undefined]);
  // The user was already removed.
  expect(commits).toBeLessThanOrEqual(3);
  expect(await plain.keys.count(workspaceId, active, NOW + 9)).toBe(0);
  const revoked = (await plain.audit.read(workspaceId, 0, 1_000)).filter(({ action }) => action === 'key.revoked');
  expect(new Set(revoked.map(({ subject }) => subject)).size).toBe(230);
  expect(revoked).toHaveLength(230);
  expect(await plain.keys.find(common.id, workspaceId)).toMatchObject({ revokedAt: null });
});
