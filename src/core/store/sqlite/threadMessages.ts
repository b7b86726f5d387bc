import { TIERS, type Tier } from '../records.js';
import type { PlaceLimits } from '../store.js';
import type { WireError } from './wireErrors.js';

/** The data passed to a new thread. */
export interface ThreadData {
  /** There is one writer; all other threads are readers. */
  readonly role: 'writer' | 'reader';
  readonly dir: string;
  readonly file: string;
  /** How long a statement waits for another program's lock, in ms. */
  readonly busyTimeout: number;
}

/** An operation of the engine, such as `keys` and `list`. */
export interface Question {
  readonly part: string;
  readonly operation: string;
  readonly given: readonly unknown[];
}

export interface Asked extends Question {
  /** How much longer a write may wait for another program's lock, in ms. */
  readonly patience: number;
}

export type Answer =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: WireError }
  /** The thread waits for the write lock, which another program has. The result follows. */
  | { readonly kind: 'locked' };

/** The first messages of a thread. */
export type Opened =
  /** The file is being checked. One of the other messages follows. */
  { readonly kind: 'checking' } | { readonly kind: 'opened' } | { readonly kind: 'failed'; readonly error: WireError };

/** {@link Places} between threads, which can't pass functions: the result of the function for each tier. */
interface WirePlaces {
  readonly byTier: Readonly<Record<Tier, PlaceLimits>>;
}

/** Converts arguments for a message to a thread. */
export function packed(given: readonly unknown[]): readonly unknown[] {
  return given.map((each) => (hasPlaces(each) ? { ...each, places: packedPlaces(each.places) } : packedPlaces(each)));
}

/** Converts arguments back. */
export function unpacked(given: readonly unknown[]): readonly unknown[] {
  return given.map((each) =>
    hasPlaces(each) ? { ...each, places: unpackedPlaces(each.places) } : unpackedPlaces(each),
  );
}

/** An argument can be {@link Places}, or an object with them. */
function hasPlaces(value: unknown): value is { readonly places: unknown } {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'places');
}

function unpackedPlaces(value: unknown): unknown {
  return isPlaces(value) ? (tier: Tier) => value.byTier[tier] : value;
}

function packedPlaces(value: unknown): unknown {
  if (typeof value !== 'function') return value;
  const places = value as (tier: Tier) => PlaceLimits;
  const limits = TIERS.map((tier) => {
    const { keys, adminKeys } = places(tier);
    return [tier, { keys, adminKeys }] as const;
  });
  return { byTier: Object.fromEntries(limits) as Record<Tier, PlaceLimits> } satisfies WirePlaces;
}

function isPlaces(value: unknown): value is WirePlaces {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'byTier');
}
