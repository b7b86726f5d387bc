import type { AnswerLimits } from '../core/guard/answer/answerLimits.js';
import type { DocumentBounds } from '../core/guard/document/documentBounds.js';
import { MAX_LINES } from '../core/guard/lines.js';
import { RequestGuard } from '../core/guard/request/requestGuard.js';
import type { Limits } from '../core/limits/limits.js';
import type { Accounts } from './accounts.js';
import { callbacksOf, type Foundation } from './foundation.js';

interface Parts {
  readonly limiter: Limits;
  readonly accounts: Accounts;
  readonly answer: AnswerLimits;
  readonly bounds: DocumentBounds;
  readonly resourceMetadata: () => string | null;
}

/** Returns the guard that all adapters of one Latchkey share. */
export function requestGuardOf(
  { options, configured, callbacks, log }: Foundation,
  { limiter, accounts, answer, bounds, resourceMetadata }: Parts,
): RequestGuard {
  return new RequestGuard({
    limits: limiter,
    introspection: options.introspection ?? 'authenticated',
    answer,
    onDenied: options.onDenied ?? 'refuse',
    cost: options.cost ?? 'enforce',
    maxLines: options.document?.lines ?? MAX_LINES,
    bounds,
    log: accounts.verdicts,
    resourceMetadata,
    rateLimitHeaders: configured.rateLimitHeaders,
    callbacks: (what) => callbacksOf(what, options),
    report(error, context, logger) {
      if (log !== undefined) log(error, context);
      else callbacks.call('log', () => logger?.error(error));
    },
  });
}
