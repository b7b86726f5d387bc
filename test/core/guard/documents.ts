import fc from 'fast-check';

/** Chooses a number below `max` in a property test. */
export type Choose = (max: number) => number;

export const chooser =
  (g: fc.GeneratorValue): Choose =>
  (max) =>
    g(below(max));

type Below = () => fc.Arbitrary<number>;
const belows = new Map<number, Below>();

/** One function for each number: fast-check compares the arguments of every choice with those of all earlier choices. */
function below(max: number): Below {
  const known = belows.get(max);
  if (known !== undefined) return known;
  const made = () => fc.nat({ max: max - 1 });
  belows.set(max, made);
  return made;
}

const SCOPES = ['read:a', 'read:b', 'write:a', 'write:b', 'read:all', 'admin'];

/** The fields that every type of the random schemas has, with their types. */
const LINKS: Readonly<Record<string, string>> = { node: 'Node', named: 'Named', any: 'Any', a: 'A', b: 'B', c: 'C' };
const FIELDS = ['id', ...Object.keys(LINKS)];

/** Composite types by name, with the object types that a value of each can have. */
const POSSIBLE: Readonly<Record<string, readonly string[]>> = {
  Query: ['Query'],
  Node: ['A', 'B', 'C'],
  Named: ['A', 'C'],
  Any: ['A', 'B', 'C'],
  A: ['A'],
  B: ['B'],
  C: ['C'],
};

/**
 * A schema in which some types and fields have @auth: with an interface that implements another, a union and cycles.
 */
export function randomSdl(choose: Choose): string {
  const auth = (): string => {
    const scope = SCOPES[choose(SCOPES.length)] ?? '';
    const other = SCOPES[choose(SCOPES.length)] ?? '';
    switch (choose(8)) {
      case 0:
        return '@auth';
      case 1:
        return `@auth(scope: "${scope}")`;
      case 2:
        return `@auth(scope: [["${scope}"], ["${other}"]])`;
      case 3:
        return `@auth(scope: [["${scope}", "${other}"]])`;
      default:
        return '';
    }
  };
  const fields = (guard: () => string) =>
    Object.entries(LINKS)
      .map(([name, type]) => `${name}: ${type} ${guard()}`)
      .join('\n');
  const plain = fields(() => '');
  const object = (name: string, implemented: string) =>
    `type ${name} implements ${implemented} ${auth()} { id: ID ${auth()}\n${fields(auth)} }`;
  return `
    interface Node { id: ID ${plain} }
    interface Named implements Node { id: ID ${plain} }
    union Any = A | B | C
    ${object('A', 'Node & Named')}
    ${object('B', 'Node')}
    ${object('C', 'Named & Node')}
    type Query { id: ID @auth self: Query @public ${fields(() => auth() || '@public')} }`;
}

/** The kinds of selections in a random document. */
const FRAGMENTS = 4;
export const VARIABLES = ['v', 'w', 'constructor'] as const;

/**
 * A document for {@link randomSdl}: aliases, all kinds of fragments, and conditions by literal, variable and default.
 */
export function randomDocument(choose: Choose): string {
  const conditions = Object.keys(POSSIBLE).filter((name) => name !== 'Query');
  const types = Array.from(
    { length: FRAGMENTS },
    () => ['Query', ...conditions][choose(conditions.length + 1)] ?? 'Query',
  );
  const directive = (): string => {
    const value = ['true', 'false', ...VARIABLES.map((name) => `$${name}`)][choose(2 + VARIABLES.length)] ?? '';
    return ['', '', '', `@skip(if: ${value})`, `@include(if: ${value})`][choose(5)] ?? '';
  };
  const overlaps = (one: string, other: string) =>
    (POSSIBLE[one] ?? []).some((type) => POSSIBLE[other]?.includes(type));

  const selections = (on: string, depth: number, from: number): string => {
    const parts = Array.from({ length: 1 + choose(3) }, () => selection(on, depth, from));
    return `{ ${parts.join(' ')} }`;
  };
  const selection = (on: string, depth: number, from: number): string => {
    switch (depth === 0 ? 0 : choose(5)) {
      case 1: {
        const condition = conditions.filter((name) => overlaps(on, name))[choose(conditions.length)];
        return `... ${condition === undefined ? '' : `on ${condition}`} ${directive()} ${selections(condition ?? on, depth - 1, from)}`;
      }
      case 2: {
        const index = from + choose(FRAGMENTS);
        const type = types[index];
        if (type !== undefined && overlaps(on, type)) return `...F${index} ${directive()}`;
        return field(on, depth, from);
      }
      default:
        return field(on, depth, from);
    }
  };
  const field = (on: string, depth: number, from: number): string => {
    const name = on === 'Any' ? '__typename' : (FIELDS[depth === 0 ? 0 : choose(FIELDS.length)] ?? 'id');
    const chosen = on === 'Query' && depth > 0 && choose(6) === 0 ? 'self' : name;
    const target = chosen === 'self' ? 'Query' : LINKS[chosen];
    const alias = choose(2) === 0 ? '' : `${['x', 'id', 'self', '__proto__'][choose(4)] ?? 'x'}${choose(40)}: `;
    return `${alias}${chosen} ${directive()} ${target === undefined ? '' : selections(target, depth - 1, from)}`;
  };

  const declared = VARIABLES.map((name, i) => `$${name}: Boolean! ${['', '= true', '= false'][i] ?? ''}`).join(' ');
  const fragments = types.map((type, i) => `fragment F${i} on ${type} ${selections(type, 2, i + 1)}`);
  return `query (${declared}) ${selections('Query', 4, 0)} ${fragments.join(' ')}`;
}
