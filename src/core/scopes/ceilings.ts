import { KEY_TYPES, type KeyType } from '../store/records.js';
import { checkNames, checkTexts } from '../../shared/optionChecks.js';
import { expandBundles } from './bundles.js';
import { isForServers } from './endpointScopes.js';
import { grants, parseScope, requireScope } from './grammar.js';

/**
 * Returns whether keys of a type can have a scope. The code of a CLIENT key's app is public, and a READ_ONLY key is for
 * monitoring, so neither can have admin scopes or verify keys.
 */
export function withinCeiling(type: KeyType, scope: string): boolean {
  const parsed = parseScope(scope);
  if (parsed === null) return false;
  switch (type) {
    case 'SECRET':
      return true;
    case 'CLIENT':
      return parsed.kind === 'grant' && !isForServers(scope);
    case 'READ_ONLY':
      return parsed.kind === 'grant' && parsed.action === 'read';
    default:
      return false;
  }
}

/** Returns the allowed scopes of a key type as text, for error messages. */
export function ceilingInWords(type: KeyType): string {
  switch (type) {
    case 'SECRET':
      return 'every scope';
    case 'CLIENT':
      return 'scopes of the form action:resource, except verify:keys';
    case 'READ_ONLY':
      return 'scopes that begin with read:';
    // A caller in JavaScript may pass any value.
    default:
      return 'no scope';
  }
}

/**
 * The scopes that each key type can have in an installation. They can be narrower than those of the type.
 *
 * @example
 * ```ts
 * import { Ceilings } from 'latchkey';
 *
 * export const ceilings = new Ceilings({ CLIENT: ['read:orders'] });
 * ```
 */
export class Ceilings {
  readonly #lowered: ReadonlyMap<KeyType, readonly string[]>;

  /**
   * @param lowered the allowed scopes or bundles of a key type. Scopes that these include are allowed too.
   * @throws TypeError if a scope is invalid or not allowed for the type
   */
  constructor(lowered: Partial<Readonly<Record<KeyType, readonly string[]>>> = {}) {
    checkNames('Ceilings', lowered, KEY_TYPES);
    const ceilings = new Map<KeyType, readonly string[]>();
    for (const type of KEY_TYPES) {
      const scopes = lowered[type];
      if (scopes === undefined) continue;
      checkTexts(`Ceilings: ${type}`, scopes, 'a list of scopes or bundles');
      const expanded = expandBundles(scopes);
      const beyond = expanded.find((scope) => !withinCeiling(type, scope));
      if (beyond !== undefined) {
        throw new TypeError(`Ceilings: a ${type} key cannot have ${beyond}. Allowed: ${ceilingInWords(type)}.`);
      }
      ceilings.set(type, expanded);
    }
    this.#lowered = ceilings;
  }

  admits(type: KeyType, scope: string): boolean {
    if (!withinCeiling(type, scope)) return false;
    const lowered = this.#lowered.get(type);
    return lowered === undefined || grants(lowered, requireScope(scope));
  }

  /** Returns the allowed scopes of a key type as text, for error messages. */
  inWords(type: KeyType): string {
    const lowered = this.#lowered.get(type);
    return lowered === undefined ? ceilingInWords(type) : `scopes covered by ${lowered.join(', ')}`;
  }
}

/** The scopes that each key type can have by default. */
export const OWN_CEILINGS = new Ceilings();
