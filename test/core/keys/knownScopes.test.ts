import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KnownScopes } from '../../../src/core/keys/knownScopes.js';
import { DAY } from '../../../src/core/store/periods.js';
import type { GuardedSchemaRecord } from '../../../src/core/store/records.js';
import { openStoreHere } from '../../support/storeHere.js';
import type { GuardedSchemaStore, Store } from '../../../src/core/store/store.js';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-scopes-'));
afterAll(() => rmSync(dir, { recursive: true }));

let made = 0;
let store: Store;
let now = 1_800_000_000_000;
const opened: KnownScopes[] = [];
beforeEach(async () => {
  store = await openStoreHere(join(dir, String(made++)));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((scopes) => scopes.close()));
  await store.close();
});

/** Returns the scopes of one process on the store, with the numbers of its reads and writes. */
function aProcess(schemas: GuardedSchemaStore = store.guardedSchemas) {
  const calls = { publish: 0, list: 0 };
  const counted: GuardedSchemaStore = {
    publish: (schema, at) => ((calls.publish += 1), schemas.publish(schema, at)),
    list: (at, first) => ((calls.list += 1), schemas.list(at, first)),
  };
  const scopes = new KnownScopes({ schemas: counted, now: () => now });
  opened.push(scopes);
  return { scopes, calls };
}

/** Guards a schema with these scopes, and returns when they were published. */
async function guards(scopes: KnownScopes, names: readonly string[]): Promise<void> {
  scopes.add(names, () => new Map(names.map((name) => [name, [`Query.${name.replace(':', '_')}`]])));
  await scopes.close();
}

const stored = (): Promise<readonly GuardedSchemaRecord[]> => store.guardedSchemas.list(now, 99);

test('another process learns a scope when it is wanted, with one read of the store', async () => {
  await guards(aProcess().scopes, ['read:orders']);
  const { scopes, calls } = aProcess();
  expect(scopes.names).toEqual([]);
  await Promise.all([scopes.learn(['read:orders']), scopes.learn(['read:orders'])]);
  expect([scopes.names, calls]).toEqual([['read:orders'], { publish: 0, list: 1 }]);
  await scopes.learn(['read:orders']);
  expect(calls.list).toBe(1);
});

test('known scopes, and text that is not a scope, cause no read', async () => {
  const { scopes, calls } = aProcess();
  await guards(scopes, ['read:orders']);
  const { list } = calls;
  await scopes.learn(['read:orders', 'READ_ORDERS', '']);
  expect(calls.list).toBe(list);
  await scopes.learn(['read:invoices']);
  expect(calls.list).toBe(list + 1);
});

test('lists the scopes of all processes by name, with the fields of each', async () => {
  await guards(aProcess().scopes, ['read:orders', 'admin']);
  const { scopes } = aProcess();
  await guards(scopes, ['read:users', 'admin']);
  expect(await scopes.list()).toEqual([
    { scope: 'admin', opens: ['Query.admin'] },
    { scope: 'read:orders', opens: ['Query.read_orders'] },
    { scope: 'read:users', opens: ['Query.read_users'] },
  ]);
});

test('processes with the same schema share a record, and write it at most once a day', async () => {
  const first = aProcess();
  await guards(first.scopes, ['read:orders']);
  now += DAY - 1;
  const second = aProcess();
  await guards(second.scopes, ['read:orders']);
  expect([first.calls.publish, second.calls.publish]).toEqual([1, 0]);
  const [before] = await stored();
  now += 1;
  const third = aProcess();
  await guards(third.scopes, ['read:orders']);
  expect(third.calls.publish).toBe(1);
  const after = await stored();
  expect(after).toEqual([{ ...before, publishedAt: now, endsAt: now + 7 * DAY }]);
});

test('scopes that nobody has published for seven days are unknown', async () => {
  await guards(aProcess().scopes, ['read:orders']);
  now += 7 * DAY - 1;
  const before = aProcess().scopes;
  await before.learn(['read:orders']);
  expect(before.names).toEqual(['read:orders']);
  now += 1;
  const after = aProcess().scopes;
  await after.learn(['read:orders']);
  expect(after.names).toEqual([]);
  expect((await before.list()).length).toBe(0);
});

test('publishes at most 500 scopes with 50 fields each, and no fields if the list is long', async () => {
  const many = Array.from({ length: 501 }, (_, i) => `read:r${String(i).padStart(3, '0')}`);
  const few = ['read:a', 'read:b'];
  const fields = (length: number) => Array.from({ length: 51 }, (_, i) => `Query.${'x'.repeat(length)}${i}`);
  const publish = async (names: readonly string[], length: number) => {
    const { scopes } = aProcess();
    scopes.add(names, () => new Map(names.map((name) => [name, fields(length)])));
    await scopes.close();
    now += 1;
    const [newest] = (await stored()).toSorted((a, b) => b.publishedAt - a.publishedAt);
    return newest?.scopes ?? [];
  };
  expect((await publish(few, 5)).map(({ opens }) => opens.length)).toEqual([50, 50]);
  expect((await publish(few, 5_000)).map(({ opens }) => opens.length)).toEqual([0, 0]);
  expect((await publish(many, 1)).map(({ scope }) => scope)).toEqual(many.slice(0, 500));
});

test('a failed publication is repeated, and a failed read is reported', async () => {
  const down = new Error('down');
  let isUp = false;
  const { scopes, calls } = aProcess({
    publish: async (schema, at) => {
      if (!isUp) throw down;
      await store.guardedSchemas.publish(schema, at);
    },
    list: async (at, first) => {
      if (!isUp) throw down;
      return store.guardedSchemas.list(at, first);
    },
  });
  scopes.add(['read:orders'], () => new Map([['read:orders', []]]));
  await new Promise(setImmediate);
  await expect(scopes.learn(['read:invoices'])).rejects.toBe(down);
  expect(calls.publish).toBe(0);
  isUp = true;
  await scopes.close();
  expect((await stored()).map(({ scopes: published }) => published)).toEqual([[{ scope: 'read:orders', opens: [] }]]);
});

test('a custom store without schemas knows the scopes of this process', async () => {
  const scopes = new KnownScopes({ schemas: undefined, now: () => now });
  scopes.add(['read:orders'], () => new Map([['read:orders', ['Query.orders']]]));
  await scopes.learn(['read:invoices']);
  expect(await scopes.list()).toEqual([{ scope: 'read:orders', opens: ['Query.orders'] }]);
  await scopes.close();
});
