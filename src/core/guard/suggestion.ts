import { leastScopes } from './least.js';
import { isMet } from './requirement.js';
import { ruleAt, type SchemaRules } from './rules.js';

/** A guarded field that was used, by its coordinate, such as `Query.assets`. */
interface Used {
  readonly coordinate: string;
}

export interface Suggestion<T extends Used> {
  /** In alphabetical order, each with the fields that would be inaccessible without it. */
  readonly scopes: readonly { readonly scope: string; readonly fields: readonly T[] }[];
  /** The scopes of the key that are not needed. A narrower scope may replace them. */
  readonly unneeded: readonly string[];
  /** The used fields that are guarded. Fields that no longer exist or are no longer guarded are omitted. */
  readonly guarded: readonly T[];
}

/** Returns the smallest set of scopes for the used fields of all schemas, with the reason for each scope. */
export function suggestionFor<T extends Used>(
  rules: readonly SchemaRules[],
  used: readonly T[],
  held: readonly string[],
): Suggestion<T> {
  const places = used.flatMap((use) => {
    // A coordinate in several schemas may have been used in any of them.
    const found = rules.flatMap((each) => ruleAt(each, use.coordinate) ?? []);
    return found.map(({ requirement }) => ({ use, requirement }));
  });
  const least = leastScopes(
    places.map(({ requirement }) => requirement),
    held,
  );
  const scopes = least.map((scope) => {
    const others = least.filter((other) => other !== scope);
    const closed = places.filter(({ requirement }) => !isMet(requirement, others));
    return { scope, fields: [...new Set(closed.map(({ use }) => use))] };
  });
  return {
    scopes,
    unneeded: held.filter((scope) => !least.includes(scope)),
    guarded: [...new Set(places.map(({ use }) => use))],
  };
}
