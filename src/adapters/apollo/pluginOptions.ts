import { z } from 'zod';
import {
  aFunction,
  answerSchema,
  integer,
  introspectionSchema,
  limitsSchema,
  observerSchema,
  oneOf,
  withMethods,
} from '../../core/util/optionSchemas.js';
import type { LatchkeyContext } from '../../core/auth/principal.js';
import type { AnswerLimits } from '../../core/guard/answer/answerLimits.js';
import { ON_DENIED, type OnDenied } from '../../core/guard/authorize.js';
import { COST_MODES, type CostMode } from '../../core/guard/cost/costMode.js';
import type { Introspection } from '../../core/guard/introspection.js';
import type { RateLimitHeaders } from '../../core/limits/limitFields.js';
import type { Limits } from '../../core/limits/limits.js';
import type { VerdictsOptions } from '../../management/verdicts.js';

/**
 * The options of `createPlugin`. Only `limiter` is required.
 *
 * @example
 * ```ts
 * import { Limiter } from 'latchkey';
 * import { createPlugin, type PluginOptions } from 'latchkey/apollo';
 *
 * const options: PluginOptions = { limiter: new Limiter(), introspection: 'scoped' };
 * export const plugin = createPlugin(options);
 * ```
 */
export interface PluginOptions extends VerdictsOptions {
  readonly limiter: Limits;
  /**
   * Which callers may read the schema by introspection; default `authenticated`. Only has an effect while Apollo Server's own
   * option `introspection` is true (its default is false under NODE_ENV=production).
   */
  readonly introspection?: Introspection;
  /** The URL of the resource metadata (RFC 9728), for challenges; null if there is none. Default: none. */
  readonly resourceMetadata?: () => string | null;
  /** How large the response to one operation can be. Default: 50,000 fields, 10,000 in an event, 8 MiB of JSON. */
  readonly answer?: AnswerLimits;
  /**
   * The response to an operation with fields that its caller may not use. `refuse`: a refusal, and nothing runs. `filter`: the
   * other fields, and null with an error for these. Default: `refuse`.
   */
  readonly onDenied?: OnDenied;
  /** Default: `enforce`. */
  readonly cost?: CostMode;
  /** Maximum number of lines of a document. Default: 2,000. */
  readonly maxLines?: number;
  /** Which header fields report a key's limits. Default: `draft`. */
  readonly rateLimitHeaders?: () => RateLimitHeaders;
  /** Receives hidden errors, and the causes of refusals. Default: the `logger` of Apollo Server. */
  readonly log?: (error: unknown, context: LatchkeyContext) => void;
}

export const pluginSchema = z.strictObject(
  {
    limiter: limitsSchema,
    introspection: introspectionSchema.optional(),
    answer: answerSchema.optional(),
    onDenied: oneOf(ON_DENIED).optional(),
    cost: oneOf(COST_MODES).optional(),
    maxLines: integer(1, 1_000_000).optional(),
    resourceMetadata: aFunction().optional(),
    rateLimitHeaders: aFunction().optional(),
    log: aFunction().optional(),
    usage: withMethods(['admitted', 'refused'], 'an object with admitted and refused').optional(),
    refusals: withMethods(['key'], 'an object with key').optional(),
    observer: observerSchema.optional(),
  } satisfies Record<keyof PluginOptions, z.ZodType>,
  'an object with at least limiter',
);
