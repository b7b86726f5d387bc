export { conformance } from './conformance/conformance.js';
export { EXCEPTIONS, type ConformanceException } from './conformance/exceptions.js';
export type { ConformanceCase, ConformanceOptions, ConformanceServer, StartedServer } from './conformance/options.js';
