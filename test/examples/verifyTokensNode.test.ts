import { testVerifyingExample } from './verifyTokens.js';

describe('the example that verifies tokens with jose', () => {
  testVerifyingExample(process.execPath, 'examples/verify-tokens/node.js');
});
