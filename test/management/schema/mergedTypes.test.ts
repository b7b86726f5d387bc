import { buildSubgraphSchema } from '@apollo/subgraph';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { parse } from 'graphql';
import { createLatchkey, directiveTypeDefs, openSqliteStore, type Latchkey } from '../../../src/index.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-merged-'));
let latchkey: Latchkey;
let close: () => Promise<void>;
beforeAll(async () => {
  const store = await openSqliteStore({ dir });
  latchkey = await createLatchkey({ store, bcryptCost: 4 });
  close = async () => {
    await latchkey.close();
    await store.close();
    rmSync(dir, { recursive: true });
  };
});
afterAll(() => close());

const guarded = (typeDefs: readonly unknown[]) =>
  latchkey.guard(makeExecutableSchema({ typeDefs: [...typeDefs] as string[], resolvers: [latchkey.resolvers] }), {
    plugin: false,
  });

const MERGED =
  /Your schema defines (\w+), which latchkey\.typeDefs also defines, and both were merged\. Rename your type\./;

it.each([
  ['type User { id: ID! nickname: String }', 'User'],
  ['type Project { title: String }', 'Project'],
  ['enum Tier { GOLD }', 'Tier'],
  ['input CreateApiKeyInput { nickname: String }', 'CreateApiKeyInput'],
])('refuses %s in addition to latchkey.typeDefs', (own, name) => {
  for (const typeDefs of [
    [latchkey.typeDefs, own],
    [own, latchkey.typeDefs],
    [latchkey.typeDefs, parse(own)],
  ]) {
    expect(() => guarded(typeDefs)).toThrow(MERGED);
    expect(() => guarded(typeDefs)).toThrow(`defines ${name},`);
  }
});

it('accepts extensions of the types of latchkey.typeDefs, even in several texts', () => {
  const own = [
    'extend type User { nickname: String }',
    'type Order { id: ID user: User } extend type Query { order: Order @public }',
  ];
  expect(() => guarded([latchkey.typeDefs, ...own])).not.toThrow();
  expect(() => guarded([...own, latchkey.typeDefs])).not.toThrow();
});

it('accepts a type of the same name in a schema without latchkey.typeDefs', () => {
  const own = 'type User { id: ID! } type Query { me: User @public }';
  expect(() =>
    latchkey.guard(makeExecutableSchema({ typeDefs: [directiveTypeDefs(), own] }), { plugin: false }),
  ).not.toThrow();
});

it('has resolvers of a type that packages of Apollo take', () => {
  const { typeDefs, resolvers } = latchkey;
  expect(() => latchkey.guard(buildSubgraphSchema({ typeDefs, resolvers }), { plugin: false })).not.toThrow();
});
