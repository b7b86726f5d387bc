import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import mongoose, { type Connection } from 'mongoose';
import { verifyAudit } from '../../src/management/audit/verifyAudit.js';
import { randomBase62 } from '../../src/core/keys/token.js';
import { chained, draftEntry, type AuditEntry, type AuditHead } from '../../src/core/store/audit.js';
import { toDocument } from '../../src/core/store/mongo/intents.js';
import { toDocument as toEntry } from '../../src/core/store/mongo/ledger.js';
import type { Store } from '../../src/core/store/store.js';
import { aKey, NOW } from '../core/store/fixtures.js';
import { LOADER } from '../support/child.js';
import { PROJECT } from '../support/project.js';
import { run } from '../support/run.js';
import { freshMongoUri, startService, type TestService } from '../support/service.js';

const SIZE = 100_000;
const BATCH = 5_000;

const state = mkdtempSync(join(tmpdir(), 'latchkey-scale-'));
const uri = freshMongoUri() ?? '';
let raw: Connection;
let latchkey: TestService;
let store: Store;
let ws: string;
/** Keys and entries that the service created. */
let own: { readonly keys: number; readonly head: AuditHead };

beforeAll(async () => {
  raw = await mongoose.createConnection(uri).asPromise();
  latchkey = await startService({ env: { MONGODB_URI: uri, DEFAULT_TIER: 'ENTERPRISE' } });
  // Operations have the same time limit as in production.
  ({ store } = latchkey.service);
  ws = (await store.workspaces.list(1))[0]?.id ?? '';
  const head = await store.audit.head(ws);
  if (head === null) throw new Error('The audit log of the workspace has no head.');
  own = { keys: await store.keys.count(ws, {}, NOW), head };
  await fillKeys();
  await fillAudit();
});

afterAll(async () => {
  await latchkey.close();
  await raw.dropDatabase();
  await raw.close();
  rmSync(state, { recursive: true });
});

/** 100,000 families in one workspace: every tenth has expired, and every tenth was revoked. */
async function fillKeys(): Promise<void> {
  for (let from = 0; from < SIZE; from += BATCH) {
    const keys = Array.from({ length: BATCH }, (_, i) => {
      const n = from + i;
      const key = aKey(ws, {
        name: `Deployment ${n}`,
        scopes: ['read:assets'],
        createdAt: NOW - SIZE + n,
        expiresAt: n % 10 === 1 ? NOW - 1 : null,
        revokedAt: n % 10 === 2 ? NOW - 1 : null,
      });
      // A family whose last key is revoked has no slot.
      return toDocument(key, key.revokedAt === null ? 2 ** 33 + n : undefined);
    });
    await raw.collection('latchkey_keys').insertMany(keys as never);
  }
}

async function fillAudit(): Promise<void> {
  let last: AuditHead = own.head;
  for (let from = 0; from < SIZE; from += BATCH) {
    const entries: AuditEntry[] = [];
    for (let n = from; n < from + BATCH; n++) {
      const author = { kind: 'key', id: n % 2 === 0 ? 'key_ada' : 'key_bob', address: null, userAgent: null } as const;
      const entry = {
        workspaceId: ws,
        projectId: null,
        at: NOW - SIZE + n,
        action: n % 2 === 0 ? 'key.created' : 'key.revoked',
        subject: `key_${Math.floor(n / 2)}`,
        before: null,
        after: null,
      } as const;
      const placed = chained(draftEntry(entry, author), last);
      entries.push(placed);
      last = placed;
    }
    const documents = entries.map((entry) => {
      const { seq, previousHash, hash } = entry;
      return { ...toEntry(entry), seq, previousHash, hash };
    });
    await raw.collection('latchkey_audit').insertMany(documents as never);
  }
  const { seq, hash } = last;
  await raw.collection<{ _id: string }>('latchkey_audit_heads').updateOne({ _id: ws }, { $set: { seq, hash } });
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  process.stdout.write(`${what}: ${(performance.now() - began).toFixed(0)} ms\n`);
  return result;
}

type Work = () => Promise<unknown>;
const listed =
  (filter: object, more?: object): Work =>
  async () =>
    (await store.keys.list(ws, { first: 25, after: null, filter, now: NOW, ...more })).keys.length;
const counted =
  (filter: object): Work =>
  async () =>
    (await store.keys.count(ws, filter, NOW)) - own.keys;
const families =
  (kind: 'keys' | 'adminKeys'): Work =>
  () =>
    store.keys.countFamilies(ws, NOW, kind);
