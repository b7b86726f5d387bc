import type { Refusal } from '../errors/refusal.js';
import type { Meter } from '../quotas/quotaMeter.js';
import type { MeterState, Taken } from '../quotas/meterState.js';
import type { Category } from './category.js';
import type { LimitedAs, TierLimits, TierTable, WindowLimits } from './tiers.js';
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
  /** The limits of this key, if they are not those of its tier. One frozen record, because it can be a cache key. */
  readonly limits?: TierLimits | undefined;
  /** The windows that the key shares with other keys. Each must have room too. One frozen list, like `limits`. */
  readonly shared?: readonly SharedWindows[] | undefined;
  /** The quotas and credits that the requests of the key are taken from. One frozen list, like `limits`. */
  readonly meters?: readonly Meter[] | undefined;
  /** The requests that the meters count, if the windows have counted some of them before. Default: the windows of the admission. */
  readonly metered?: number | undefined;
}

/** Who shares a pair of windows: all keys of an owner, of a project or of a workspace. */
export type SharedBy = 'owner' | 'project' | 'workspace';

/**
 * A pair of windows that several keys share.
 *
 * @example
 * ```ts
 * import { Limiter, type SharedWindows } from 'latchkey';
 *
 * const acme: SharedWindows = { of: 'owner', name: 'owner/acme', rate: 1_000, burst: 50 };
 * new Limiter().admit({ family: 'key_1', tier: 'GROWTH', shared: [acme] });
 * ```
 */
export interface SharedWindows extends WindowLimits {
  readonly of: SharedBy;
  /** Identifies the windows. Unique among them and among families. */
  readonly name: string;
}

/** The kinds of windows that don't count the requests of one key: requests of several keys, or the cost of a key. */
export type WindowsOf = SharedBy | 'cost';

/** The room in a pair of windows that are not those of the key's requests. */
export interface OtherRoom extends Room {
  readonly of: WindowsOf;
}

/** The cost units that were taken, some of which can be given back. Its fields are for the limits that created it. */
export interface CostTaken {
  readonly name: string;
  /** Identifies the units within the windows. */
  readonly at: number;
  readonly cost: number;
}

/** The room in the windows of a category. */
export interface CategoryRoom extends Room {
  readonly category: Category;
}

/** One of the windows that an admission is counted in. */
export interface Bound {
  readonly window: WindowName;
  /** The category of the window. Absent if it belongs to the tier. */
  readonly category?: Category | undefined;
  /** The kind of the window, if it does not count the requests of the key. */
  readonly of?: WindowsOf | undefined;
  /** The limit of the window. */
  readonly limit: number;
}

export interface Judged {
  /** The limits of the key. */
  readonly limits: TierLimits;
  readonly room: Room;
  /** Present if the tier limits the category of the operation. */
  readonly categoryRoom?: CategoryRoom | undefined;
  /** The room in the shared windows of the subject, and in those of the cost if its limits have them. Absent if there are none. */
  readonly otherRooms?: readonly OtherRoom[] | undefined;
  /** The states of the quotas and credits of the subject. Absent if there are none. */
  readonly quotas?: readonly MeterState[] | undefined;
}

/** A quota or credit balance that is too low for an operation. */
interface RefusedByQuota {
  readonly state: MeterState;
  readonly refusal: Refusal;
}

/**
 * The result of an admission, with the remaining units.
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
  | ({
      readonly outcome: 'admitted';
      /** For {@link Limits.giveBack}. Absent if no cost units were taken. */
      readonly costTaken?: CostTaken | undefined;
      /** The units of quotas and credits, which can be given back. Absent if none were taken. */
      readonly quotasTaken?: Taken | undefined;
    } & Judged)
  | ({
      readonly outcome: 'refused';
      /** The time until the same cost fits if nothing else is admitted before, in ms, at least 1. */
      readonly retryAfterMs: number;
      /** The quota with too few remaining units. Absent if a window has too little room. */
      readonly quota?: RefusedByQuota | undefined;
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
 *   admit(subject, requests, cost) {
 *     console.info(subject.family, requests, cost);
 *     return own.admit(subject, requests, cost);
 *   },
 *   peek: (subject, unit) => own.peek(subject, unit),
 *   giveBack: (admission, cost) => own.giveBack(admission, cost),
 *   close: () => own.close(),
 * };
 * ```
 */
export interface Limits {
  /** The limits of each tier. */
  readonly tiers: TierTable;
  /**
   * Counts requests and cost units if all windows of the subject have room for them: the windows of the key, the windows of the operation's
   * category if the tier limits it, the shared windows, and the windows of the cost if the limits have them. Otherwise
   * counts nothing.
   *
   * @param requests default: 1. 0 if the requests were counted before
   * @param cost in cost units, taken from the cost windows only. Default: 0
   * @throws RangeError if one of them is not an integer of at least 0, or both are 0
   */
  admit(subject: Subject, requests?: number, cost?: number): Admission | Promise<Admission>;
  /**
   * Returns the room in the windows of the category if the tier limits it, otherwise in the windows of the key. Counts
   * nothing. For shared windows, pass their name and limits as those of the subject.
   *
   * @param unit `cost`: in the cost windows. Default: `requests`
   */
  peek(subject: Subject, unit?: Unit): Room | Promise<Room>;
  /**
   * Gives back cost units of an admission, at most those it took, as if they had never been taken. Call it once for an
   * admission. If they can't be given back, they stay taken until they expire. Absent if no units are given back.
   */
  giveBack?(admission: Admission, cost: number): void;
  /** Releases all resources. Can be called more than once. */
  close(): void | Promise<void>;
}

/** The unit that a window counts. */
export type Unit = 'requests' | 'cost';
