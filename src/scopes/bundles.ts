/** Names under which several scopes are asked for at creation. What is stored is what they stand for. */
export const BUNDLES: ReadonlyMap<string, readonly string[]> = new Map([
  ['read-only', ['read:all']],
  ['read-write', ['read:all', 'write:all']],
]);

/** Scopes with bundles replaced by what they stand for, without repeats, in the order given. */
export function expandBundles(scopes: readonly string[]): string[] {
  return [...new Set(scopes.flatMap((scope) => BUNDLES.get(scope) ?? [scope]))];
}
