export { createClient } from './client.js';
export type { Client, RequestOptions, SubscribeOptions } from './client.js';
export { createFetch } from './fetch.js';
export type { ClientOptions, KeySource } from './options.js';
export {
  Forbidden,
  Invalid,
  LatchkeyError,
  LimitReached,
  NotFound,
  RateLimited,
  Unauthenticated,
  Unavailable,
} from './errors.js';
export type { GuardedPlace } from './errors.js';
