import { lengthOf, normalise } from '../text/characters.js';
import { BUNDLES, expandBundles } from './bundles.js';
import { checkObject, optionError, shown } from '../options.js';
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

const ROLE_NAME = `1 to ${MAX_ROLE} visible characters, with single spaces between words`;
const SCOPE = `a scope such as read:assets, or a bundle (${[...BUNDLES.keys()].join(', ')})`;

/** Named sets of scopes. */
export class Roles {
  // A map: `constructor` is a name like any other.
  readonly #scopes: ReadonlyMap<string, readonly string[]>;
  readonly #words: ReadonlySet<string>;

  /**
   * @param defined beside the built-in ones; scopes or bundles of them
   * @throws TypeError for a name or a scope that is none, and for `admin`
   */
  constructor(defined: Readonly<Record<string, readonly string[]>> = {}) {
    checkObject('Roles', defined, 'an object of roles, each with a list of scopes');
    const roles = new Map<string, readonly string[]>(Object.entries(BUILT_IN_ROLES));
    for (const [name, scopes] of Object.entries(defined)) {
      // Who reads `roles: ["admin"]` must be able to rely on what it says.
      if (name === 'admin') throw new TypeError('Roles: admin is built in. Choose another name for your role.');
      if (!isRoleName(name))
        throw new TypeError(`Roles: ${shown(name)} is not a valid role name. Allowed: ${ROLE_NAME}.`);
      const list: unknown = scopes;
      if (!Array.isArray(list)) throw optionError(`Roles: ${name}`, list, 'a list of scopes or bundles');
      const wrong = scopes.findIndex((scope) => typeof scope !== 'string' || !isScopeOrBundle(scope));
      if (wrong >= 0) throw optionError(`Roles: ${name}[${wrong}]`, scopes[wrong], SCOPE);
      roles.set(normalise(name), Object.freeze(expandBundles(scopes)));
    }
    this.#scopes = roles;
    this.#words = new Set(this.names.filter((name) => name.includes(' ')).flatMap((name) => name.split(' ')));
  }

  /** Is the text a word of a role's name that has several, such as `Data` of `Data Team`? */
  isWordOfName(text: string): boolean {
    return this.#words.has(normalise(text));
  }

  get names(): readonly string[] {
    return [...this.#scopes.keys()];
  }

  has(role: string): boolean {
    return this.#scopes.has(normalise(role));
  }

  /** What the roles grant together, without repeats. A role that is not known grants nothing. */
  scopesOf(roles: readonly string[]): string[] {
    return [...new Set(roles.flatMap((role) => this.#scopes.get(normalise(role)) ?? []))];
  }
}

/** Something that a role, or a ceiling, may be made of. */
export function isScopeOrBundle(text: string): boolean {
  return BUNDLES.has(text) || parseScope(text) !== null;
}
