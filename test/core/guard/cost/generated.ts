import type { Choose } from '../documents.js';

interface Sizes {
  /** The smallest size that a directive or an argument has. */
  readonly least: number;
}

const CONCRETE = ['id', 'tag', 'tags', 'kind', 'a', 'list', 'list', 'matrix', 'conn'];
const ABSTRACT = ['node', 'any', 'nodes', 'anys'];

/** The composite fields, with the type of their values. */
const INNER: Readonly<Record<string, string>> = {
  node: 'Node',
  any: 'Any',
  a: 'A',
  list: 'A',
  nodes: 'Node',
  anys: 'Any',
  matrix: 'B',
  conn: 'Conn',
};

/** The fields with the arguments of {@link randomSdl}. */
const SLICED = ['list', 'nodes', 'anys', 'conn'];

/** The types of a fragment, with those that a value of each can have. */
const POSSIBLE: Readonly<Record<string, readonly string[]>> = {
  Query: ['Query'],
  A: ['A'],
  B: ['B'],
  C: ['C'],
  Node: ['A', 'B', 'C'],
  Any: ['A', 'B', 'C'],
};

function overlap(one: string, other: string): boolean {
  return one === other || (POSSIBLE[one] ?? []).some((type) => POSSIBLE[other]?.includes(type) === true);
}

/** A schema with random directives on all parts that can have them: lists, connections, abstract types, and input types with cycles. */
export function randomSdl(choose: Choose, { least }: Sizes): string {
  const cost = (isNegative: boolean): string => {
    const sign = isNegative && choose(3) === 0 ? '-' : '';
    return choose(3) === 0 ? `@cost(weight: "${sign}${choose(4)}.${choose(3) * 25}")` : '';
  };
  const size = (sized: string, isSliced: boolean): string => {
    const slicing = ['"first"', '"last"', '"ids"', '"page.size"', '"page.deep.size"'].filter(() => choose(3) === 0);
    const assumed = choose(2) === 0 || slicing.length === 0 || !isSliced ? `assumedSize: ${least + choose(4)}` : '';
    const list = isSliced && slicing.length > 0 ? `slicingArguments: [${slicing.join(', ')}]` : '';
    return `@listSize(${[assumed, list, sized, 'requireOneSlicingArgument: false'].filter((one) => one !== '').join(', ')})`;
  };
  const maybe = (text: () => string): string => (choose(3) === 0 ? '' : text());
  const defaulted = (): string => (choose(4) === 0 ? ` = ${least + choose(3)}` : '');
  const args = (isInterface: boolean, defaults: readonly [string, string]): string => {
    const own = () => (isInterface ? '' : cost(true));
    return `(first: Int${defaults[0]} ${own()}, last: Int${defaults[1]}, ids: [ID!] ${own()}, page: Page ${own()}, filter: Filter ${own()})`;
  };
  // Arguments of a field and of its interface have the same defaults.
  const defaults = Object.fromEntries(SLICED.map((name) => [name, [defaulted(), defaulted()] as const]));
  const argsOf = (name: string, isInterface: boolean) => args(isInterface, defaults[name] ?? ['', '']);
  const fields = (isInterface: boolean): string => {
    const own = () => (isInterface ? '' : cost(true));
    const sized = (text: () => string) => (isInterface && choose(2) === 0 ? '' : maybe(text));
    return `
      id: ID ${own()}
      tag: Tag ${own()}
      tags: [Tag] ${own()} ${sized(() => size('', false))}
      kind: Kind
      node: Node ${own()}
      any: Any ${own()}
      a: A ${own()}
      list${argsOf('list', isInterface)}: [A] ${own()} ${sized(() => size('', true))}
      nodes${argsOf('nodes', isInterface)}: [Node] ${own()} ${sized(() => size('', true))}
      anys${argsOf('anys', isInterface)}: [Any] ${own()} ${sized(() => size('', true))}
      matrix: [[B]] ${own()} ${sized(() => size('', false))}
      conn${argsOf('conn', isInterface)}: Conn ${own()} ${sized(() => size('sizedFields: ["edges"]', true))}`;
  };
  return `
    directive @cost(weight: String!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
    directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION
    directive @near(by: Int ${cost(true)}) on FIELD
    scalar Tag ${cost(false)}
    enum Kind ${cost(false)} { X Y }
    input Page { size: Int${defaulted()} ${cost(true)}, deep: Page ${cost(true)}, filter: Filter ${cost(true)} }
    input Filter { a: Int ${cost(true)}, b: String ${cost(true)}, and: [Filter!] ${cost(true)}, plain: Plain }
    input Plain { x: Int }
    interface Node { ${fields(true)} }
    union Any = A | B | C
    type A implements Node ${cost(false)} { ${fields(false)} }
    type B implements Node ${cost(false)} { ${fields(false)} }
    type C implements Node ${cost(false)} { ${fields(false)} }
    type Query ${cost(false)} { ${fields(false)} }
    type Conn ${cost(false)} { total: Int ${cost(true)} edges: [Edge] ${cost(true)} ${maybe(() => size('', false))} items: [Any] ${maybe(() => size('', false))} }
    type Edge ${cost(false)} { cursor: ID ${cost(true)} node: Node ${cost(true)} }`;
}

