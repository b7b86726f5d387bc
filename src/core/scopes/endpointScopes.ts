import { requireScope } from './grammar.js';

/** The scope for POST /v1/verify. */
export const VERIFY_KEYS = 'verify:keys';

/** Scopes that no schema names, because endpoints other than GraphQL require them. Every installation knows them. */
export const ENDPOINT_SCOPES: readonly string[] = Object.freeze([VERIFY_KEYS]);

const NOT_PUBLIC: ReadonlySet<string> = new Set(ENDPOINT_SCOPES.flatMap((scope) => requireScope(scope).grantedBy));

/**
 * Returns whether a scope must not be in code that others can read: it would let every visitor of a page check which of
 * the keys that they found are valid.
 */
export function isForServers(scope: string): boolean {
  return NOT_PUBLIC.has(scope);
}
