import { example, testExample } from './integrations.js';

testExample(example('express5'), '/graphql', []);
