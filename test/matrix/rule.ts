/**
 * What the documentation promises of scopes, types, roles and projects, said here once more and in other words than the
 * source's: nothing of src is imported, so that a fault there is not repeated here.
 */

export const TYPES = ['SECRET', 'CLIENT', 'READ_ONLY'] as const;
export type Type = (typeof TYPES)[number];

/** Roles that every installation has. */
export const ROLES = {
  viewer: ['read:all'],
  editor: ['read:all', 'write:all'],
  admin: ['admin'],
} as const;
export type Role = keyof typeof ROLES;

/** What asking for a bundle means. */
const BUNDLES: Readonly<Record<string, readonly string[]>> = {
  'read-only': ['read:all'],
  'read-write': ['read:all', 'write:all'],
};

/** Lists of which one must be held whole. No lists: any credential will do. */
export type Rule = readonly (readonly string[])[];

/** Does one scope include another? */
function includes(held: string, wanted: string): boolean {
  if (held === wanted || held === 'platform') return true;
  if (held === 'admin') return wanted !== 'platform';
  return held.endsWith(':all') && wanted.startsWith(held.slice(0, -'all'.length));
}

const holds = (scopes: readonly string[], wanted: string): boolean =>
  scopes.flatMap((scope) => BUNDLES[scope] ?? [scope]).some((held) => includes(held, wanted));

/** May a key of that type be asked for with these scopes? */
export function mayBeMade(type: Type, scopes: readonly string[], bound: boolean): boolean {
  const plain = scopes.flatMap((scope) => BUNDLES[scope] ?? [scope]);
  if (bound && plain.includes('platform')) return false;
  switch (type) {
    case 'SECRET':
      return true;
    case 'CLIENT':
      return plain.every((scope) => scope !== 'admin' && scope !== 'platform');
    case 'READ_ONLY':
      return plain.every((scope) => scope.startsWith('read:'));
  }
}

/** Who asks, as far as a guard is concerned. */
export interface Authority {
  /** null: there is no credential. */
  readonly scopes: readonly string[] | null;
  /** null: the key is the workspace's own. */
  readonly role: Role | null;
}

/** Every rule on the way must be met, and a user's key needs the user's role for it besides. */
export function mayAsk({ scopes, role }: Authority, rules: readonly Rule[], isPublic: boolean): boolean {
  if (scopes === null) return isPublic;
  const has = (scope: string): boolean => holds(scopes, scope) && (role === null || holds(ROLES[role], scope));
  return rules.every((lists) => lists.length === 0 || lists.some((list) => list.every(has)));
}

/** Nobody gives what they do not hold. A key that is bound to a project does not reach what holds `platform`. */
export function mayGive({ scopes, role }: Authority, given: string): boolean {
  return scopes !== null && holds(scopes, given) && (role === null || holds(ROLES[role], given));
}
