import { example, testExample } from './integrations.js';

testExample(example('fastify5'), '/graphql', ['NO_PROTO_KEYS']);
