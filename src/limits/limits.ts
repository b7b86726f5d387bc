import type { Category } from './category.js';
import type { LimitedAs, TierLimits, TierTable } from './tiers.js';
import type { Room, WindowName } from './window.js';

/** Whose units are counted: all keys of a rotation family share one history, so that rotating does not refill it. */
export interface Subject {
  readonly family: string;
  readonly tier: LimitedAs;
  /** Of the operation. Default: none, and then the tier's own windows alone count. */
  readonly category?: Category | undefined;
}

/** What the windows of a category have left. */
export interface CategoryRoom extends Room {
  readonly category: Category;
}

/** One window of those that an operation is counted in. */
export interface Bound {
  readonly window: WindowName;
  /** Whose window it is; none: the tier's own. */
  readonly category?: Category | undefined;
  /** Units that it allows. */
  readonly limit: number;
}

interface Judged {
  readonly limits: TierLimits;
  readonly room: Room;
  /** There where the tier has limits of its own for the operation's category. */
  readonly categoryRoom?: CategoryRoom | undefined;
}

/** What became of a request, with what is left after it. */
export type Admission =
  | ({ readonly outcome: 'admitted' } & Judged)
  | ({
      readonly outcome: 'refused';
      /** When the same cost passes, if nothing else is admitted before; at least 1. */
      readonly retryAfterMs: number;
    } & Judged &
      /** The window that binds, the one with the longest wait. */
      Bound)
  | ({
      readonly outcome: 'never';
    } & Judged &
      /** The window that allows least, and so the highest cost that a single request can have: no wait makes room for more. */
      Bound);

/**
 * Where the windows of key families are counted: in this process (`Limiter`), or in one place for several. An answer that
 * needs no waiting comes without a promise, so that admission in memory costs no turn of the event loop.
 */
export interface Limits {
  /** What each tier grants, here and wherever it is told. */
  readonly tiers: TierTable;
  /**
   * Takes `cost` units of the family if its tier allows it now: from the tier's windows and from those of the operation's
   * category, where the tier has such, or from none. @throws RangeError unless cost is an integer >= 1.
   */
  admit(subject: Subject, cost?: number): Admission | Promise<Admission>;
  /** What the family has left: of the category's windows where the tier has such, else of the tier's. Takes nothing. */
  peek(subject: Subject): Room | Promise<Room>;
  /** Idempotent. */
  close(): void | Promise<void>;
}
