import type { ApiKeyType, NewKeyQuery } from '../generated/graphql.js';
import { TYPES } from '../parts/words.js';

/** A scope as the API lists it. */
export type Listing = NewKeyQuery['scopes'][number];

/** The scope that covers another one: `read:all` covers `read:assets`. Null where there is none among the chosen. */
export function coveredBy(scope: string, chosen: readonly string[]): string | null {
  const [action, resource] = scope.split(':');
  const covering = ['platform', 'admin', ...(resource === undefined ? [] : [`${action}:all`])];
  // `platform` is beyond what `admin` covers.
  const found = covering.find(
    (one) => one !== scope && chosen.includes(one) && !(scope === 'platform' && one === 'admin'),
  );
  return found ?? null;
}

/** Why a key cannot be given the scope, for people; null where it can. */
export function hindrance({ types, grantable }: Listing, type: ApiKeyType): string | null {
  if (!types.includes(type)) return `Not for keys of type ${TYPES[type]}`;
  if (!grantable) return 'Your own key does not hold it, so it cannot grant it';
  return null;
}

/** What fits most uses, by the names under which people ask for it. */
export const BUNDLES: readonly { readonly name: string; readonly scopes: readonly string[] }[] = [
  { name: 'Read only', scopes: ['read:all'] },
  { name: 'Read and write', scopes: ['read:all', 'write:all'] },
  { name: 'Admin', scopes: ['admin'] },
];
