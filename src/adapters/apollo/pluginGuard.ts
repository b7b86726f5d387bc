import { ADDRESS_OR_NULL } from '../../core/auth/context.js';
import { ANONYMOUS, type LatchkeyContext } from '../../core/auth/principal.js';
import { ANSWER_LIMITS } from '../../core/guard/answer/answerLimits.js';
import { documentBounds } from '../../core/guard/document/documentBounds.js';
import { MAX_LINES } from '../../core/guard/lines.js';
import { RequestGuard } from '../../core/guard/request/requestGuard.js';
import type { Logger } from '../../core/guard/request/requestGuardOptions.js';
import { checkedLimits } from '../../core/limits/checked.js';
import { RATE_LIMIT_HEADERS, type RateLimitHeaders } from '../../core/limits/limitFields.js';
import { containedObserver } from '../../core/observer/containedObserver.js';
import { Verdicts } from '../../management/verdicts.js';
import { Callbacks } from '../../shared/callbacks.js';
import type { PluginOptions } from './pluginOptions.js';

/** The results that the option `rateLimitHeaders` may have. */
const STYLE = {
  isValid: (value: unknown): value is RateLimitHeaders => (RATE_LIMIT_HEADERS as readonly unknown[]).includes(value),
  allowed: RATE_LIMIT_HEADERS.join(', '),
  otherwise: 'draft',
} as const;

/** Returns the guard of a plugin that a user creates without `createLatchkey`. */
export function guardOf(options: PluginOptions): RequestGuard {
  const { limiter, introspection = 'authenticated', answer = ANSWER_LIMITS, maxLines = MAX_LINES } = options;
  const {
    resourceMetadata = () => null,
    rateLimitHeaders = () => 'draft',
    log,
    onDenied = 'refuse',
    cost = 'enforce',
  } = options;
  const tell = (error: unknown, context: LatchkeyContext, logger?: Logger): unknown =>
    log === undefined ? logger?.error(error) : log(error, context);
  const callbacks = new Callbacks('createPlugin', (fault) => tell(fault, { principal: ANONYMOUS }));
  return new RequestGuard({
    limits: checkedLimits('createPlugin: limiter', limiter),
    bounds: documentBounds(),
    introspection,
    answer,
    onDenied,
    cost,
    maxLines,
    log: new Verdicts({
      ...(options.usage && { usage: callbacks.containAll('usage', options.usage, ['admitted', 'refused']) }),
      ...(options.refusals && { refusals: callbacks.containAll('refusals', options.refusals, ['key']) }),
      observer: containedObserver(callbacks, options.observer),
    }),
    resourceMetadata: () => callbacks.ask('resourceMetadata', resourceMetadata, ADDRESS_OR_NULL),
    rateLimitHeaders: () => callbacks.ask('rateLimitHeaders', rateLimitHeaders, STYLE),
    callbacks: (what) => new Callbacks(what, (fault) => tell(fault, { principal: ANONYMOUS })),
    report: (error, context, logger) => callbacks.call('log', () => tell(error, context, logger)),
  });
}
