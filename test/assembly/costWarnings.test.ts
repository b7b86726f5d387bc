import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSchema, print } from 'graphql';
import {
  createLatchkey,
  directiveTypeDefs,
  openSqliteStore,
  tierTable,
  type LatchkeyOptions,
  type Store,
} from '../../src/index.js';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-'));
let store: Store;
beforeAll(async () => {
  store = await openSqliteStore({ dir });
});
afterAll(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

const LIMITED = tierTable({ GROWTH: { cost: { max: 10, rate: 10, burst: 10 } } });

/** Guards a schema, and returns the messages in the log. */
async function logged(sdl: string, options: Partial<LatchkeyOptions>): Promise<string[]> {
  const messages: string[] = [];
  const latchkey = await createLatchkey({ store, ...options, log: (error) => messages.push((error as Error).message) });
  latchkey.guard(buildSchema(`${print(directiveTypeDefs())} ${sdl}`), { plugin: false });
  await latchkey.close();
  return messages;
}

const UNSIZED =
  'type Query { orders: [Order] @public sized: [Order] @public @listSize(assumedSize: 5) } type Order { id: ID }';
const WARNING =
  'The size of these lists is unknown, so that the cost of operations assumes 10 entries: Query.orders. Add @listSize to them.';

test.each<[string, Partial<LatchkeyOptions>, string[]]>([
  ['a tier with limits in cost units', { tiers: LIMITED }, [WARNING]],
  ['measure', { cost: 'measure' }, [WARNING]],
  ['no such limits', {}, []],
  ['off', { cost: 'off', tiers: LIMITED }, []],
])('names lists without a size at the start with %s', async (_, options, expected) => {
  expect(await logged(UNSIZED, options)).toEqual(expected);
});

test('warns of nothing in a schema without cost directives', async () => {
  const sdl = 'type Query { orders: [Order] @public } type Order { id: ID }';
  expect(await logged(sdl, { tiers: LIMITED })).toEqual([]);
});
