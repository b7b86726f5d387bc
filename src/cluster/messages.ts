import type { Change } from '../keys/changes.js';
import type { FirstKey } from '../announce.js';
import type { Admission } from '../limits/limits.js';
import type { Room } from '../limits/window.js';
import type { Tier } from '../store/records.js';

/** One question about a family's limits. */
export interface Ask {
  readonly family: string;
  readonly tier: Tier;
  /** Units to take; null only looks. */
  readonly cost: number | null;
}

/** An admission for what was to be taken, the room for a look; null: it could not be judged. */
export type Answer = Admission | Room | null;

/** All that a worker asks within one turn of its event loop. A message costs tens of µs, one more question in it a few. */
export interface Asks {
  readonly kind: 'asks';
  /** Comes back with the answers. */
  readonly batch: number;
  readonly asks: readonly Ask[];
}

/** In the order of the questions. */
export interface Answers {
  readonly kind: 'answers';
  readonly batch: number;
  readonly answers: readonly Answer[];
}

export interface ChangeMade {
  readonly kind: 'change';
  readonly change: Change;
}

/** What a worker says of its own start. */
export type OfStart =
  | { readonly kind: 'listening'; readonly address: string }
  /** It does not start, or does not stop cleanly, and ends. */
  | { readonly kind: 'failed'; readonly reason: string };

export type BesidesStart =
  | Asks
  | ChangeMade
  /** This start made it. Told before the worker listens: where that fails, the key is shown all the same. */
  | { readonly kind: 'first-key'; readonly firstKey: FirstKey };

export type FromWorker = OfStart | BesidesStart;

export type FromPrimary =
  | Answers
  | ChangeMade
  /** Finish what runs, then end. */
  | { readonly kind: 'drain' };
