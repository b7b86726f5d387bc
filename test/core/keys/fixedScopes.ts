import type { KnownScopes } from '../../../src/core/keys/knownScopes.js';

/** Returns known scopes without a store that others could publish to. */
export function fixedScopes(names: readonly string[]): Pick<KnownScopes, 'names' | 'learn'> {
  return { names, learn: async () => undefined };
}
