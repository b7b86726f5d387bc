import {
  getNamedType,
  isAbstractType,
  isIntrospectionType,
  isObjectType,
  type GraphQLAbstractType,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import type { AnswerLimits } from './answer/answerLimits.js';
import { DEFAULT_ACTIONS, parseScope } from '../scopes/grammar.js';
import { checkDirectives, fieldsOf, isPublic, readAuth, type Faults } from './appliedDirectives.js';
import { and, or, sharing, type Requirement } from './requirement.js';

/** The number of fields that a line of {@link GuardError} names. */
const MAX_PLACES = 10;

/**
 * A schema with invalid or missing guards, which must not be served. `faults` has every fault of every field; the
 * message has one line for each kind of fault.
 *
 * @example
 * ```ts
 * import { buildSchema } from 'graphql';
 * import { GuardError, guardSchema } from 'latchkey';
 *
 * try {
 *   guardSchema(buildSchema('type Query { orders: [String!]! }'));
 * } catch (error) {
 *   if (error instanceof GuardError) console.error(error.faults.join('\n'));
 * }
 * ```
 */
export class GuardError extends Error {
  override readonly name = 'GuardError';
  readonly faults: readonly string[];

  /** @param reason the message, if one reason explains all faults */
  constructor(faults: readonly string[], reason?: string) {
    super(reason ?? `The schema is not guarded:\n${linesOf(faults).join('\n')}`);
    this.faults = faults;
  }
}

/** Groups the faults, so that all fields with the same fault are in one line. */
function linesOf(faults: readonly string[]): string[] {
  const places = new Map<string, string[]>();
  for (const fault of faults) {
    const end = fault.indexOf(': ');
    const text = fault.slice(end + 2);
    places.set(text, [...(places.get(text) ?? []), fault.slice(0, Math.max(end, 0))]);
  }
  return [...places].map(([text, all]) => {
    const rest = all.length > MAX_PLACES ? ` and ${all.length - MAX_PLACES} more` : '';
    const named = all.slice(0, MAX_PLACES).join(', ');
    return `- ${named}${rest}${named === '' ? '' : ': '}${text}`;
  });
}

export interface Rule {
  /** The type or field that the rule belongs to, such as `Query.assets`. */
  readonly coordinate: string;
  readonly requirement: Requirement;
}

/**
 * The rules of a schema. Maps, because a name in the schema may be `constructor`.
 *
 * @example
 * ```ts
 * import type { GraphQLSchema } from 'graphql';
 * import { assertGuarded, type SchemaRules } from 'latchkey';
 *
 * export function scopesOf(schema: GraphQLSchema): readonly string[] {
 *   const rules: SchemaRules = assertGuarded(schema);
 *   return rules.scopes;
 * }
 * ```
 */
export interface SchemaRules {
  /** The rules of guarded object types, and of abstract types whose types are all guarded: one of these must be met. */
  readonly types: ReadonlyMap<string, Rule>;
  /** Everything that a field requires, by type and field name. Fields without a rule are not included. */
  readonly fields: ReadonlyMap<string, ReadonlyMap<string, Rule>>;
  /** The scopes that a key can have: those in the schema, those that include them, `admin` and `platform`. Sorted. */
  readonly scopes: readonly string[];
}

/**
 * The options of `guardSchema` and `assertGuarded`.
 *
 * @example
 * ```ts
 * import { makeExecutableSchema } from '@graphql-tools/schema';
 * import { directiveTypeDefs, guardSchema, type RuleOptions } from 'latchkey';
 *
 * const options: RuleOptions = { actions: ['deploy'], answer: { fields: 1_000 } };
 * const typeDefs = 'type Query { plan: String @auth(scope: "deploy:site") }';
 * export const schema = guardSchema(makeExecutableSchema({ typeDefs: [directiveTypeDefs(), typeDefs] }), options);
 * ```
 */
export interface RuleOptions {
  /**
   * The actions that scopes in the schema may have besides `read` and `write`. Any other is reported as a spelling
   * mistake.
   */
  readonly actions?: readonly string[];
  /**
   * The largest response to one operation.
   *
   * @default 50,000 fields, 10,000 in an event, 8 MiB of JSON
   */
  readonly answer?: Partial<AnswerLimits>;
}

/**
 * Reads the rules of a schema. A field requires what its type, its own @auth and its return type require together
 * (B07). A rule of a root type applies to each of its fields (B19).
 *
 * @throws {@link GuardError} if a directive has no effect, or a root field has neither @auth nor @public
 */
export function readRules(schema: GraphQLSchema, options: RuleOptions = {}): SchemaRules {
  const faults: Faults = [];
  const actions = new Set([...DEFAULT_ACTIONS, ...(options.actions ?? [])]);
  checkDirectives(schema, faults);

  const objects = Object.values(schema.getTypeMap()).filter(
    (type) => isObjectType(type) && !isIntrospectionType(type),
  ) as GraphQLObjectType[];
  const types = new Map<string, Rule>();
  for (const type of objects) {
    const requirement = readAuth(type, type.name, actions, faults);
    if (requirement !== null) types.set(type.name, { coordinate: type.name, requirement });
  }
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isAbstractType(type)) continue;
    const requirement = ofAbstractType(schema, type, types);
    if (requirement !== null) types.set(type.name, { coordinate: type.name, requirement });
  }

  const roots = new Set([schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]);
  const fields = new Map<string, ReadonlyMap<string, Rule>>();
  const shared = sharing();
  for (const type of objects) {
    const ofType = new Map<string, Rule>();
    for (const field of fieldsOf(type)) {
      const coordinate = `${type.name}.${field.name}`;
      const own = readAuth(field, coordinate, actions, faults);
      checkOpenness(field, coordinate, { own, type: types.get(type.name), isRoot: roots.has(type) }, faults);
      const requirement = all([
        types.get(type.name)?.requirement,
        own,
        types.get(getNamedType(field.type).name)?.requirement,
      ]);
      if (requirement !== null) ofType.set(field.name, { coordinate, requirement: shared(requirement) });
    }
    if (ofType.size > 0) fields.set(type.name, ofType);
  }
  if (faults.length > 0) throw new GuardError(faults);
  return {
    types,
    fields,
    scopes: knownScopes([...types.values(), ...[...fields.values()].flatMap((map) => [...map.values()])]),
  };
}

