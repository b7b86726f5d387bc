import {
  buildASTSchema,
  getNamedType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  type GraphQLField,
  type GraphQLObjectType,
} from 'graphql';
import { getDirective } from '@graphql-tools/utils';
import { servedTypeDefs } from '../../src/server/servedTypeDefs.js';
import type { Rule } from './rule.js';

const schema = buildASTSchema(servedTypeDefs(true));

type Field = GraphQLField<unknown, unknown>;
type Kind = 'query' | 'mutation' | 'subscription';

/** A root field, or a guarded field with the shortest path to it. */
export interface Operation {
  /** `Query.asset`, or `Query.asset > Asset.downstream`. */
  readonly name: string;
  readonly kind: Kind;
  /** `Query.asset`. */
  readonly root: string;
  /** The root field's name in the response. */
  readonly field: string;
  readonly document: string;
  /** The rules of the fields and types on the path. */
  readonly rules: readonly Rule[];
  readonly isPublic: boolean;
}

function rulesOf(on: Field | GraphQLObjectType): Rule[] {
  const applied = getDirective(schema, on, 'auth') ?? [];
  return applied.map(({ scope }: { scope?: string | string[] | string[][] }) => {
    if (scope === undefined) return [];
    const lists = Array.isArray(scope) ? scope : [scope];
    return lists.map((list) => (Array.isArray(list) ? list : [list]));
  });
}

const isGuarded = (field: Field): boolean => rulesOf(field).length > 0;

/** Selects the fields that everybody with access to a type can read: its leaves, and those of its nested types. */
function selection(type: GraphQLObjectType, depth = 2): string {
  const parts = Object.values(type.getFields()).flatMap((field) => {
    if (isGuarded(field) || field.args.some(isRequiredArgument)) return [];
    const named = getNamedType(field.type);
    if (isLeafType(named)) return [field.name];
    return isObjectType(named) && depth > 0 ? [`${field.name} ${selection(named, depth - 1)}`] : [];
  });
  return `{ __typename ${parts.join(' ')} }`;
}

function operation(kind: Kind, root: GraphQLObjectType, way: readonly [Field, ...Field[]]): Operation {
  const [first] = way;
  const last = way[way.length - 1] ?? first;
  const named = getNamedType(last.type);
  const variables = first.args.map(({ name, type }) => `$${name}: ${type.toString()}`).join(', ');
  const given = first.args.map(({ name }) => `${name}: $${name}`).join(', ');
  const inner = way
    .slice(1)
    .map(({ name }) => name)
    .reduceRight((below, name) => `{ ${name} ${below} }`, isObjectType(named) ? selection(named) : '');
  const owners = [root, ...way.slice(0, -1).map(({ type }) => getNamedType(type) as GraphQLObjectType)];
  return {
    kind,
    name: way.map(({ name }, i) => `${owners[i]?.name ?? ''}.${name}`).join(' > '),
    root: `${root.name}.${first.name}`,
    field: first.name,
    document: `${kind}${variables && ` (${variables})`} { ${first.name}${given && `(${given})`} ${inner} }`,
    rules: [
      ...owners.flatMap(rulesOf),
      ...way.flatMap(rulesOf),
      ...way.flatMap(({ type }) => {
        const reached = getNamedType(type);
        return isObjectType(reached) ? rulesOf(reached) : [];
      }),
    ],
    isPublic: getDirective(schema, first, 'public') !== undefined && way.length === 1,
  };
}

/** All operations of the schema: each field of its root types, and each guarded field below them. */
export function operations(): Operation[] {
  const [query, mutation, subscription] = [
    schema.getQueryType(),
    schema.getMutationType(),
    schema.getSubscriptionType(),
  ];
  if (query == null || mutation == null || subscription == null) throw new Error('A root type is missing.');
  const of = (kind: Kind, root: GraphQLObjectType) =>
    Object.values(root.getFields()).map((field) => operation(kind, root, [field]));
  return [...of('query', query), ...of('mutation', mutation), ...of('subscription', subscription), ...below(query)];
}

/** Finds the shortest path from Query to each guarded field of another type, by breadth-first search. */
function below(query: GraphQLObjectType): Operation[] {
  const found: Operation[] = [];
  const seen = new Set<GraphQLObjectType>([query]);
  let ways: (readonly [Field, ...Field[]])[] = Object.values(query.getFields()).map((field) => [field]);
  while (ways.length > 0) {
    const next: typeof ways = [];
    for (const way of ways) {
      const type = getNamedType((way[way.length - 1] ?? way[0]).type);
      if (!isObjectType(type) || seen.has(type)) continue;
      seen.add(type);
      for (const field of Object.values(type.getFields())) {
        if (field.args.some(isRequiredArgument)) continue;
        if (isGuarded(field)) found.push(operation('query', query, [...way, field]));
        next.push([...way, field]);
      }
    }
    ways = next;
  }
  return found;
}

/** Every scope in the schema, the scopes that cover them, and the bundles. */
export function scopesOfSchema(): string[] {
  const all = Object.values(schema.getTypeMap()).flatMap((type) =>
    isObjectType(type) && !type.name.startsWith('__') ? [type, ...Object.values(type.getFields())] : [],
  );
  const named = new Set(all.flatMap((on) => rulesOf(on).flat(2)));
  for (const scope of [...named]) if (scope.includes(':')) named.add(scope.replace(/:.*/, ':all'));
  return [...named].sort();
}
