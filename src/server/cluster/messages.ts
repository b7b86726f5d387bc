import type { Change } from '../../core/keys/changeFeed.js';
import type { FirstKey } from '../announce.js';
import type { Admission, CostTaken, Subject, Unit } from '../../core/limits/limits.js';
import type { Room } from '../../core/limits/window.js';
import type { MetricsSnapshot } from '../metrics/metrics.js';
import type { StreamEvent } from '../streams/streamEvent.js';

/** One question about a family's limits. */
export interface Ask extends Subject {
  /** Requests to take; null for a peek. */
  readonly requests: number | null;
  /** Cost units to take. Absent: 0. */
  readonly cost?: number;
  /** For a peek. Absent: requests. */
  readonly unit?: Unit;
}

/** Cost units to give back. */
export interface GivenBack {
  readonly costTaken: CostTaken;
  readonly cost: number;
}

/** An admission, or the room for a peek; null if the limits could not be evaluated. */
export type Answer = Admission | Room | null;

/**
 * All questions of a worker in one turn of its event loop. A message takes tens of µs, and each additional question in it only a few.
 */
export interface Asks {
  readonly kind: 'asks';
  /** Echoed in the reply. */
  readonly batch: number;
  readonly asks: readonly Ask[];
  /** Handled before the questions. Absent if none. */
  readonly givenBack?: readonly GivenBack[];
}

/** In the order of the questions. */
export interface Answers {
  readonly kind: 'answers';
  readonly batch: number;
  readonly answers: readonly Answer[];
}

interface ChangeMade {
  readonly kind: 'change';
  readonly change: Change;
}

/** An event for streams, from one worker to all others. */
interface EventTold {
  readonly kind: 'event';
  readonly event: StreamEvent;
}

/** A request to open a stream, or the end of one. */
export type OfPlaces =
  | {
      readonly kind: 'take-place';
      /** Echoed in the reply. */
      readonly id: number;
      readonly family: string;
      readonly limit: number;
    }
  | { readonly kind: 'return-place'; readonly family: string };

export interface PlaceTaken {
  readonly kind: 'place';
  readonly id: number;
  /** False: all places of the family are taken. */
  readonly taken: boolean;
}

/** A worker was asked for the metrics of all. */
export interface Scrape {
  readonly kind: 'scrape';
  /** Echoed in the reply. */
  readonly id: number;
}

/** The counts of one worker for a round. */
export interface Counted {
  readonly kind: 'counted';
  readonly round: number;
  readonly snapshot: MetricsSnapshot;
}

/** The counts of all workers; null if one of them did not respond. */
export interface Gathered {
  readonly kind: 'gathered';
  readonly id: number;
  readonly snapshots: readonly MetricsSnapshot[] | null;
}

/** Messages of a worker about its start and stop. */
type OfStart =
  | { readonly kind: 'ready' }
  /** It does not start, or does not stop cleanly, and ends. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** The reply to `leave` when it is complete. */
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
  /** The worker has the connection with this number, or has refused it. `isFull`: it would refuse the next one. */
  | { readonly kind: 'taken'; readonly id: number; readonly isFull: boolean }
  /** It was full, and a connection has ended. */
  | { readonly kind: 'room' }
  /** The connection with this number did not arrive. */
  | { readonly kind: 'lost'; readonly id: number }
  /** The key that this start created. Sent before the worker is ready, so that the key is shown even if the start fails later. */
  | { readonly kind: 'first-key'; readonly firstKey: FirstKey };

export type FromWorker = OfStart | BesidesStart;

export type FromPrimary =
  | Answers
  | ChangeMade
  | EventTold
  | PlaceTaken
  | Gathered
  /** Send your counts. */
  | { readonly kind: 'count'; readonly round: number }
  /** Reload the configuration. */
  | { readonly kind: 'reload' }
  /** A connection. Its socket is sent with the message. */
  | { readonly kind: 'connection'; readonly id: number }
  /** The connection with this number was sent just before. */
  | { readonly kind: 'given'; readonly id: number }
  /** Ask callers to reconnect elsewhere, and continue to serve. `delay` is the maximum time, in ms. */
  | { readonly kind: 'leave'; readonly delay: number }
  /** Finish running requests, then end. No more connections are sent, except those that another worker didn't take. */
  | { readonly kind: 'drain' }
  /** The reply to `stopped`. */
  | { readonly kind: 'end' };
