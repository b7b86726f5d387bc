import { ADMIN, grants, parseScope, PLATFORM, type RequiredScope } from '../scopes/grammar.js';
import { isMet, scopesOf, type Requirement } from './requirement.js';

/**
 * Choices that are looked at: more than real schemas ask for, and few enough to hold up nobody. What is found beyond
 * them still meets everything and has no scope to spare, but there may be a narrower one.
 */
const MAX_CHOICES = 2_000;

/**
 * The least scopes that meet all requirements: none that another one grants, and of several such sets the one with the
 * fewest of the widest kind of scope, then of the next, and in the end the fewest. Where the scopes held meet a
 * requirement, only by alternatives that they meet: what is least never reaches for what was not there.
 *
 * @returns sorted; removing any one of them leaves a requirement unmet
 */
export function leastScopes(requirements: readonly Requirement[], held: readonly string[]): string[] {
  const distinct = new Map<string, Requirement>();
  for (const requirement of requirements) {
    const within = inOrder(reachable(requirement, held));
    distinct.set(JSON.stringify(scopesOf(within)), within);
  }
  // Those that leave no choice first: most of the others are met by then. Then by what they say, so that the same
  // question has the same answer.
  const all = [...distinct]
    .sort(([a, { anyOf: left }], [b, { anyOf: right }]) => left.length - right.length || (a < b ? -1 : 1))
    .map(([, requirement]) => requirement);
  // By the requirements as they are: an alternative that is not held may be met by what others leave no choice of.
  return withoutSpare(new Search(all).best(), requirements).sort();
}

/** A requirement by those of its alternatives that the scopes held meet; by all where they meet none. */
function reachable(requirement: Requirement, held: readonly string[]): Requirement {
  const anyOf = requirement.anyOf.filter((allOf) => allOf.every((scope) => grants(held, scope)));
  return anyOf.length === 0 ? requirement : { anyOf };
}

/** With the narrowest alternative first. */
function inOrder({ anyOf }: Requirement): Requirement {
  const text = (allOf: readonly RequiredScope[]) => allOf.map((scope) => scope.text).join(' ');
  return { anyOf: anyOf.toSorted((a, b) => width(a) - width(b) || (text(a) < text(b) ? -1 : 1)) };
}

/** Tries alternatives in turn, and goes no further where a set is already as wide as the best one. */
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
      // More scopes are never narrower, so what comes after it could not be either.
      if (this.#choices >= MAX_CHOICES && this.#best !== null) return;
      if (width(each) >= this.#width) return;
      this.#choices += 1;
      this.#go(next + 1, each);
    }
  }
}

/** With these as well, and without what they grant. */
function withAll(chosen: readonly RequiredScope[], allOf: readonly RequiredScope[]): readonly RequiredScope[] {
  let all = chosen;
  for (const scope of allOf) {
    if (grants(textsOf(all), scope)) continue;
    all = [...all.filter(({ grantedBy }) => !grantedBy.includes(scope.text)), scope];
  }
  return all;
}

/** Leaves out what is not needed, the widest first. */
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

/** How many scopes of one kind count for less than one of the next wider kind. */
const STEP = 1024;

/** How wide scopes are together: the number of each kind is a digit of it. */
function width(scopes: readonly RequiredScope[]): number {
  let sum = 0;
  for (const { text } of scopes) sum += widthOf(text);
  return sum;
}

/** From wide to narrow: `platform`, `admin`, `action:all`, other actions than reading, reading. */
function widthOf(text: string): number {
  if (text === PLATFORM) return STEP ** 4;
  if (text === ADMIN) return STEP ** 3;
  const scope = parseScope(text);
  if (scope?.kind === 'grant' && scope.resource === 'all') return STEP ** 2;
  return scope?.kind === 'grant' && scope.action === 'read' ? 1 : STEP;
}
