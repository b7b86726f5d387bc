import { lengthOf } from '../text/characters.js';
import { BUNDLES, expandBundles } from './bundles.js';
import { optionError } from '../options.js';
import { ADMIN, parseScope } from './grammar.js';

/** Roles that every installation has. All but `admin` may be defined anew. */
export const BUILT_IN_ROLES: Readonly<Record<string, readonly string[]>> = Object.freeze({
  admin: Object.freeze([ADMIN]),
  editor: Object.freeze(['read:all', 'write:all']),
  viewer: Object.freeze(['read:all']),
});

/** The longest name of a role, in Unicode code points. */
const MAX_ROLE = 128;

/**
 * Whether a role may be called so: what directories and issuers call groups, such as a GUID, a path (`/team/admins`), a
 * distinguished name or `Data Platform Team`. No control, direction or invisible characters, and single spaces within only: people
 * must be able to tell two names apart.
 */
export function isRoleName(name: string): boolean {
  return (
    name.length <= 2 * MAX_ROLE && lengthOf(name) <= MAX_ROLE && /^[^\p{C}\p{Z}]+(?: [^\p{C}\p{Z}]+)*$/u.test(name)
  );
}

/** Named sets of scopes. */
export class Roles {
  // A map: `constructor` is a name like any other.
  readonly #scopes: ReadonlyMap<string, readonly string[]>;

  /**
   * @param defined beside the built-in ones; scopes or bundles of them
   * @throws TypeError for a name or a scope that is none, and for `admin`
   */
  constructor(defined: Readonly<Record<string, readonly string[]>> = {}) {
    if (typeof defined !== 'object' || (defined as unknown) === null || Array.isArray(defined)) {
      throw optionError('Roles', defined, 'an object of roles and their scopes');
    }
    const roles = new Map<string, readonly string[]>(Object.entries(BUILT_IN_ROLES));
    for (const [name, scopes] of Object.entries(defined)) {
      // Who reads `roles: ["admin"]` must be able to rely on what it says.
      if (name === 'admin') throw new TypeError('The role admin is built in and cannot be defined anew.');
      if (!isRoleName(name)) throw new TypeError(`${JSON.stringify(name)} is not a valid role name.`);
      const isList: boolean = Array.isArray(scopes);
      if (!isList) throw optionError(`Roles: ${name}`, scopes, 'a list of scopes or bundles');
      const wrong = scopes.find((scope) => typeof scope !== 'string' || !isScopeOrBundle(scope));
      if (wrong !== undefined)
        throw new TypeError(`The role ${name} holds ${JSON.stringify(wrong)}, which is no scope.`);
      roles.set(name.normalize('NFC'), Object.freeze(expandBundles(scopes)));
    }
    this.#scopes = roles;
  }

  get names(): readonly string[] {
    return [...this.#scopes.keys()];
  }

  has(role: string): boolean {
    return this.#scopes.has(role.normalize('NFC'));
  }

  /** What the roles grant together, without repeats. A role that is not known grants nothing. */
  scopesOf(roles: readonly string[]): string[] {
    return [...new Set(roles.flatMap((role) => this.#scopes.get(role.normalize('NFC')) ?? []))];
  }
}

/** Something that a role, or a ceiling, may be made of. */
export function isScopeOrBundle(text: string): boolean {
  return BUNDLES.has(text) || parseScope(text) !== null;
}
