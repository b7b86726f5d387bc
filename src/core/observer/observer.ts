import type { RefusalCode } from '../errors/refusal.js';
import type { Tier } from '../store/records.js';

/**
 * The result of checking a request's credential. `malformed`: it could not be read as one key; `limited`: it was not
 * checked, because there were too many invalid keys before; `unavailable`: it could not be checked.
 */
export const VERIFICATIONS = [
  'accepted',
  'missing',
  'malformed',
  'unknown',
  'revoked',
  'user_left',
  'address',
  'expired',
  'limited',
  'unavailable',
] as const;
export type Verification = (typeof VERIFICATIONS)[number];

/** The source of a key's record: the cache, the store, or a cache entry for an unknown key. */
export const LOOKUPS = ['hit', 'miss', 'negative'] as const;
export type Lookup = (typeof LOOKUPS)[number];

/** The result of an operation of the store. `duplicate` is a valid result; `error` is not part of the interface. */
export const STORE_OUTCOMES = ['ok', 'unavailable', 'not_written', 'duplicate', 'error'] as const;
export type StoreOutcome = (typeof STORE_OUTCOMES)[number];

/**
 * Counts events. It is called for every request, so its methods must not wait, throw, or require arguments that have to
 * be created for them. No argument may be chosen by a caller, because each different text would be one more series
 * until the process ends.
 *
 * @example
 * ```ts
 * import type { Observer } from 'latchkey';
 *
 * const counts = new Map<string, number>();
 * const count = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
 * export const observer: Observer = {
 *   verified: (outcome) => count(`verified ${outcome}`),
 *   lookedUp: (outcome) => count(`lookedUp ${outcome}`),
 *   admitted: (tier) => count(`admitted ${tier}`),
 *   refused: (tier, code) => count(`refused ${code}`),
 *   storeAnswered: () => undefined,
 *   redisAnswered: () => undefined,
 *   limitsShared: () => undefined,
 *   requestAnswered: () => undefined,
 * };
 * ```
 */
export interface Observer {
  /** Called once for each request whose credential is checked. */
  verified(outcome: Verification): void;
  /** Called once for each look-up of a key's record, before the secret is checked. */
  lookedUp(outcome: Lookup): void;
  /** Called if the limits admitted an operation. */
  admitted(tier: Tier): void;
  /**
   * Called if an operation was refused before it ran.
   *
   * @param tier null for an anonymous caller
   */
  refused(tier: Tier | null, code: RefusalCode): void;
  /**
   * Called after an operation of the store.
   *
   * @param operation the name of the method, such as `keys.find`
   */
  storeAnswered(operation: string, ms: number, outcome: StoreOutcome): void;
  redisAnswered(ms: number, ok: boolean): void;
  /**
   * Called when the place of counting changes.
   *
   * @param shared whether limits are counted in one place for all processes; also false if that place fails
   */
  limitsShared(shared: boolean): void;
  /**
   * Called after a response.
   *
   * @param route the route of the server, never the requested URL
   */
  requestAnswered(route: string, status: number, ms: number): void;
}

const nothing = (): void => undefined;

/** An observer that does nothing. */
export const UNOBSERVED: Observer = Object.freeze({
  verified: nothing,
  lookedUp: nothing,
  admitted: nothing,
  refused: nothing,
  storeAnswered: nothing,
  redisAnswered: nothing,
  limitsShared: nothing,
  requestAnswered: nothing,
});
