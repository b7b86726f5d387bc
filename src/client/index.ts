export { createClient } from './client.js';
export type { Client } from './client.js';
export { createFetch } from './fetch.js';
export { renewedToken } from './renewedToken.js';
export type { ClientOptions, KeySource } from './clientOptions.js';
export type { RequestOptions, SubscribeOptions } from './requestOptions.js';
export type { TokenVerification, VerifyOptions } from './verify.js';
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
