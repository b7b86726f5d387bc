import { jest } from '@jest/globals';
import { testExample } from './integrations.js';

// Koa prints the bodies that its parser refuses.
beforeEach(() => void jest.spyOn(console, 'error').mockImplementation(() => undefined));

testExample('koa', '/', ['NO_PROTO_KEYS']);
