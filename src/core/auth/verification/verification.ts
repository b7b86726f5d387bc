import type { Refusal } from '../../errors/refusal.js';
import type { OtherRoom } from '../../limits/limits.js';
import type { Room } from '../../limits/window.js';
import type { MeterState } from '../../quotas/meterState.js';
import type { KeyRecord } from '../../store/records.js';
import type { EndReason } from '../identified.js';
import type { AuthenticatedPrincipal } from '../principal.js';

/** A token to verify, with the scopes and the cost of its holder's request. */
export interface Asked {
  readonly token: string;
  /** The token must grant all of them. Valid scopes. */
  readonly scopes: readonly string[];
  /** Requests to take from the limits of the token's key, if the token is active. 0 if none. */
  readonly cost: number;
  /** The address of the token's holder; null if unknown, which a key that is bound to addresses does not allow. */
  readonly address: string | null;
}

/** The room in the limits of a key. */
export interface Left {
  /** In the windows of the key. */
  readonly room: Room;
  /** In the windows that it shares, and in those of the cost. */
  readonly otherRooms: readonly OtherRoom[];
  /** The cost in its quotas and credits. Empty if it has none, or the store can't be read. */
  readonly quotas: readonly MeterState[];
}

/** A token that is valid for the requested scopes, cost and address. */
export interface Active {
  readonly active: true;
  readonly principal: AuthenticatedPrincipal;
  /** null if it is not a stored key. */
  readonly key: KeyRecord | null;
  /** In milliseconds since the epoch; null means never. */
  readonly expiresAt: number | null;
  readonly left: Left;
}

/**
 * Why a token of the caller's workspace is not active. `documents`: the key may only run certain GraphQL documents, so it
 * can't be used for anything else.
 */
export type InactiveReason = EndReason | 'address' | 'documents' | 'scope' | 'limit' | 'quota' | 'cost';

/** A token of the caller's workspace that is not valid any more, or not for the requested scopes, cost and address. */
export interface Inactive {
  readonly active: false;
  readonly reason: InactiveReason;
  readonly principal: AuthenticatedPrincipal;
  /** The missing scopes. Empty unless the reason is `scope`. */
  readonly missing: readonly string[];
  /** Whole seconds until the cost fits; null unless the reason is `limit` or `quota`, or if waiting doesn't help. */
  readonly retryAfter: number | null;
  /** null if the limits were not read. */
  readonly left: Left | null;
}

/** A token that does not exist or belongs to another workspace. The caller can't distinguish them. */
export interface Unknown {
  readonly active: false;
  readonly reason: null;
}

/** A token that could not be verified, for example because the store is unavailable. */
export interface Unchecked {
  readonly active: false;
  readonly reason: 'unchecked';
  /** RATE_LIMITED if too many invalid tokens were verified before, or UNAVAILABLE. */
  readonly refusal: Refusal;
}

/** The result for one token. */
export type Verification = Active | Inactive | Unknown | Unchecked;
