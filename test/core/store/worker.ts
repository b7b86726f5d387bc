import { openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Meter } from '../../../src/core/quotas/quotaMeter.js';
import { Meters } from '../../../src/core/quotas/meters.js';
import type { KeyRecord, WorkspaceRecord } from '../../../src/core/store/records.js';
import type { Store } from '../../../src/core/store/store.js';
import type { EventRecord } from '../../../src/demo/store/demoRecords.js';
import type { DemoStore } from '../../../src/demo/store/demoStore.js';
import { aBatch, aKey, anHeir, NOW } from './fixtures.js';
import { countedBatch } from './countedBatch.js';
import { openTarget, type Target } from './target.js';

/** A task for a child process with the store. The response is one line of JSON. */
export type Task =
  /** This number of concurrent insertions. Returns the outcomes. */
  | { readonly kind: 'insert'; readonly workspaceId: string; readonly count: number; readonly places: number }
  /** This number of concurrent rotations of one key. Returns the outcomes. */
  | { readonly kind: 'rotate'; readonly key: KeyRecord; readonly count: number }
  | { readonly kind: 'create'; readonly workspace: WorkspaceRecord }
  /**
   * Inserts, rotates without overlap and revokes repeatedly, within its limit. Returns the outcome of each insertion.
   */
  | { readonly kind: 'turnover'; readonly workspaceId: string; readonly places: number; readonly rounds: number }
  /** Adds [1, 2, 3] to the counts of each key in that hour, concurrently this number of times. */
  | { readonly kind: 'count'; readonly keyIds: readonly string[]; readonly start: number; readonly times: number }
  /** Records the same events of the built-in domain concurrently this number of times. Returns the number of events reported as added. */
  | { readonly kind: 'record'; readonly events: readonly EventRecord[]; readonly times: number }
  /** Removes ended keys until there are none, or other processes remove them. Returns their number. */
  | { readonly kind: 'remove'; readonly before: number; readonly limit: number };

/** A job of a child process. */
export type Job =
  /** Runs the tasks on standard input in their order. */
  | { readonly kind: 'tasks' }
  /** Inserts, rotates and revokes until it is killed. Returns one line for each acknowledged change. */
  | { readonly kind: 'churn'; readonly workspaceId: string }
  /** Takes single units concurrently, and appends a byte to the file for each, until none is left or it has taken `most`. */
  | {
      readonly kind: 'drain';
      readonly meter: Meter;
      readonly file: string;
      readonly together: number;
      readonly most?: number;
    }
  /** Adds batches of usage until it is killed. Returns the number of each that was added; see {@link countedBatch}. */
  | { readonly kind: 'usage'; readonly workspaceId: string; readonly start: number }
  /** Takes the write lock of an SQLite file until the test stops it. */
  | { readonly kind: 'hold'; readonly file: string };

export interface Acknowledged {
  readonly did: 'insert' | 'revoke' | 'rotate';
  readonly id: string;
  readonly successorId?: string;
}

/** Synchronous: an acknowledgement must not be lost in a buffer of the killed process. */
function answer(value: unknown): void {
  writeSync(1, `${JSON.stringify(value)}\n`);
}

async function work(store: Store, job: Task): Promise<unknown> {
  const { keys, workspaces, usage } = store;
  switch (job.kind) {
    case 'insert': {
      const calls = Array.from({ length: job.count }, () => keys.insert(aKey(job.workspaceId), job.places, NOW));
      return (await Promise.all(calls)).map(({ outcome }) => outcome);
    }
    case 'rotate': {
      const calls = Array.from({ length: job.count }, () =>
        keys.rotate(job.key.id, null, { successor: anHeir(job.key), overlapEnd: NOW + 1000 }, { at: NOW }),
      );
      return (await Promise.all(calls)).map(({ outcome }) => outcome);
    }
    case 'create': {
      const call = workspaces.create(job.workspace, aKey(job.workspace.id));
      return call.then(() => 'created', String);
    }
    case 'turnover':
      return turnover(store, job.workspaceId, job.places, job.rounds);
    case 'count': {
      const { keyIds, start } = job;
      const counts = keyIds.map((keyId) => ({ keyId, start, requests: 1, cost: 4, limited: 2, forbidden: 3 }));
      await Promise.all(Array.from({ length: job.times }, () => usage.add(aBatch(counts), NOW)));
      return null;
    }
    case 'record': {
      const { events } = store as Store & DemoStore;
      const calls = Array.from({ length: job.times }, () => events.record(job.events, Date.now()));
      return (await Promise.all(calls)).flat().filter(({ added }) => added).length;
    }
    case 'remove': {
      let removed = 0;
      for (let isDone = false; !isDone;) {
        const batch = await keys.removeEnded(job.before, job.limit);
        removed += batch.removed;
        isDone = batch.isDone || batch.removed === 0;
      }
      return removed;
    }
  }
}

