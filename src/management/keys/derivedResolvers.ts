import type { DerivedToken, DeriveInput, DerivedTokens } from '../../core/auth/signing/derivedTokens.js';
import type { ActorContext } from '../../core/keys/actor.js';

/** The default lifetime of a derived token, in milliseconds. */
const DEFAULT_TTL = 15 * 60_000;

interface DeriveArguments {
  readonly input: Omit<DeriveInput, 'ttl'> & { readonly ttl?: number | null };
}

/** Resolvers of derived tokens. */
export function derivedResolvers(tokens: Pick<DerivedTokens, 'derive'>) {
  return {
    Mutation: {
      deriveToken: (
        _: unknown,
        { input }: DeriveArguments,
        { principal, origin }: ActorContext,
      ): Promise<DerivedToken> => tokens.derive(principal, { ...input, ttl: input.ttl ?? DEFAULT_TTL }, origin),
    },
  };
}
