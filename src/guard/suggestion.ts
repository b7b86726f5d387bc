import { leastScopes } from './least.js';
import { isMet } from './requirement.js';
import type { Rule, SchemaRules } from './rules.js';

/** A guarded place that was used, by coordinate, as in `Query.assets`. */
export interface Used {
  readonly coordinate: string;
}

export interface Suggestion<T extends Used> {
  /** Sorted, each with what would be closed without it. */
  readonly scopes: readonly { readonly scope: string; readonly fields: readonly T[] }[];
  /** Of those held, the ones that are not among them: a narrower one may stand in for them. */
  readonly unneeded: readonly string[];
  /** What was used and is guarded: places that the schema no longer has, or no longer guards, are left out. */
  readonly guarded: readonly T[];
}

/** The least scopes that open all that was used, with reasons. */
export function suggestionFor<T extends Used>(
  rules: SchemaRules,
  used: readonly T[],
  held: readonly string[],
): Suggestion<T> {
  const places = used.flatMap((use) => {
    const rule = ruleAt(rules, use.coordinate);
    return rule === undefined ? [] : [{ use, requirement: rule.requirement }];
  });
  const least = leastScopes(
    places.map(({ requirement }) => requirement),
    held,
  );
  const scopes = least.map((scope) => {
    const others = least.filter((other) => other !== scope);
    const closed = places.filter(({ requirement }) => !isMet(requirement, others));
    return { scope, fields: closed.map(({ use }) => use) };
  });
  return {
    scopes,
    unneeded: held.filter((scope) => !least.includes(scope)),
    guarded: places.map(({ use }) => use),
  };
}

/** The rule of a field, or of a type where the coordinate is one's. */
export function ruleAt({ types, fields }: SchemaRules, coordinate: string): Rule | undefined {
  const [type = '', field] = coordinate.split('.');
  return field === undefined ? types.get(type) : fields.get(type)?.get(field);
}
