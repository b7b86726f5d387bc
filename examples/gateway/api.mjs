// A GraphQL API that knows no keys, for the page docs/how-to/gateway.md. It stands for your own, in any language.
import { createServer } from 'node:http';
import { buildSchema, graphql } from 'graphql';

const schema = buildSchema(`
  type Query {
    orders(first: Int = 10): [Order!]!
    health: String!
  }
  type Mutation {
    cancelOrder(id: ID!): Order
  }
  type Order {
    id: ID!
    total: Float!
    margin: Float!
  }
`);
const orders = [
  { id: 'A-1', total: 20, margin: 0.3 },
  { id: 'A-2', total: 35, margin: 0.2 },
];
const rootValue = {
  orders: ({ first }) => orders.slice(0, first),
  health: 'ok',
  cancelOrder: ({ id }) => orders.find((order) => order.id === id),
};

createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  const { query: source, variables: variableValues, operationName } = JSON.parse(body);
  const result = await graphql({ schema, source, rootValue, variableValues, operationName });
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(result));
}).listen(Number(process.env.API_PORT ?? 8000), '127.0.0.1');
