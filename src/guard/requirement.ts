import { grants, requireScope, type RequiredScope } from '../scopes/grammar.js';

/**
 * What a place requires: any of (all of) scopes, in every case from an authenticated caller. An empty list of all-of is
 * "any valid credential".
 */
export interface Requirement {
  readonly anyOf: readonly (readonly RequiredScope[])[];
}

export const ANY_CREDENTIAL: Requirement = Object.freeze({ anyOf: Object.freeze([Object.freeze([])]) });

export function requirementOf(anyOf: readonly (readonly string[])[]): Requirement {
  return { anyOf: anyOf.map((allOf) => allOf.map(requireScope)) };
}

/** Makes one object of all requirements that say the same, so that it stands for what it says. */
export function sharing(): (requirement: Requirement) => Requirement {
  const known = new Map<string, Requirement>();
  return (requirement) => {
    const said = JSON.stringify(scopesOf(requirement));
    const before = known.get(said) ?? requirement;
    known.set(said, before);
    return before;
  };
}

/** Both hold. */
export function and(a: Requirement, b: Requirement): Requirement {
  if (a === ANY_CREDENTIAL) return b;
  if (b === ANY_CREDENTIAL) return a;
  return { anyOf: a.anyOf.flatMap((left) => b.anyOf.map((right) => [...left, ...right])) };
}

/** One of them holds. */
export function or(requirements: readonly Requirement[]): Requirement {
  return { anyOf: requirements.flatMap((requirement) => requirement.anyOf) };
}

/** Do the scopes held meet the requirement? Asked at every guarded field: it allocates nothing. */
export function isMet({ anyOf }: Requirement, held: readonly string[]): boolean {
  for (const allOf of anyOf) if (holdsAll(allOf, held)) return true;
  return false;
}

function holdsAll(allOf: readonly RequiredScope[], held: readonly string[]): boolean {
  for (const scope of allOf) if (!grants(held, scope)) return false;
  return true;
}

/**
 * The scopes that a caller lacks, of the alternative that lacks fewest: an empty list where the requirement is met.
 * Holding a credential at all is for the caller of this to see to.
 */
export function lacking(requirement: Requirement, held: readonly string[]): readonly string[] {
  let fewest: readonly string[] | null = null;
  for (const allOf of requirement.anyOf) {
    const missing: string[] = [];
    for (const scope of allOf) if (!grants(held, scope)) missing.push(scope.text);
    if (missing.length === 0) return missing;
    if (fewest === null || missing.length < fewest.length) fewest = missing;
  }
  // No alternative at all can only come of a fault; it must not read as "met".
  return fewest ?? ['admin'];
}

export function scopesOf(requirement: Requirement): string[][] {
  return requirement.anyOf.map((allOf) => allOf.map((scope) => scope.text));
}

/** As in "`read:assets`", "`admin`, or `read:a` and `read:b`", "a valid API key". */
export function inWords(requirement: Requirement): string {
  if (requirement.anyOf.some((allOf) => allOf.length === 0)) return 'a valid API key';
  return requirement.anyOf.map((allOf) => allOf.map((scope) => `\`${scope.text}\``).join(' and ')).join(', or ');
}
