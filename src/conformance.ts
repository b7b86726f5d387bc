export { conformance } from './conformance/allCases.js';
export { EXCEPTIONS, type ConformanceException } from './conformance/exceptions.js';
export type {
  ConformanceCase,
  ConformanceOptions,
  ConformanceServer,
  StartedServer,
} from './conformance/conformanceOptions.js';
