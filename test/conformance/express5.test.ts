import { testExample } from './integrations.js';

testExample('express5', '/graphql', []);
