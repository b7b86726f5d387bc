import { makeExecutableSchema } from '@graphql-tools/schema';

/** One schema for all libraries, with guards in each library's syntax. */

const ORDER = {
  id: 'A-1',
  number: 4711,
  status: 'PAID',
  currency: 'EUR',
  total: 119,
  tax: 19,
  placedAt: '2026-03-01T12:00:00.000Z',
  note: 'leave at the door',
  customer: { id: 'C-1', name: 'Ada', email: 'ada@example.com', city: 'London', country: 'GB' },
  lines: [
    { sku: 'S-1', title: 'Lamp', quantity: 1, price: 40 },
    { sku: 'S-2', title: 'Desk', quantity: 1, price: 50 },
    { sku: 'S-3', title: 'Pen', quantity: 10, price: 1 },
  ],
  cost: 70,
  margin: 0.3,
  supplier: 'Acme',
};

export const SCOPES = ['read:greetings', 'read:orders', 'read:margins'];

/** One field, and an object of 20 fields, four of them guarded. */
export const QUERIES = {
  small: { query: '{ hello }', expected: { hello: 'world' } },
  medium: {
    query: `{ order(id: "A-1") {
      id number status currency total tax placedAt note
      customer { id name email city country }
      lines { sku title quantity price }
      cost margin supplier
    } }`,
    expected: { order: ORDER },
  },
};

/** @param {(scope: string) => string} guard returns the directive that requires a scope, or '' */
export function shopTypeDefs(guard) {
  return /* GraphQL */ `
    type Query {
      hello: String! ${guard('read:greetings')}
      order(id: ID!): Order ${guard('read:orders')}
    }
    type Order {
      id: ID!
      number: Int!
      status: String!
      currency: String!
      total: Float!
      tax: Float!
      placedAt: String!
      note: String
      customer: Customer!
      lines: [Line!]!
      cost: Float! ${guard('read:margins')}
      margin: Float! ${guard('read:margins')}
      supplier: String! ${guard('read:margins')}
    }
    type Customer {
      id: ID!
      name: String!
      email: String!
      city: String!
      country: String!
    }
    type Line {
      sku: String!
      title: String!
      quantity: Int!
      price: Float!
    }
  `;
}

export const shopResolvers = { Query: { hello: () => 'world', order: () => ORDER } };

export function openShop() {
  return makeExecutableSchema({ typeDefs: shopTypeDefs(() => ''), resolvers: shopResolvers });
}
