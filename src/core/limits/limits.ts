import type { Category } from './category.js';
import type { LimitedAs, TierLimits, TierTable } from './tiers.js';
import type { Room, WindowName } from './window.js';

/**
 * The caller whose usage is counted. All keys of a rotation family share it, so that a rotation does not reset the limits.
 *
 * @example
 * ```ts
 * import { Limiter, type Subject } from 'latchkey';
 *
 * const subject: Subject = { family: 'key_1', tier: 'GROWTH' };
 * console.info(new Limiter().peek(subject));
 * ```
 */
export interface Subject {
  readonly family: string;
  readonly tier: LimitedAs;
  /** The category of the operation. Without one, only the limits of the tier apply. */
  readonly category?: Category | undefined;
}

/** The room in the windows of a category. */
export interface CategoryRoom extends Room {
  readonly category: Category;
}

/** One of the windows that an operation is counted in. */
export interface Bound {
  readonly window: WindowName;
  /** The category of the window. Absent: it belongs to the tier. */
  readonly category?: Category | undefined;
  /** The limit of the window. */
  readonly limit: number;
}

interface Judged {
  readonly limits: TierLimits;
  readonly room: Room;
  /** Present if the tier limits the category of the operation. */
  readonly categoryRoom?: CategoryRoom | undefined;
}

/**
 * The result of an admission, with what is left afterwards.
 *
 * @example
 * ```ts
 * import { Limiter, type Admission } from 'latchkey';
 *
 * const admission: Admission = new Limiter().admit({ family: 'key_1', tier: 'GROWTH' });
 * if (admission.outcome !== 'admitted') console.warn(`The limit is ${admission.limit}.`);
 * ```
 */
export type Admission =
  | ({ readonly outcome: 'admitted' } & Judged)
  | ({
      readonly outcome: 'refused';
      /** The time until the same cost fits if nothing else is admitted before, in ms, at least 1. */
      readonly retryAfterMs: number;
    } & Judged &
      /** The window with the longest wait. */
      Bound)
  | ({
      readonly outcome: 'never';
    } & Judged &
      /** The window with the lowest limit, which the cost exceeds. Waiting does not help. */
      Bound);

/**
 * Counts the usage of key families: in this process (`Limiter`) or in one place for several processes. A result that
 * needs no waiting is returned without a promise, so that an admission in memory does not yield to the event loop.
 *
 * @example
 * ```ts
 * import { Limiter, type Limits } from 'latchkey';
 *
 * const own = new Limiter();
 * export const logged: Limits = {
 *   tiers: own.tiers,
 *   admit(subject, cost) {
 *     console.info(subject.family, cost);
 *     return own.admit(subject, cost);
 *   },
 *   peek: (subject) => own.peek(subject),
 *   close: () => own.close(),
 * };
 * ```
 */
export interface Limits {
  /** The limits of each tier. */
  readonly tiers: TierTable;
  /**
   * Counts `cost` units of the family if all of its windows have room: those of the tier, and those of the operation's
   * category if the tier limits it. Otherwise counts nothing.
   *
   * @throws RangeError if the cost is not an integer of at least 1
   */
  admit(subject: Subject, cost?: number): Admission | Promise<Admission>;
  /**
   * Returns what is left in the windows of the category if the tier limits it, otherwise in those of the tier. Counts
   * nothing.
   */
  peek(subject: Subject): Room | Promise<Room>;
  /** Releases all resources. Can be called more than once. */
  close(): void | Promise<void>;
}
