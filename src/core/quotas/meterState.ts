import type { Meter } from './quotaMeter.js';

/** The state of a meter, as far as this process knows. Units that other processes have leased count as used. */
export interface MeterState {
  readonly meter: Meter;
  /** Null for credits. */
  readonly limit: number | null;
  /** Null for credits. */
  readonly used: number | null;
  /** The remaining units. */
  readonly remaining: number;
  /** When the period ends, or the balance is refilled next, in ms since the epoch; null means never. */
  readonly resetsAt: number | null;
  /** The same as the time until then, in ms. */
  readonly resetsInMs: number | null;
}

/** The units that an operation uses. */
export interface Amounts {
  readonly requests: number;
  readonly cost: number;
}

/** Units that were taken from all meters of a key. */
export interface Taken {
  readonly outcome: 'taken';
  /** The current states of the meters, in their order. */
  readonly states: readonly MeterState[];
  /** Gives all units back, because the operation doesn't run. */
  giveBack(): void;
  /** Returns a part of the cost, at most what was taken, because the operation cost less than estimated. */
  giveBackCost(amount: number): void;
}

/** A meter has too few units. Nothing was taken from any. */
export interface TooFew {
  readonly outcome: 'refused';
  /** Of the meters with too few units, the one that is reset last. */
  readonly state: MeterState;
}
