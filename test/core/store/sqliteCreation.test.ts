import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { aKey, givenKey, givenWorkspace, NOW } from './fixtures.js';
import { openTarget } from './target.js';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-creation-'));

/** Rows that statements returned. */
let rows = 0;
interface Statement {
  all: (...given: unknown[]) => unknown[];
}
const prototype = Database.prototype as unknown as { prepare: (sql: string) => Statement };
const { prepare } = prototype;
beforeAll(() => {
  prototype.prepare = function (this: unknown, sql: string) {
    const statement = prepare.call(this as never, sql);
    const all = statement.all.bind(statement);
    statement.all = (...given) => {
      const found = all(...given);
      rows += found.length;
      return found;
    };
    return statement;
  };
});
afterAll(() => {
  prototype.prepare = prepare;
  rmSync(dir, { recursive: true, force: true });
});

test('X1: a creation below the limit reads as many rows with 200 keys as with one, and the limit is exact', async () => {
  const store = await openTarget({ engine: 'sqlite', dir, inThisThread: true });
  const ws = await givenWorkspace(store);
  const LIMIT = 300;
  const rowsOf = async (): Promise<number> => {
    rows = 0;
    expect(await store.keys.insert(aKey(ws), LIMIT, NOW)).toEqual({ outcome: 'inserted' });
    return rows;
  };
  const few = await rowsOf();
  expect(few).toBeGreaterThan(0);
  const ends = [null, NOW + 1, NOW];
  for (let i = 0; i < 200; i += 1) await givenKey(store, ws, { expiresAt: ends[i % 3] ?? null });
  expect(await rowsOf()).toBe(few);
  // 67 keys have expired.
  const living = await store.keys.countFamilies(ws, NOW);
  for (let i = living; i < LIMIT; i += 1)
    expect(await store.keys.insert(aKey(ws), LIMIT, NOW)).toEqual({ outcome: 'inserted' });
  expect(await store.keys.insert(aKey(ws), LIMIT, NOW)).toEqual({ outcome: 'full', living: LIMIT });
  // A family with two keys takes one place.
  const other = await givenWorkspace(store);
  const key = await givenKey(store, other);
  await givenKey(store, other, { familyId: key.familyId });
  expect(await store.keys.insert(aKey(other), 2, NOW)).toEqual({ outcome: 'inserted' });
  expect(await store.keys.insert(aKey(other), 2, NOW)).toEqual({ outcome: 'full', living: 2 });
  await store.close();
});
