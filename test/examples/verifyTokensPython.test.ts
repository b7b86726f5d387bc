import { testVerifyingExample } from './verifyTokens.js';

describe('the example that verifies tokens with PyJWT', () => {
  // Debian's Python, which has Debian's packages. Another Python may be first in PATH.
  testVerifyingExample('/usr/bin/python3', 'examples/verify-tokens/python.py');
});
