/** Short names for common sets of scopes. The scopes are stored, not the name. */
export const BUNDLES: ReadonlyMap<string, readonly string[]> = new Map([
  ['read-only', ['read:all']],
  ['read-write', ['read:all', 'write:all']],
]);

/** Returns scopes with each bundle replaced by its scopes, without duplicates, in the given order. */
export function expandBundles(scopes: readonly string[]): string[] {
  return [...new Set(scopes.flatMap((scope) => BUNDLES.get(scope) ?? [scope]))];
}
