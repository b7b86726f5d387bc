import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKey, startService, type TestService, demoOf } from '../support/service.js';
import { at, DAY, startFrozen, type FrozenService } from './frozen.js';
import { act, attempt, look, refusalOf, statusWith } from './operations.js';

// Each request reads its key.
const KEEP = { KEEP_ENDED_KEYS: '30d', AUTH_CACHE_TTL: '0' };

let latchkey: FrozenService;
beforeEach(async () => void (latchkey = await startFrozen({ env: { ...KEEP, DEFAULT_TIER: 'ENTERPRISE' } })));
afterEach(() => latchkey.close());

const remove = async () => (await latchkey.service.latchkey.endedKeys?.run())?.removed;
// oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into answers freely.
async function ask(query: string, variables: object = {}): Promise<any> {
  const { body } = await latchkey.query(query, { variables });
  expect(body.errors).toBeUndefined();
  return body.data;
}
const ids = async () =>
  (await ask('{ apiKeys(first: 100) { nodes { id } totalCount } }')).apiKeys as {
    nodes: { id: string }[];
    totalCount: number;
  };

test('X11: an ended key is removed once its time is over, and its token is refused like one that never was', async () => {
  const [revoked, expiring, other] = [
    await createKey(latchkey, { scopes: ['write:assets'] }),
    await createKey(latchkey, { expiresAt: at(latchkey.clock.now + DAY) }),
    await createKey(latchkey),
  ];
  await act(latchkey, 'revokeApiKey', { id: revoked.id, reason: 'left' });
  latchkey.pass(30 * DAY - 1);
  expect(await remove()).toBe(0);
  expect((await ids()).totalCount).toBe(4);
  const before = await latchkey.query('{ viewer { scopes } }', { token: revoked.token });
  expect(refusalOf(before)).toEqual({ code: 'UNAUTHENTICATED', reason: 'revoked' });

  latchkey.pass(1);
  expect(await remove()).toBe(1);
  latchkey.pass(DAY);
  expect(await remove()).toBe(1);
  expect(await remove()).toBe(0);
  const { nodes, totalCount } = await ids();
  expect(totalCount).toBe(2);
  expect(nodes.map(({ id }) => id)).toContain(other.id);
  expect(await statusWith(latchkey, other.token)).toBe(200);

  for (const { id, token } of [revoked, expiring]) {
    expect(await look(latchkey, id)).toBeNull();
    expect(
      (await ask('query ($text: String!) { findApiKeys(text: $text) { id } }', { text: token })).findApiKeys,
    ).toEqual([]);
    const refused = await latchkey.query('mutation { registerAsset(input: { name: "orders" }) { name } }', { token });
    expect(refused.status).toBe(401);
    expect(refusalOf(refused)).toEqual({ code: 'UNAUTHENTICATED', reason: 'unknown' });
    for (const mutation of ['revokeApiKey', 'rotateApiKey'] as const) {
      expect(refusalOf(await attempt(latchkey, mutation, { id }))).toMatchObject({ code: 'NOT_FOUND' });
    }
  }
  expect(await demoOf(latchkey).store.assets.find('default', 'orders')).toBeNull();
  expect(latchkey.logs.filter((line) => line.includes('removed ended keys'))).toHaveLength(2);
  expect(await latchkey.service.metrics.text()).toMatch(/^latchkey_ended_keys_removed_total 2$/m);
});

test('X11: the audit log still names a removed key by its ID, as subject and as author', async () => {
  const { id, token } = await createKey(latchkey, { name: 'robot', scopes: ['admin'] });
  const made = await createKey(latchkey, {}, token);
  const LOG = `query ($id: ID!) { auditLog(filter: { subject: $id }) { nodes { action subject subjectName actor actorName names { id } } } }`;
  const log = async (subject: string) => (await ask(LOG, { id: subject })).auditLog.nodes;
  expect((await log(id))[0]).toMatchObject({ subjectName: 'robot' });
  await act(latchkey, 'revokeApiKey', { id });
  latchkey.pass(30 * DAY);
  expect(await remove()).toBe(1);
  expect(await log(id)).toMatchObject([
    { action: 'KEY_REVOKED', subject: id, subjectName: null },
    { action: 'KEY_CREATED', subject: id, subjectName: null },
  ]);
  expect(await log(made.id)).toMatchObject([
    { action: 'KEY_CREATED', actor: id, actorName: null, subjectName: 'test' },
  ]);
  expect(
    (await ask('query ($id: ID!) { apiKey(id: $id) { createdBy createdByName } }', { id: made.id })).apiKey,
  ).toEqual({
    createdBy: id,
    createdByName: null,
  });
});

