import { testExample } from './integrations.js';

testExample('fastify5', '/graphql', ['NO_PROTO_KEYS']);