async function turnover({ keys }: Store, workspaceId: string, places: number, rounds: number): Promise<string[]> {
  const outcomes: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const key = aKey(workspaceId);
    const { outcome } = await keys.insert(key, places, NOW);
    outcomes.push(outcome);
    if (outcome === 'full') continue;
    // Without overlap: in this case a family is most likely to look as if it had ended.
    const heir = anHeir(key);
    await keys.rotate(key.id, workspaceId, { successor: heir, overlapEnd: NOW }, { at: NOW });
    const second = anHeir(heir);
    await keys.rotate(heir.id, workspaceId, { successor: second, overlapEnd: NOW }, { at: NOW });
    if (round % 3 !== 0) await keys.revoke(second.id, workspaceId, null, { at: NOW });
  }
  return outcomes;
}

async function churn({ keys }: Store, workspaceId: string): Promise<void> {
  const key = aKey(workspaceId);
  await keys.insert(key, 1_000_000, NOW);
  answer({ did: 'insert', id: key.id } satisfies Acknowledged);
  const heir = anHeir(key);
  await keys.rotate(key.id, workspaceId, { successor: heir, overlapEnd: NOW + 1000 }, { at: NOW });
  answer({ did: 'rotate', id: key.id, successorId: heir.id } satisfies Acknowledged);
  await keys.revoke(heir.id, workspaceId, 'churn', { at: NOW });
  answer({ did: 'revoke', id: heir.id } satisfies Acknowledged);
}

async function drain(
  { quotas }: Store,
  { meter, file, together, most = Infinity }: Job & { kind: 'drain' },
): Promise<void> {
  const meters = new Meters({ store: quotas, now: Date.now });
  const output = openSync(file, 'a');
  let taken = 0;
  const each = async (): Promise<void> => {
    while (taken < most) {
      taken += 1;
      const { outcome } = await meters.take([meter], { requests: 1, cost: 1 });
      if (outcome === 'refused') return;
      writeSync(output, '.');
      // Lets other requests take some.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(Array.from({ length: together }, each));
  await meters.close();
}

async function hold(file: string, until: Promise<unknown>): Promise<void> {
  const { default: Database } = await import('libsql');
  const db = new Database(file);
  db.exec('BEGIN IMMEDIATE');
  answer('held');
  await until;
  db.exec('ROLLBACK');
}

const [target, job] = JSON.parse(process.argv[2] ?? '') as [Target, Job];
const input = createInterface({ input: process.stdin });
const told = () => new Promise((resolve) => input.once('line', resolve));
if (job.kind === 'hold') {
  await hold(job.file, told());
} else {
  const store = await openTarget(target);
  const lines = input[Symbol.asyncIterator]();
  answer('ready');
  if (job.kind === 'usage') {
    await lines.next();
    for (let number = 0; ; number++) {
      await store.usage.add(countedBatch(job.workspaceId, job.start, number), Date.now());
      answer(number);
    }
  }
  if (job.kind === 'churn') {
    await lines.next();
    for (;;) await churn(store, job.workspaceId);
  }
  if (job.kind === 'drain') {
    await lines.next();
    await drain(store, job);
  }
  for await (const line of lines) answer(await work(store, JSON.parse(line) as Task));
  await store.close();
}
input.close();
