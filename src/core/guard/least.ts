import { ADMIN, grants, parseScope, PLATFORM, type RequiredScope } from '../scopes/grammar.js';
import { isMet, scopesOf, type Requirement } from './requirement.js';

/**
 * The number of combinations that are tried: more than real schemas need, and few enough to take little time. After
 * that, the result is still sufficient and has no unnecessary scope, but there may be a narrower result.
 */
const MAX_CHOICES = 2_000;

/**
 * Returns the smallest set of scopes that meets all requirements and contains no scope that another one includes. Among
 * several sets, it prefers the one with the fewest scopes of the widest kind, then of the next kind, and so on. If the
 * scopes in `held` meet a requirement, only the alternatives that they meet are considered, so that the result grants
 * nothing new.
 *
 * @returns the scopes in alphabetical order; all of them are needed
 */
export function leastScopes(requirements: readonly Requirement[], held: readonly string[]): string[] {
  const distinct = new Map<string, Requirement>();
  for (const requirement of requirements) {
    const within = inOrder(reachable(requirement, held));
    distinct.set(JSON.stringify(scopesOf(within)), within);
  }
  // Requirements without a choice come first, because they often meet the others too. Otherwise the order is
  // alphabetical, so that the result is always the same.
  const all = [...distinct]
    .sort(([a, { anyOf: left }], [b, { anyOf: right }]) => left.length - right.length || (a < b ? -1 : 1))
    .map(([, requirement]) => requirement);
  // Uses the original requirements: the scopes for a requirement without a choice may meet an alternative that was left
  // out.
  return withoutSpare(new Search(all).best(), requirements).sort();
}

/** Keeps the alternatives of a requirement that the scopes in `held` meet, or all if they meet none. */
function reachable(requirement: Requirement, held: readonly string[]): Requirement {
  const anyOf = requirement.anyOf.filter((allOf) => allOf.every((scope) => grants(held, scope)));
  return anyOf.length === 0 ? requirement : { anyOf };
}

/** Sorts the alternatives, the narrowest first. */
function inOrder({ anyOf }: Requirement): Requirement {
  const text = (allOf: readonly RequiredScope[]) => allOf.map((scope) => scope.text).join(' ');
  return { anyOf: anyOf.toSorted((a, b) => width(a) - width(b) || (text(a) < text(b) ? -1 : 1)) };
}

/** Tries the alternatives one by one, and stops when a set is at least as wide as the best one. */
class Search {
  readonly #requirements: readonly Requirement[];
  #best: readonly RequiredScope[] | null = null;
  #width = Infinity;
  #choices = 0;

  constructor(requirements: readonly Requirement[]) {
    this.#requirements = requirements;
  }

  best(): readonly string[] {
    this.#go(0, []);
    return textsOf(this.#best ?? []);
  }

  #go(index: number, chosen: readonly RequiredScope[]): void {
    const texts = textsOf(chosen);
    const next = this.#requirements.findIndex((requirement, i) => i >= index && !isMet(requirement, texts));
    const requirement = this.#requirements[next];
    if (requirement === undefined) {
      this.#best = chosen;
      this.#width = width(chosen);
      return;
    }
    const further = requirement.anyOf.map((allOf) => withAll(chosen, allOf));
    for (const each of further.sort((a, b) => width(a) - width(b))) {
      // Adding scopes never makes a set narrower, so the following alternatives cannot be better.
      if (this.#choices >= MAX_CHOICES && this.#best !== null) return;
      if (width(each) >= this.#width) return;
      this.#choices += 1;
      this.#go(next + 1, each);
    }
  }
}

/** Adds scopes, and removes those that they include. */
function withAll(chosen: readonly RequiredScope[], allOf: readonly RequiredScope[]): readonly RequiredScope[] {
  let all = chosen;
  for (const scope of allOf) {
    if (grants(textsOf(all), scope)) continue;
    all = [...all.filter(({ grantedBy }) => !grantedBy.includes(scope.text)), scope];
  }
  return all;
}

/** Removes unnecessary scopes, starting with the widest. */
function withoutSpare(scopes: readonly string[], requirements: readonly Requirement[]): string[] {
  let left = scopes.toSorted((a, b) => widthOf(b) - widthOf(a));
  for (const scope of left) {
    const rest = left.filter((other) => other !== scope);
    if (requirements.every((requirement) => isMet(requirement, rest))) left = rest;
  }
  return left;
}

function textsOf(scopes: readonly RequiredScope[]): string[] {
  return scopes.map(({ text }) => text);
}

/** This many scopes of one kind are as wide as one of the next kind. */
const STEP = 1024;

/** Returns how wide a set of scopes is: a number with one digit per kind of scope. */
function width(scopes: readonly RequiredScope[]): number {
  let sum = 0;
  for (const { text } of scopes) sum += widthOf(text);
  return sum;
}

/** From wide to narrow: `platform`, `admin`, `action:all`, other actions than `read`, `read`. */
function widthOf(text: string): number {
  if (text === PLATFORM) return STEP ** 4;
  if (text === ADMIN) return STEP ** 3;
  const scope = parseScope(text);
  if (scope?.kind === 'grant' && scope.resource === 'all') return STEP ** 2;
  return scope?.kind === 'grant' && scope.action === 'read' ? 1 : STEP;
}