function checkOpenness(
  field: GraphQLField<unknown, unknown>,
  coordinate: string,
  guards: { own: Requirement | null; type: Rule | undefined; isRoot: boolean },
  faults: Faults,
): void {
  if (!isPublic(field)) {
    if (guards.isRoot && guards.own === null && guards.type === undefined) {
      faults.push(`${coordinate}: a root field needs @auth or @public, so that it is clear who can call it.`);
    }
    return;
  }
  if (guards.own !== null) faults.push(`${coordinate}: @public and @auth contradict each other. Remove one of them.`);
  else if (guards.type !== undefined) {
    faults.push(
      `${coordinate}: @public has no effect, because @auth on ${guards.type.coordinate} applies too. Move one of them.`,
    );
  }
}

/** A value of an abstract type is a value of one of its object types, so the rule of one of these must be met. */
function ofAbstractType(
  schema: GraphQLSchema,
  type: GraphQLAbstractType,
  types: ReadonlyMap<string, Rule>,
): Requirement | null {
  const rules = schema.getPossibleTypes(type).map((possible) => types.get(possible.name)?.requirement);
  const guarded = rules.filter((rule) => rule !== undefined);
  return guarded.length === 0 || guarded.length < rules.length ? null : or(guarded);
}

function all(requirements: readonly (Requirement | null | undefined)[]): Requirement | null {
  let result: Requirement | null = null;
  for (const requirement of requirements) {
    if (requirement != null) result = result === null ? requirement : and(result, requirement);
  }
  return result;
}

function knownScopes(rules: readonly Rule[]): string[] {
  const known = new Set<string>(['admin', 'platform']);
  for (const { requirement } of rules) {
    for (const scope of requirement.anyOf.flat()) {
      known.add(scope.text);
      const parsed = parseScope(scope.text);
      if (parsed?.kind === 'grant') known.add(`${parsed.action}:all`);
    }
  }
  return [...known].sort();
}

/** Yields every field that has a rule, with its type. */
export function* fieldsWithRule(
  schema: GraphQLSchema,
  rules: SchemaRules,
): Generator<{
  readonly type: GraphQLObjectType;
  readonly field: GraphQLField<unknown, unknown>;
  readonly rule: Rule;
}> {
  for (const [typeName, ofType] of rules.fields) {
    const type = schema.getType(typeName);
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const rule = ofType.get(field.name);
      if (rule !== undefined) yield { type, field, rule };
    }
  }
}