const audited =
  (filter: object, before: number | null = null): Work =>
  async () =>
    (await store.audit.list(ws, { first: 25, before, filter })).length;

test.each<[what: string, work: Work, found: unknown]>([
  ['a page of keys', listed({}), 25],
  ['a page in the middle', listed({}, { after: { value: NOW - SIZE / 2, id: '' } }), 25],
  ['a page by name', listed({}, { order: { field: 'NAME', direction: 'ASC' } }), 25],
  ['a page of revoked keys', listed({ status: 'REVOKED' }), 25],
  ['a page of keys of a user without keys', listed({ userId: 'usr_none' }), 0],
  ['a page of keys of a project without keys', listed({ projectId: 'prj_none' }), 0],
  ['a page of a scope that no key has', listed({ scope: 'none' }), 0],
  ['a page of a name that no key has', listed({ nameContains: 'nowhere' }), 0],
  ['the count of all keys', counted({}), SIZE],
  ['the count of active keys', counted({ status: 'ACTIVE' }), SIZE * 0.8],
  ['the count of living families', families('keys'), SIZE * 0.8],
  ['the count of living families that only administer', families('adminKeys'), 1],
  ['a page of the audit log', audited({}), 25],
  ['a page in the middle of the audit log', audited({}, SIZE / 2), 25],
  ['a page by subject', audited({ subject: 'key_7' }), 2],
  ['a page by action', audited({ actions: ['key.created'] }), 25],
  ['a page by actor and action', audited({ actor: 'key_ada', actions: ['key.created'] }), 25],
  ['a page by actor and action without a match', audited({ actor: 'key_ada', actions: ['key.revoked'] }), 0],
  ['a page of a time long ago', audited({ from: NOW - SIZE + 10, to: NOW - SIZE + 20 }), 10],
  ['a page of a time and a project without a match', audited({ from: 1, projectId: 'prj_none' }), 0],
])('X5: %s at 100,000', async (what, work, found) => {
  // A call past the time limit of the store rejects.
  expect(await timed(what, work)).toBe(found);
});

test('X5: a key is created, found, revoked and refused among 100,000', async () => {
  const key = aKey(ws, { id: `key_${randomBase62(12)}` });
  await timed('a creation', async () =>
    expect(await store.keys.insert(key, null, NOW)).toEqual({ outcome: 'inserted' }),
  );
  await timed('a look-up', async () =>
    expect(await store.keys.findForVerification(key.lookupId)).toMatchObject({ tier: 'ENTERPRISE' }),
  );
  await timed('a refusal of a creation after a downgrade', async () =>
    expect(await store.keys.insert(aKey(ws), 5, NOW)).toEqual({ outcome: 'full', living: SIZE * 0.8 + 1 }),
  );
  await timed('a revocation', async () =>
    expect(await store.keys.revoke(key.id, ws, null, { at: NOW })).toMatchObject({ outcome: 'changed' }),
  );
  const { seq } = (await store.audit.head(ws)) ?? {};
  expect(seq).toBe(own.head.seq + SIZE + 2);
});

test('X5: the audit log of 100,000 entries is verified in the server', async () => {
  const { seq = 0 } = (await store.audit.head(ws)) ?? {};
  expect(await timed('verifying the log', () => verifyAudit(store.audit, ws))).toMatchObject({
    outcome: 'whole',
    entries: seq,
  });
});

test.each<[args: readonly string[], found: (answer: Record<string, unknown>) => unknown]>([
  [['keys', 'list'], ({ keys }) => (keys as unknown[]).length === 1_000],
  [['keys', 'list', '--limit', '100'], ({ keys }) => (keys as unknown[]).length === 100],
  [['audit', 'verify'], ({ outcome, entries }) => outcome === 'whole' && Number(entries) > SIZE],
])('X5: latchkey %j works at 100,000', async (args, found) => {
  const env = { LATCHKEY_URL: latchkey.url, LATCHKEY_API_KEY: latchkey.adminToken, XDG_STATE_HOME: state };
  const program = ['--import', LOADER, `${PROJECT}/src/cli/main.ts`];
  const ran = await timed(`latchkey ${args.join(' ')}`, () =>
    run(process.execPath, [...program, ...args, '--json'], { env, timeout: 3_000_000 }),
  );
  expect([ran.status, ran.stderr]).toEqual([0, expect.any(String)]);
  expect(found(JSON.parse(ran.stdout) as Record<string, unknown>)).toBe(true);
});
