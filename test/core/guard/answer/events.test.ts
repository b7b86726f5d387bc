import { makeExecutableSchema } from '@graphql-tools/schema';
import { execute, parse, type ExecutionResult } from 'graphql';
import { guardSchema } from '../../../../src/core/guard/guard.js';
import { directiveTypeDefs } from '../../../../src/management/schema/typeDefs.js';

let resolved = 0;

/** A root field for queries and subscriptions that returns `n` rows with one field each: it counts for 2 n + 1. */
async function run(kind: 'query' | 'subscription', n: number, answer: object = {}): Promise<ExecutionResult> {
  const typeDefs = `type Query { rows(n: Int!): [Row!]! @public }
    type Subscription { rows(n: Int!): [Row!]! @public }
    type Row { id: Int }`;
  const rows = (_: unknown, { n: count }: { n: number }) => Array.from({ length: count }, () => ({}));
  const Row = {
    id: () => {
      resolved += 1;
      return 1;
    },
  };
  const schema = guardSchema(
    makeExecutableSchema({
      typeDefs: [directiveTypeDefs(), typeDefs],
      resolvers: { Query: { rows }, Subscription: { rows }, Row },
    }),
    { answer },
  );
  resolved = 0;
  return execute({ schema, document: parse(`${kind} { rows(n: ${n}) { id } }`), contextValue: {} });
}

test('R3: one event resolves fewer fields than an operation', async () => {
  expect((await run('query', 6_000)).errors).toBeUndefined();
  expect((await run('subscription', 4_900)).errors).toBeUndefined();
  expect(resolved).toBe(4_900);
  const { errors } = await run('subscription', 6_000);
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'ANSWER_TOO_LARGE', limit: 10_000, unit: 'fields' });
  expect(resolved).toBe(0);
});

test('R3: the limit of an event can be set, and never exceeds that of an operation', async () => {
  expect((await run('subscription', 6_000, { eventFields: 20_000 })).errors).toBeUndefined();
  const { errors } = await run('subscription', 600, { fields: 1_000, eventFields: 20_000 });
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'ANSWER_TOO_LARGE', limit: 1_000 });
});
