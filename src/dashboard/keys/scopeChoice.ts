import type { ApiKeyType, NewKeyQuery } from '../generated/graphql.js';
import { TYPES } from '../parts/words.js';

/** A scope as the API lists it. */
export type Listing = NewKeyQuery['scopes'][number];

/** Returns the chosen scope that includes another: `read:all` includes `read:assets`. Null if there is none. */
export function coveredBy(scope: string, chosen: readonly string[]): string | null {
  const [action, resource] = scope.split(':');
  const covering = ['platform', 'admin', ...(resource === undefined ? [] : [`${action}:all`])];
  // `admin` does not include `platform`.
  const found = covering.find(
    (one) => one !== scope && chosen.includes(one) && !(scope === 'platform' && one === 'admin'),
  );
  return found ?? null;
}

/** Returns why a key cannot have the scope; null if it can. */
export function hindrance({ types, grantable }: Listing, type: ApiKeyType): string | null {
  if (!types.includes(type)) return `Not available for ${TYPES[type].toLowerCase()} keys`;
  if (!grantable) return 'You can only grant scopes that your own key has';
  return null;
}

/** Common sets of scopes. */
export const BUNDLES: readonly { readonly name: string; readonly scopes: readonly string[] }[] = [
  { name: 'Read only', scopes: ['read:all'] },
  { name: 'Read and write', scopes: ['read:all', 'write:all'] },
  { name: 'Admin', scopes: ['admin'] },
];
