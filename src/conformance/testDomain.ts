import { GraphQLError } from 'graphql';
import { Refusal } from '../index.js';
import { recording, type Resolvers } from './resolvedSchema.js';
import type { Sources } from './sources.js';

/** The schema of most cases. */
export const DOMAIN = /* GraphQL */ `
  type Query {
    open: String @public
    constructor: String @public
    any: String @auth
    report: Report @auth(scope: "read:reports")
    board: Board @public
    found: Found @public
    node(id: ID!): Node @public
    nodes(ids: [ID!]!): [Node]! @public
    search(text: String, level: Level, filter: Filter): String @public
    items(count: Int!): [Item!]! @listSize(assumedSize: 10) @auth
    text(length: Int!): String @auth
    failing: String @public
    faults(count: Int!): [Fault!]! @auth
    telling: String @public
    refusing: String @auth
  }
  type Mutation {
    touch: String @public
    publish: Report @public
    drop: String @auth(scope: "write:reports")
  }
  type Subscription {
    reports: String @auth(scope: "read:reports")
    ticks: String @public
  }
  type Board {
    title: String!
    pinned: Report
    salary: Int! @auth(scope: "read:salaries")
    inner: Board
  }
  interface Node {
    id: ID
  }
  type Report implements Node @auth(scope: "read:reports") {
    id: ID
  }
  type Note implements Node {
    id: ID
    text: String
  }
  union Found = Report | Note
  type Item {
    id: Int
    inner: Item
  }
  type Fault {
    text: String
  }
  enum Level {
    LOW
    HIGH
  }
  input Filter {
    word: String!
    deep: Filter
  }
`;

/** A text that the server must never send. */
export const INTERNAL_SECRET = 'postgres://root:hunter2@db.internal/orders';

const BOARD = { title: 'board', pinned: { id: 'r1' }, salary: 7, inner: { title: 'inner', salary: 8 } };

export function domainResolvers(ran: string[], sources: Sources, leak: { readonly text: string }): Resolvers {
  const find = (id: string) => ({ __typename: id.startsWith('r') ? 'Report' : 'Note', id });
  return {
    Query: recording(ran, 'Query', {
      open: 'yes',
      constructor: 'built',
      any: 'anybody',
      report: { id: 'r1' },
      board: BOARD,
      found: { __typename: 'Note', text: 'n1' },
      node: ({ id }: { id: string }) => find(id),
      nodes: ({ ids }: { ids: string[] }) => ids.map(find),
      search: 'found',
      items: ({ count }: { count: number }) => Array.from({ length: count }, (_, id) => ({ id })),
      text: ({ length }: { length: number }) => 'x'.repeat(length),
      failing: () => {
        throw new Error(`connect ECONNREFUSED ${INTERNAL_SECRET}`);
      },
      faults: ({ count }: { count: number }) => Array.from({ length: count }, () => ({})),
      telling: () => {
        throw new GraphQLError(`The key ${leak.text} is out of stock.`, {
          extensions: { code: 'OUT_OF_STOCK', token: leak.text },
        });
      },
      refusing: () => {
        throw new Refusal('There is no such order. Check the ID.', { code: 'NOT_FOUND' });
      },
    }),
    Mutation: recording(ran, 'Mutation', { touch: 'touched', publish: { id: 'r1' }, drop: 'dropped' }),
    Fault: {
      text: () => {
        throw new Error(INTERNAL_SECRET);
      },
    },
    Subscription: { reports: sources.field('reports'), ticks: sources.field('ticks') },
  };
}
