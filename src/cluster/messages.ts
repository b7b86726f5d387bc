import type { Change } from '../keys/changes.js';
import type { FirstKey } from '../announce.js';
import type { Admission, Subject } from '../limits/limits.js';
import type { Room } from '../limits/window.js';
import type { MetricsSnapshot } from '../metrics/metrics.js';
import type { StreamEvent } from '../streams/events.js';

/** One question about a family's limits. */
export interface Ask extends Subject {
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

/** What streams tell, from one worker to the others. */
export interface EventTold {
  readonly kind: 'event';
  readonly event: StreamEvent;
}

/** A stream is to be opened, or one has ended. */
export type OfPlaces =
  | {
      readonly kind: 'take-place';
      /** Comes back with the answer. */
      readonly id: number;
      readonly family: string;
      readonly limit: number;
    }
  | { readonly kind: 'return-place'; readonly family: string };

export interface PlaceTaken {
  readonly kind: 'place';
  readonly id: number;
  /** false: all places of the family are taken. */
  readonly taken: boolean;
}

/** A worker was asked for the metrics of all. */
export interface Scrape {
  readonly kind: 'scrape';
  /** Comes back with what was gathered. */
  readonly id: number;
}

/** What one worker counted, for the round of that number. */
export interface Counted {
  readonly kind: 'counted';
  readonly round: number;
  readonly snapshot: MetricsSnapshot;
}

/** What all workers counted; null where one of them did not say. */
export interface Gathered {
  readonly kind: 'gathered';
  readonly id: number;
  readonly snapshots: readonly MetricsSnapshot[] | null;
}

/** What a worker says of its own start. */
export type OfStart =
  | { readonly kind: 'ready' }
  /** It does not start, or does not stop cleanly, and ends. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** The answer to `leave`, when that is done. */
  | { readonly kind: 'left' }
  /** It has stopped, and ends once the primary says so. */
  | { readonly kind: 'stopped' };

export type BesidesStart =
  | Asks
  | ChangeMade
  | EventTold
  | OfPlaces
  | Scrape
  | Counted
  /** It holds the connection of this number. */
  | { readonly kind: 'taken'; readonly id: number }
  /** The connection of this number did not come. */
  | { readonly kind: 'lost'; readonly id: number }
  /** This start made it. Told before the worker is ready: if that fails, the key is shown all the same. */
  | { readonly kind: 'first-key'; readonly firstKey: FirstKey };

export type FromWorker = OfStart | BesidesStart;

export type FromPrimary =
  | Answers
  | ChangeMade
  | EventTold
  | PlaceTaken
  | Gathered
  /** Say what you counted. */
  | { readonly kind: 'count'; readonly round: number }
  /** Read the configuration anew. */
  | { readonly kind: 'reload' }
  /** A connection. Its socket is sent with the message. */
  | { readonly kind: 'connection'; readonly id: number }
  /** The connection of this number came just before. */
  | { readonly kind: 'given'; readonly id: number }
  /** Ask callers to go elsewhere, and serve as before. `delay` is the longest that this takes, in ms. */
  | { readonly kind: 'leave'; readonly delay: number }
  /** Finish running requests, then end. No more connections come, except those that another worker didn't take. */
  | { readonly kind: 'drain' }
  /** The answer to `stopped`. */
  | { readonly kind: 'end' };