/** The variables of {@link randomDocument} with their types. */
const VARIABLES: Readonly<Record<string, string>> = {
  n: 'Int',
  m: 'Int',
  ids: '[ID!]',
  page: 'Page',
  filter: 'Filter',
  a: 'Int',
  v: 'Boolean!',
};

/** A document with arguments by literal and by variable, all kinds of fragments, conditions and merged fields. */
export function randomDocument(choose: Choose, sizes: Sizes): string {
  const used = new Set<string>();
  // Every second document has only objects of known types.
  const isConcrete = choose(2) === 0;
  const names: Readonly<Record<string, readonly string[]>> = {
    Conn: isConcrete ? ['total', 'edges'] : ['total', 'edges', 'items'],
    Edge: isConcrete ? ['cursor'] : ['cursor', 'node'],
  };
  const others = isConcrete ? CONCRETE : [...CONCRETE, ...ABSTRACT];
  let aliases = 0;
  const pick = <T>(list: readonly T[]): T => list[choose(list.length)] as T;
  const variable = (name: string): string => {
    used.add(name);
    return `$${name}`;
  };
  const number = (name: string): string => pick([`${sizes.least + choose(4)}`, variable(name), 'null']);
  const filter = (depth: number): string => {
    const parts = ['a: 1', 'b: "x"', 'b: null', `a: ${variable('a')}`, 'plain: { x: 1 }'].filter(() => choose(3) === 0);
    const names = new Set(parts.map((part) => part.slice(0, 2)));
    const own = names.size === parts.length ? parts : parts.slice(0, 1);
    if (depth > 0 && choose(2) === 0) own.push(`and: ${pick([`[${filter(0)}, ${filter(0)}]`, filter(0)])}`);
    return `{ ${own.join(', ')} }`;
  };
  const page = (depth: number): string => {
    const size = choose(2) === 0 ? [`size: ${number('n')}`] : [];
    const deep = depth > 0 && choose(2) === 0 ? [`deep: ${page(depth - 1)}`] : [];
    const inner = choose(3) === 0 ? [`filter: ${pick([filter(1), variable('filter')])}`] : [];
    return `{ ${[...size, ...deep, ...inner].join(', ')} }`;
  };
  const ids = (): string => `[${Array.from({ length: sizes.least + choose(3) }, () => '"i"').join(', ')}]`;
  const args = (): string => {
    const all = [
      () => `first: ${number('n')}`,
      () => `last: ${number('m')}`,
      () => `ids: ${pick([ids(), variable('ids')])}`,
      () => `page: ${pick([page(2), variable('page')])}`,
      () => `filter: ${pick([filter(1), variable('filter'), 'null'])}`,
    ].filter(() => choose(3) === 0);
    return all.length === 0 ? '' : `(${all.map((one) => one()).join(', ')})`;
  };
  const directive = (isField: boolean): string =>
    pick([
      '',
      '',
      '',
      `@skip(if: ${variable('v')})`,
      '@include(if: false)',
      `@include(if: ${variable('v')})`,
      isField ? `@near(by: ${number('a')})` : '',
    ]);
  const fragments = Array.from({ length: 3 }, () => pick(Object.keys(POSSIBLE)));
  const selection = (type: string, depth: number, from: number): string => {
    const kind = choose(6);
    const later = fragments.flatMap((on, i) => (i >= from && overlap(on, type) ? [`...F${i}`] : []));
    if (kind === 0 && later.length > 0) return `${pick(later)} ${directive(false)}`;
    if (kind === 1 && depth > 0) {
      const condition = pick(['', ...Object.keys(POSSIBLE).filter((on) => overlap(on, type))]);
      const inner = selections(condition === '' ? type : condition, depth - 1, from);
      return `... ${condition === '' ? '' : `on ${condition}`} ${directive(false)} { ${inner} }`;
    }
    if (type === 'Any') return '__typename';
    const name = pick(names[type] ?? others);
    const inner = type === 'Conn' ? { edges: 'Edge', items: 'Any' }[name] : INNER[name];
    if (inner !== undefined && depth === 0) return '__typename';
    const given = type !== 'Conn' && type !== 'Edge' && SLICED.includes(name) ? args() : '';
    const alias = given !== '' || choose(2) === 0 ? `x${(aliases += 1)}: ` : '';
    return `${alias}${name}${given} ${directive(true)} ${inner === undefined ? '' : `{ ${selections(inner, depth - 1, from)} }`}`;
  };
  const selections = (type: string, depth: number, from: number): string =>
    Array.from({ length: 1 + choose(3) }, () => selection(type, depth, from)).join(' ');
  const operation = selections('Query', 4, 0);
  const rest = fragments.map((type, i) => `fragment F${i} on ${type} { ${selections(type, 2, i + 1)} }`);
  const definitions = [...used].map((name) => {
    const value = { n: '4', m: '3', a: '1', page: '{ size: 3, filter: { a: 1 } }' }[name];
    return `$${name}: ${VARIABLES[name]}${value !== undefined && choose(3) === 0 ? ` = ${value}` : ''}`;
  });
  return `query ${definitions.length === 0 ? '' : `(${definitions.join(', ')})`} { ${operation} } ${rest.join(' ')}`;
}

/** Values of the variables of {@link randomDocument}; some of them are absent or null. */
export function randomVariables(choose: Choose, { least }: Sizes): Record<string, unknown> {
  const filter = (depth: number): unknown => ({
    ...(choose(2) === 0 && { a: choose(2) === 0 ? null : 1 }),
    ...(choose(2) === 0 && { b: 'x' }),
    ...(depth > 0 && choose(2) === 0 && { and: choose(2) === 0 ? [filter(0), filter(0)] : filter(0) }),
  });
  const values: Record<string, () => unknown> = {
    n: () => least + choose(5),
    m: () => least + choose(5),
    ids: () => Array.from({ length: least + choose(3) }, () => 'i'),
    page: () => ({
      ...(choose(2) === 0 && { size: least + choose(4) }),
      ...(choose(2) === 0 && { filter: filter(1) }),
    }),
    filter: () => filter(2),
    a: () => 1,
  };
  const given = Object.entries(values).flatMap(([name, value]): [string, unknown][] => {
    const kind = choose(4);
    return kind === 0 ? [] : [[name, kind === 1 ? null : value()]];
  });
  return { ...Object.fromEntries(given), v: choose(2) === 0 };
}
