import type { ApolloServerOptionsWithSchema } from '@apollo/server';
import { combineOptions, type OwnApolloOptions } from '../adapters/apollo/apolloOptions.js';
import { createServerOptions, type GuardedServerOptions } from '../adapters/apollo/serverOptions.js';
import type { LatchkeyContext } from '../core/auth/principal.js';
import type { AnswerLimits } from '../core/guard/answer/answerLimits.js';
import type { DocumentBounds } from '../core/guard/document/documentBounds.js';
import { assertGuarded } from '../core/guard/guard.js';
import type { Limits } from '../core/limits/limits.js';
import type { Accounts } from './accounts.js';
import { callbacksOf, type Foundation } from './foundation.js';
import type { LatchkeyOptions } from './latchkeyOptions.js';

interface ApolloPartsOptions {
  readonly limiter: Limits;
  readonly recording: Accounts['recording'];
  readonly answer: AnswerLimits;
  readonly bounds: DocumentBounds;
  readonly resourceMetadata: () => string | null;
}

/** Returns the options with which Apollo Server is guarded. */
export function serverOptionsOf(
  { options, observer, configured, log }: Foundation,
  { bounds, ...parts }: ApolloPartsOptions,
): GuardedServerOptions<LatchkeyContext> {
  const { recording, ...rest } = parts;
  return createServerOptions(
    {
      ...rest,
      ...recording,
      introspection: options.introspection ?? 'authenticated',
      observer,
      rateLimitHeaders: configured.rateLimitHeaders,
      ...(log !== undefined && { log }),
      ...(options.document?.lines !== undefined && { maxLines: options.document.lines }),
    },
    bounds,
  );
}

/** Returns the function that combines a user's options for Apollo Server with those of Latchkey. */
export function apolloOptionsOf(
  serverOptions: GuardedServerOptions<LatchkeyContext>,
  options: LatchkeyOptions,
): <Context extends LatchkeyContext>(own?: OwnApolloOptions<Context>) => ApolloServerOptionsWithSchema<Context> {
  return <Context extends LatchkeyContext>(own: OwnApolloOptions<Context> = {}) => {
    const guarded = serverOptions as GuardedServerOptions<Context>;
    const combined = combineOptions(guarded, own, callbacksOf('apolloOptions', options));
    if (own.schema !== undefined) assertGuarded(own.schema);
    return combined as ApolloServerOptionsWithSchema<Context>;
  };
}
