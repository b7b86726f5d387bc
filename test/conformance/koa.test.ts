import { jest } from '@jest/globals';
import { installApart } from './apart.js';
import { testExample, type Example } from './integrations.js';

// Koa prints the bodies that its parser refuses.
beforeEach(() => void jest.spyOn(console, 'error').mockImplementation(() => undefined));

// The package needs Node 22.
const load = installApart<Example>('koa', '@as-integrations/koa@3.0.0', ['koa', '@koa']);

testExample(load, '/', ['NO_PROTO_KEYS']);
