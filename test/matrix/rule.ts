/**
 * The documented rules for scopes, types, roles and projects, implemented independently. Imports nothing from src, so
 * that a bug there is not repeated here.
 */

export const TYPES = ['SECRET', 'CLIENT', 'READ_ONLY'] as const;
export type Type = (typeof TYPES)[number];

/** The built-in roles. */
export const ROLES = {
  viewer: ['read:all'],
  editor: ['read:all', 'write:all'],
  admin: ['admin'],
} as const;
export type Role = keyof typeof ROLES;

/** The scopes of each bundle. */
const BUNDLES: Readonly<Record<string, readonly string[]>> = {
  'read-only': ['read:all'],
  'read-write': ['read:all', 'write:all'],
};

/** Lists of scopes. The credential needs all scopes of at least one list. No lists: any credential is accepted. */
export type Rule = readonly (readonly string[])[];

/** Returns whether one scope includes another. */
function includes(held: string, wanted: string): boolean {
  if (held === wanted || held === 'platform') return true;
  if (held === 'admin') return wanted !== 'platform';
  return held.endsWith(':all') && wanted.startsWith(held.slice(0, -'all'.length));
}

const holds = (scopes: readonly string[], wanted: string): boolean =>
  scopes.flatMap((scope) => BUNDLES[scope] ?? [scope]).some((held) => includes(held, wanted));

/** Returns whether a key of this type can be created with these scopes. */
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

/** The properties of a caller that matter to the guard. */
export interface Authority {
  /** Null if there is no credential. */
  readonly scopes: readonly string[] | null;
  /** Null: no user owns the key. */
  readonly role: Role | null;
}

/** Returns whether all rules on the path are met. For a user's key, the user's role must meet them too. */
export function mayAsk({ scopes, role }: Authority, rules: readonly Rule[], isPublic: boolean): boolean {
  if (scopes === null) return isPublic;
  const has = (scope: string): boolean => holds(scopes, scope) && (role === null || holds(ROLES[role], scope));
  return rules.every((lists) => lists.length === 0 || lists.some((list) => list.every(has)));
}

/**
 * Callers can grant only scopes that they have. A key that is restricted to a project can't change a key or user with
 * `platform`.
 */
export function mayGive({ scopes, role }: Authority, given: string): boolean {
  return scopes !== null && holds(scopes, given) && (role === null || holds(ROLES[role], given));
}
