import { TIERS, type Tier } from '../records.js';
import type { PlaceLimits } from '../store.js';
import type { WireError } from './wireErrors.js';

/** What a thread is started with. */
export interface ThreadData {
  /** The one writer, or a reader. */
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
  /** The thread waits for the write lock, which another program holds. The answer follows. */
  | { readonly kind: 'locked' };

/** The first messages of a thread. */
export type Opened =
  /** The file is being checked. One of the others follows. */
  { readonly kind: 'checking' } | { readonly kind: 'opened' } | { readonly kind: 'failed'; readonly error: WireError };

/** {@link Places} between threads, which can't pass functions: what the function returns for each tier. */
interface WirePlaces {
  readonly byTier: Readonly<Record<Tier, PlaceLimits>>;
}

/** Arguments as they are sent to a thread. */
export function packed(given: readonly unknown[]): readonly unknown[] {
  return given.map((each) => (typeof each === 'function' ? packedPlaces(each as (tier: Tier) => PlaceLimits) : each));
}

/** Arguments as they were given. */
export function unpacked(given: readonly unknown[]): readonly unknown[] {
  return given.map((each) => (isPlaces(each) ? (tier: Tier) => each.byTier[tier] : each));
}

function packedPlaces(places: (tier: Tier) => PlaceLimits): WirePlaces {
  const limits = TIERS.map((tier) => {
    const { keys, adminKeys } = places(tier);
    return [tier, { keys, adminKeys }] as const;
  });
  return { byTier: Object.fromEntries(limits) as Record<Tier, PlaceLimits> };
}

function isPlaces(value: unknown): value is WirePlaces {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'byTier');
}
