import { grants, requireScope } from './grammar.js';

/**
 * The scopes that grant exactly what both lists grant: of each pair the narrower one, where one implies the other. Without
 * repeats, and without what another of them implies.
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
