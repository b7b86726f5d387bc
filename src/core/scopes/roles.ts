import { lengthOf, normalise } from '../../shared/text/characters.js';
import { BUNDLES, expandBundles } from './bundles.js';
import { checkObject, optionError, shown } from '../../shared/optionChecks.js';
import { ADMIN, parseScope } from './grammar.js';

/** The roles of every installation. All except `admin` can be redefined. */
const BUILT_IN_ROLES: Readonly<Record<string, readonly string[]>> = Object.freeze({
  admin: Object.freeze([ADMIN]),
  editor: Object.freeze(['read:all', 'write:all']),
  viewer: Object.freeze(['read:all']),
});

/** The longest role name, in Unicode code points. */
const MAX_ROLE = 128;

/**
 * Returns whether a role name is valid. Directories and identity providers name groups by a GUID, a path
 * (`/team/admins`), a distinguished name or words (`Data Platform Team`). Control, direction and invisible characters
 * and repeated spaces are not allowed, because people could not tell two names apart.
 */
export function isRoleName(name: string): boolean {
  return (
    name.length <= 2 * MAX_ROLE && lengthOf(name) <= MAX_ROLE && /^[^\p{C}\p{Z}]+(?: [^\p{C}\p{Z}]+)*$/u.test(name)
  );
}

const ROLE_NAME = `1 to ${MAX_ROLE} visible characters, with single spaces between words`;
const SCOPE = `a scope such as read:assets, or a bundle (${[...BUNDLES.keys()].join(', ')})`;

/**
 * Named sets of scopes.
 *
 * @example
 * ```ts
 * import { Roles } from 'latchkey';
 *
 * export const roles = new Roles({ shipper: ['read:orders', 'write:shipments'] });
 * ```
 */
export class Roles {
  // A Map, so that `constructor` is an ordinary name.
  readonly #scopes: ReadonlyMap<string, readonly string[]>;
  readonly #words: ReadonlySet<string>;

  /**
   * @param defined roles besides the built-in ones, with scopes or bundles
   * @throws TypeError for an invalid name or scope, and for `admin`
   */
  constructor(defined: Readonly<Record<string, readonly string[]>> = {}) {
    checkObject('Roles', defined, 'an object with role names and lists of scopes');
    const roles = new Map<string, readonly string[]>(Object.entries(BUILT_IN_ROLES));
    for (const [name, scopes] of Object.entries(defined)) {
      // The role `admin` must mean the same in every installation.
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

  /** Returns whether the text is one word of a role name with several words, such as `Data` of `Data Team`. */
  isWordOfName(text: string): boolean {
    return this.#words.has(normalise(text));
  }

  get names(): readonly string[] {
    return [...this.#scopes.keys()];
  }

  has(role: string): boolean {
    return this.#scopes.has(normalise(role));
  }

  /** Returns the scopes of several roles, without duplicates. Unknown roles have no scopes. */
  scopesOf(roles: readonly string[]): string[] {
    return [...new Set(roles.flatMap((role) => this.#scopes.get(normalise(role)) ?? []))];
  }
}

/** Returns whether the text is a scope or a bundle. */
export function isScopeOrBundle(text: string): boolean {
  return BUNDLES.has(text) || parseScope(text) !== null;
}
