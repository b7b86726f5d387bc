import type { RefusalCode } from '../refusals/refusal.js';
import type { Tier } from '../store/records.js';

/**
 * What became of a request's credential. `malformed` holds whatever could not be read as one key, `limited` what was not
 * looked at because too many wrong keys came before, `unavailable` what could not be judged.
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

/** Where a key's record came from: from memory, by a read of the store, or from memory that there is none. */
export const LOOKUPS = ['hit', 'miss', 'negative'] as const;
export type Lookup = (typeof LOOKUPS)[number];

/** How an operation of the store ended: `duplicate` is an answer, `error` one that no interface promises. */
export const STORE_OUTCOMES = ['ok', 'unavailable', 'not_written', 'duplicate', 'error'] as const;
export type StoreOutcome = (typeof STORE_OUTCOMES)[number];

/**
 * Is told what happens, and counts it. It stands on the path of every request, so that its methods neither wait, nor
 * throw, nor take anything that would have to be made for them. Nothing that a caller chose may be handed to it: each
 * different text would be one more series for as long as the process lives.
 */
export interface Observer {
  /** Once for each request whose credential is asked for. */
  verified(outcome: Verification): void;
  /** Once for each look for a key's record, before its secret is judged. */
  lookedUp(outcome: Lookup): void;
  /** The limits let an operation pass. */
  admitted(tier: Tier): void;
  /** An operation was refused before it ran. @param tier null where nobody said who they are */
  refused(tier: Tier | null, code: RefusalCode): void;
  /** @param operation a name of the interface's own, such as `keys.find` */
  storeAnswered(operation: string, ms: number, outcome: StoreOutcome): void;
  redisAnswered(ms: number, ok: boolean): void;
  /** @param shared whether limits are counted in one place for all processes; false also if something is wrong with that place */
  limitsShared(shared: boolean): void;
  /** @param route as the server knows it, never the address that was asked for */
  requestAnswered(route: string, status: number, ms: number): void;
}

const nothing = (): void => undefined;

/** For who counts nothing. */
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
