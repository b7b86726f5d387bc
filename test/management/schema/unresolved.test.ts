import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { graphql, type GraphQLSchema } from 'graphql';
import { createLatchkey, openSqliteStore, type Latchkey, type Store } from '../../../src/index.js';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-unresolved-'));
let store: Store;
let latchkey: Latchkey;
beforeAll(async () => {
  store = await openSqliteStore({ dir });
  latchkey = await createLatchkey({ store, bcryptCost: 4 });
});
afterAll(async () => {
  await latchkey.close();
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

const TYPES = 'extend type Query { open: Int @public }';
const own = { Query: { open: () => 1 } };
type Resolvers = NonNullable<Parameters<typeof makeExecutableSchema>[0]['resolvers']>;
const schemaWith = (resolvers: Resolvers): GraphQLSchema =>
  makeExecutableSchema({ typeDefs: [latchkey.typeDefs, TYPES], resolvers });

describe('guard, on a schema without some of the resolvers of Latchkey', () => {
  it('refuses a spread, which replaces the fields of Query', () => {
    const schema = schemaWith({ ...latchkey.resolvers, ...own } as Resolvers);
    expect(() => latchkey.guard(schema)).toThrow(
      /^These fields have no resolver: Query\.\w+, Query\.\w+, Query\.\w+ and \d+ more\. .*resolvers: \[latchkey\.resolvers, yours\]/,
    );
  });

  it('refuses a schema without any of them, and one whose own type replaces a type of keys', () => {
    expect(() => latchkey.guard(schemaWith([own]))).toThrow(/Mutation\.createApiKey|and \d+ more/);
    const replaced = {
      ...latchkey.resolvers,
      ...own,
      Query: { ...(latchkey.resolvers.Query as object), ...own.Query },
      ApiKey: {},
    };
    expect(() => latchkey.guard(schemaWith(replaced as Resolvers))).toThrow(/ ApiKey\.\w+/);
    expect(() => latchkey.guard(schemaWith(replaced as Resolvers))).not.toThrow(/ Query\.\w+[,.]/);
  });

  it('accepts them in a list, a spread within each type, a resolver of the caller, and a schema without these fields', async () => {
    const listed = latchkey.guard(schemaWith([latchkey.resolvers as Resolvers, own] as Resolvers));
    const contextValue = { principal: { kind: 'anonymous', scopes: [] } };
    const result = await graphql({ schema: listed, source: '{ tiers { tier } open }', contextValue });
    expect(result.data).toMatchObject({ open: 1, tiers: expect.arrayContaining([{ tier: 'GROWTH' }]) });
    const mine = { Query: { ...(latchkey.resolvers.Query as object), ...own.Query, viewer: () => null } };
    expect(() => latchkey.guard(schemaWith({ ...latchkey.resolvers, ...mine } as Resolvers))).not.toThrow();
    const without = makeExecutableSchema({
      typeDefs: ['directive @public on FIELD_DEFINITION', 'type Query { open: Int @public }'],
      resolvers: own,
    });
    expect(() => latchkey.guard(without)).not.toThrow();
  });

  it('accepts a schema that is guarded again', () => {
    const schema = latchkey.guard(schemaWith([latchkey.resolvers, own] as Resolvers));
    expect(() => latchkey.guard(schema)).not.toThrow();
  });
});
