import { grants, requireScope, type RequiredScope } from '../scopes/grammar.js';

/**
 * The scopes that a field requires: all scopes of one of the alternatives. An empty alternative accepts any valid key.
 * Anonymous callers never meet a requirement.
 */
export interface Requirement {
  readonly anyOf: readonly (readonly RequiredScope[])[];
}

export const ANY_CREDENTIAL: Requirement = Object.freeze({ anyOf: Object.freeze([Object.freeze([])]) });

export function requirementOf(anyOf: readonly (readonly string[])[]): Requirement {
  return { anyOf: anyOf.map((allOf) => allOf.map(requireScope)) };
}

/** Returns the same object for all equal requirements, so that they can be compared by identity. */
export function sharing(): (requirement: Requirement) => Requirement {
  const known = new Map<string, Requirement>();
  return (requirement) => {
    const said = JSON.stringify(scopesOf(requirement));
    const before = known.get(said) ?? requirement;
    known.set(said, before);
    return before;
  };
}

/** Returns a requirement that is met if both are. */
export function and(a: Requirement, b: Requirement): Requirement {
  if (a === ANY_CREDENTIAL) return b;
  if (b === ANY_CREDENTIAL) return a;
  return { anyOf: a.anyOf.flatMap((left) => b.anyOf.map((right) => [...left, ...right])) };
}

/** Returns a requirement that is met if at least one of the given requirements is met. */
export function or(requirements: readonly Requirement[]): Requirement {
  return { anyOf: requirements.flatMap((requirement) => requirement.anyOf) };
}

/** Returns whether a list of scopes meets the requirement. Called for every guarded field, so it allocates nothing. */
export function isMet({ anyOf }: Requirement, held: readonly string[]): boolean {
  for (const allOf of anyOf) if (holdsAll(allOf, held)) return true;
  return false;
}

function holdsAll(allOf: readonly RequiredScope[], held: readonly string[]): boolean {
  for (const scope of allOf) if (!grants(held, scope)) return false;
  return true;
}

/**
 * Returns the missing scopes of the alternative with the fewest missing scopes; empty if the requirement is met.
 * Does not check whether the caller is authenticated.
 */
export function lacking(requirement: Requirement, held: readonly string[]): readonly string[] {
  let fewest: readonly string[] | null = null;
  for (const allOf of requirement.anyOf) {
    const missing: string[] = [];
    for (const scope of allOf) if (!grants(held, scope)) missing.push(scope.text);
    if (missing.length === 0) return missing;
    if (fewest === null || missing.length < fewest.length) fewest = missing;
  }
  // A requirement without alternatives is a bug, and must not count as met.
  return fewest ?? ['admin'];
}

export function scopesOf(requirement: Requirement): string[][] {
  return requirement.anyOf.map((allOf) => allOf.map((scope) => scope.text));
}

/** Returns a requirement as text: "`read:assets`", "`admin`, or `read:a` and `read:b`", "a valid API key". */
export function inWords(requirement: Requirement): string {
  if (requirement.anyOf.some((allOf) => allOf.length === 0)) return 'a valid API key';
  return requirement.anyOf.map((allOf) => allOf.map((scope) => `\`${scope.text}\``).join(' and ')).join(', or ');
}
