import { KEY_TYPES, type KeyType } from '../store/records.js';
import { checkNames, checkTexts } from '../options.js';
import { expandBundles } from './bundles.js';
import { grants, parseScope, requireScope } from './grammar.js';

/**
 * The most that a key of a type may hold. A CLIENT key stands in pages and apps that anybody can read, a READ_ONLY key
 * in monitors: neither may ever administer.
 */
export function withinCeiling(type: KeyType, scope: string): boolean {
  const parsed = parseScope(scope);
  if (parsed === null) return false;
  switch (type) {
    case 'SECRET':
      return true;
    case 'CLIENT':
      return parsed.kind === 'grant';
    case 'READ_ONLY':
      return parsed.kind === 'grant' && parsed.action === 'read';
    default:
      return false;
  }
}

/** The ceiling in words, for whoever went over it. */
export function ceilingInWords(type: KeyType): string {
  switch (type) {
    case 'SECRET':
      return 'every scope';
    case 'CLIENT':
      return 'action:resource scopes';
    case 'READ_ONLY':
      return 'read:resource scopes';
    // From JavaScript it may be anything.
    default:
      return 'no scope';
  }
}

/** The ceilings of an installation: those of the types, or lower ones. */
export class Ceilings {
  readonly #lowered: ReadonlyMap<KeyType, readonly string[]>;

  /**
   * @param lowered the most that keys of a type may hold, as scopes or bundles; what they imply is within
   * @throws TypeError for a scope that is none or beyond the type's own ceiling
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
        throw new TypeError(`Ceilings: a ${type} key can't hold ${beyond}. Allowed: ${ceilingInWords(type)}.`);
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

  /** See {@link ceilingInWords}. */
  inWords(type: KeyType): string {
    const lowered = this.#lowered.get(type);
    return lowered === undefined ? ceilingInWords(type) : `scopes covered by ${lowered.join(', ')}`;
  }
}

/** The types' own, nothing lowered. */
export const OWN_CEILINGS = new Ceilings();
