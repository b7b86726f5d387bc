export { latchkeyMercurius } from './adapters/mercurius/latchkeyMercurius.js';
export type { GuardedMercuriusOptions } from './adapters/mercurius/mercuriusOptions.js';
