import { grants, requireScope } from './grammar.js';

/**
 * Returns the scopes that grant exactly what both lists grant. If one scope includes another, this is the narrower
 * of both. The result has no duplicates and no scope that another one includes.
 */
export function meet(one: readonly string[], other: readonly string[]): string[] {
  const both = new Set<string>();
  for (const a of one) {
    for (const b of other) {
      if (grants([a], requireScope(b))) both.add(b);
      else if (grants([b], requireScope(a))) both.add(a);
    }
  }
  const all = [...both];
  return all.filter((scope) => !all.some((wider) => wider !== scope && grants([wider], requireScope(scope))));
}
