import { makeExecutableSchema } from '@graphql-tools/schema';
import { execute, parse } from 'graphql';
import { OperationCompiler } from '../../build/core/guard/compiledOperation.js';
import { assertGuarded, guardSchema } from '../../build/core/guard/guard.js';
import { ANONYMOUS } from '../../build/core/auth/principal.js';
import { directiveTypeDefs } from '../../build/management/schema/typeDefs.js';
import { timed, timedAsync } from '../lib/clock.js';
import { serve } from '../lib/serve.js';

const SDL = `
  type Query {
    orders(first: Int, filter: Filter): Orders @listSize(slicingArguments: ["first"], sizedFields: ["edges"]) @public
    status: Status @public
  }
  input Filter { total: Int @cost(weight: "2") and: Filter }
  type Orders { edges: [Edge] }
  type Edge { node: Order }
  type Order { id: ID total: Float items(first: Int): [Item] @listSize(slicingArguments: ["first"]) }
  type Item { id: ID product: Product }
  type Product { id: ID name: String }
  type Status { ok: Boolean }
`;

const list = (count, one) => Array.from({ length: count }, (_, id) => one(id));
const item = (id) => ({ id, product: { id, name: 'name' } });
const order = (id) => ({ id, total: 4.5, items: ({ first = 10 }) => list(first, item) });
const resolvers = {
  Query: {
    orders: (_, { first = 10 }) => ({ edges: list(first, (id) => ({ node: order(id) })) }),
    status: () => ({ ok: true }),
  },
};

/** Operations from cheap to expensive, by `options.kind`, with their variables. */
const OPERATIONS = {
  status: ['{ status { ok } }', {}],
  orders: ['query ($n: Int) { orders(first: $n) { edges { node { id total } } } }', { n: 50 }],
  items: [
    'query ($n: Int, $m: Int) { orders(first: $n) { edges { node { id items(first: $m) { id product { name } } } } } }',
    { n: 100, m: 10 },
  ],
  filter: [
    'query ($n: Int, $f: Filter) { orders(first: $n, filter: $f) { edges { node { id } } } }',
    { n: 50, f: { total: 1, and: { total: 2 } } },
  ],
};

await serve(async ({ kind }) => {
  const [source, variables] = OPERATIONS[kind];
  const schema = guardSchema(makeExecutableSchema({ typeDefs: [directiveTypeDefs(), SDL], resolvers }));
  const document = parse(source);
  const { weighed } = new OperationCompiler(schema, assertGuarded(schema)).compile(
    document,
    document.definitions[0],
    variables,
  );
  const run = () => execute({ schema, document, variableValues: variables, contextValue: { principal: ANONYMOUS } });
  const { data } = await run();
  const units = weighed.measure(data, variables);
  if (units > weighed.estimate(variables)) throw new Error(`${kind} costs more than its estimate.`);
  return {
    calls: {
      estimate: (times) => timed(times, () => weighed.estimate(variables)),
      measure: (times) => timed(times, () => weighed.measure(data, variables)),
      /** For each cost unit. */
      execute: async (times) => (await timedAsync(times, run)) / units,
    },
  };
});
