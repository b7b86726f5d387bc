export { latchkeyMercurius } from './adapters/mercurius/latchkeyMercurius.js';
export type { GuardedMercuriusOptions } from './adapters/mercurius/mercuriusOptions.js';
export type { MercuriusSubscriptions } from './adapters/mercurius/subscriptionOptions.js';
