import type { Tier } from '../store/records.js';
import type { TierLimits } from './tiers.js';
import type { Room, WindowName } from './window.js';

/** Whose units are counted: all keys of a rotation family share one history, so that rotating does not refill it. */
export interface Subject {
  readonly family: string;
  readonly tier: Tier;
}

/** What became of a request, with what is left after it. */
export type Admission =
  | { readonly outcome: 'admitted'; readonly limits: TierLimits; readonly room: Room }
  | {
      readonly outcome: 'refused';
      readonly limits: TierLimits;
      readonly room: Room;
      /** The window that binds, the one with the longer wait. */
      readonly window: WindowName;
      /** Units that this window allows. */
      readonly limit: number;
      /** When the same cost passes, if nothing else is admitted before; at least 1. */
      readonly retryAfterMs: number;
    }
  | {
      readonly outcome: 'never';
      readonly limits: TierLimits;
      readonly room: Room;
      /** The highest cost that a single request can have in this tier: no wait makes room for more. */
      readonly limit: number;
    };

/**
 * Where the windows of key families are counted: in this process (`Limiter`), or in one place for several. An answer that
 * needs no waiting comes without a promise, so that admission in memory costs no turn of the event loop.
 */
export interface Limits {
  /** Takes `cost` units of the family if its tier allows it now. @throws RangeError unless cost is an integer >= 1. */
  admit(subject: Subject, cost?: number): Admission | Promise<Admission>;
  /** What the family has left. Takes nothing. */
  peek(subject: Subject): Room | Promise<Room>;
  /** Idempotent. */
  close(): void | Promise<void>;
}
