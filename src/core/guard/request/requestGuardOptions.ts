import type { LatchkeyContext } from '../../auth/principal.js';
import type { RateLimitHeaders } from '../../limits/limitFields.js';
import type { Limits } from '../../limits/limits.js';
import type { AnswerLimits } from '../answer/answerLimits.js';
import type { DecisionLog, OnDenied } from '../authorize.js';
import type { CostMode } from '../cost/costMode.js';
import type { DocumentBounds } from '../document/documentBounds.js';
import type { Introspection } from '../introspection.js';
import type { Callbacks } from '../../../shared/callbacks.js';

/** The part of a server's logger that is used. */
export interface Logger {
  error(message: unknown): unknown;
}

export interface RequestGuardOptions {
  readonly limits: Limits;
  readonly introspection: Introspection;
  readonly answer: AnswerLimits;
  readonly onDenied: OnDenied;
  readonly cost: CostMode;
  readonly maxLines: number;
  readonly bounds: DocumentBounds;
  readonly log: DecisionLog;
  /** The URL of the resource metadata (RFC 9728), for challenges; null if there is none. */
  readonly resourceMetadata: () => string | null;
  readonly rateLimitHeaders: () => RateLimitHeaders;
  /**
   * Logs a hidden error, or the cause of a refusal. Does not throw.
   *
   * @param logger the server's logger, for a guard without its own log
   */
  readonly report: (error: unknown, context: LatchkeyContext, logger?: Logger) => void;
  /** Returns the wrapper of a user's functions. @param what the function that has them as options */
  readonly callbacks: (what: string) => Callbacks;
}