test('X11: the current key of a rotation continues to work when the keys before it are removed, and keeps its place', async () => {
  const first = await createKey(latchkey);
  const second = await act(latchkey, 'rotateApiKey', { id: first.id, overlap: 'P1D' });
  latchkey.pass(2 * DAY);
  const third = await act(latchkey, 'rotateApiKey', { id: second.apiKey.id, overlap: 'PT0S' });
  const current = async () => (await ask('{ workspace { keys { current } } }')).workspace.keys.current;
  const count = await current();
  latchkey.pass(40 * DAY);
  expect(await remove()).toBe(2);
  expect(await statusWith(latchkey, third.token)).toBe(200);
  expect(await current()).toBe(count);
  const SHOWN =
    'query ($id: ID!) { apiKey(id: $id) { status replaces { id } replacedBy { id } previousTokenLastUsedAt } }';
  expect((await ask(SHOWN, { id: third.apiKey.id })).apiKey).toEqual({
    status: 'ACTIVE',
    replaces: null,
    replacedBy: null,
    previousTokenLastUsedAt: null,
  });
  const fourth = await act(latchkey, 'rotateApiKey', { id: third.apiKey.id });
  expect(fourth.apiKey).toMatchObject({ replaces: { id: third.apiKey.id } });
  expect(await statusWith(latchkey, fourth.token)).toBe(200);
});

test('X11: a removed key that is still cached changes nothing', async () => {
  const cached = await startFrozen({ env: { ...KEEP, AUTH_CACHE_TTL: '60000' } });
  const { store } = cached.service;
  const { id, token } = await createKey(cached, { scopes: ['admin'] });
  const other = await createKey(cached);
  const projects = async () =>
    (await store.projects.list('default', { first: 9, after: null })).map(({ name }) => name);
  await act(cached, 'createProject', { name: 'before' }, token);
  expect(await projects()).toContain('before');
  // By another process, so that this one keeps the key in its cache.
  await store.keys.revoke(id, 'default', null, { at: cached.clock.now });
  expect(await store.keys.removeEnded(cached.clock.now, 9)).toEqual({ removed: 1, isDone: true });
  const changes = [
    ['createProject', { name: 'after' }],
    ['updateApiKey', { id: other.id, name: 'after' }],
    ['revokeApiKey', { id: other.id }],
    ['createApiKey', { name: 'after', scopes: ['read:assets'] }],
  ] as const;
  for (const [mutation, input] of changes)
    expect(refusalOf(await attempt(cached, mutation, input, token))).toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(await projects()).not.toContain('after');
  expect(await store.keys.find(other.id, 'default')).toMatchObject({ name: 'test', revokedAt: null });
  expect(await store.keys.count('default', { nameContains: 'after' }, cached.clock.now)).toBe(0);
  await cached.close();
});

test('X11: ended keys are kept without the setting', async () => {
  const kept = await startFrozen();
  expect(kept.service.latchkey.endedKeys).toBeNull();
  await kept.close();
});

test('X11: removed keys stay removed after a restart, which removes what became due in the meantime', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-ended-'));
  let now = Date.UTC(2026, 2, 1);
  let running: TestService | null = null;
  const restart = async () => {
    await running?.close();
    return (running = await startService({ dataDir, env: { ...KEEP, MONGODB_URI: undefined }, now: () => now }));
  };
  try {
    const before = await restart();
    const token = before.adminToken;
    const [early, late] = [await createKey(before), await createKey(before)];
    await act(before, 'revokeApiKey', { id: early.id });
    now += DAY;
    await act(before, 'revokeApiKey', { id: late.id });
    now += 29 * DAY;
    expect(await before.service.latchkey.endedKeys?.run()).toEqual({ removed: 1, error: null });
    now += DAY;
    const after = await restart();
    // The timer of the second start, which is at most ten seconds away.
    const removed = () => after.service.latchkey.endedKeys?.removed;
    for (let tries = 0; tries < 300 && removed() === 0; tries++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    expect(removed()).toBe(1);
    for (const { id, token: ended } of [early, late]) {
      expect(await look(after, id, token)).toBeNull();
      const refused = await after.query('{ viewer { scopes } }', { token: ended });
      expect(refusalOf(refused)).toEqual({ code: 'UNAUTHENTICATED', reason: 'unknown' });
    }
  } finally {
    await (running as TestService | null)?.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
});
