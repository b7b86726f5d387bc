import type { ApolloServerOptionsWithSchema } from '@apollo/server';
import { combineOptions, type OwnApolloOptions } from '../adapters/apollo/apolloOptions.js';
import type { GuardedServerOptions } from '../adapters/apollo/serverOptions.js';
import type { LatchkeyContext } from '../core/auth/principal.js';
import { assertGuarded } from '../core/guard/guard.js';
import { callbacksOf } from './foundation.js';
import type { LatchkeyOptions } from './latchkeyOptions.js';

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
