import {
  getNamedType,
  isAbstractType,
  isInputObjectType,
  isIntrospectionType,
  isLeafType,
  isObjectType,
  type GraphQLAbstractType,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import type { AnswerLimits } from './answer/answerLimits.js';
import { DEFAULT_ACTIONS, parseScope } from '../scopes/grammar.js';
import { checkDirectives, fieldsOf, isPublic, readAuth, type Annotated, type Faults } from './appliedDirectives.js';
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
  /** The part that the rule belongs to: `Asset`, `Query.assets`, `Query.assets(deleted:)` or `AssetFilter.owner`. */
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
  /**
   * The rules of guarded object types, scalars and enums, and of abstract types whose types are all guarded: one of these
   * must be met.
   */
  readonly types: ReadonlyMap<string, Rule>;
  /** Everything that a field requires, by type and field name. Fields without a rule are not included. */
  readonly fields: ReadonlyMap<string, ReadonlyMap<string, Rule>>;
  /** The rules of arguments, by the coordinate of their field and their name. */
  readonly arguments: ReadonlyMap<string, ReadonlyMap<string, Rule>>;
  /** The rules of input fields, by type and field name. */
  readonly inputs: ReadonlyMap<string, ReadonlyMap<string, Rule>>;
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
  const reader = new Reader(schema, options);
  const rules = reader.read();
  if (reader.faults.length > 0) throw new GuardError(reader.faults);
  return rules;
}

/** Reads the rules of one schema, and collects its faults. */
class Reader {
  readonly faults: Faults = [];
  readonly #schema: GraphQLSchema;
  readonly #actions: ReadonlySet<string>;
  readonly #all: readonly GraphQLNamedType[];
  readonly #objects: readonly GraphQLObjectType[];
  readonly #shared = sharing();

  constructor(schema: GraphQLSchema, { actions = [] }: RuleOptions) {
    this.#schema = schema;
    this.#actions = new Set([...DEFAULT_ACTIONS, ...actions]);
    this.#all = Object.values(schema.getTypeMap()).filter((type) => !isIntrospectionType(type));
    this.#objects = this.#all.filter(isObjectType);
  }

  read(): SchemaRules {
    checkDirectives(this.#schema, this.faults);
    const types = this.#types();
    const fields = this.#fields(types);
    const args = this.#arguments();
    const inputs = this.#inputs();
    const nested = [fields, args, inputs].flatMap((map) => [...map.values()]);
    const scopes = knownScopes([...types.values(), ...nested.flatMap((ofPart) => [...ofPart.values()])]);
    return { types, fields, arguments: args, inputs, scopes };
  }

  #types(): Map<string, Rule> {
    const types = new Map<string, Rule>();
    for (const type of this.#all) {
      if (!isObjectType(type) && !isLeafType(type)) continue;
      const requirement = this.#auth(type, type.name);
      if (requirement === null) continue;
      types.set(type.name, { coordinate: type.name, requirement });
      if (isLeafType(type)) this.#checkReturned(type);
    }
    for (const type of this.#all) {
      if (!isAbstractType(type)) continue;
      const requirement = ofAbstractType(this.#schema, type, types);
      if (requirement !== null) types.set(type.name, { coordinate: type.name, requirement });
    }
    return types;
  }

  #fields(types: ReadonlyMap<string, Rule>): Map<string, ReadonlyMap<string, Rule>> {
    const roots = rootsOf(this.#schema);
    const fields = new Map<string, ReadonlyMap<string, Rule>>();
    for (const type of this.#objects) {
      const ofType = new Map<string, Rule>();
      for (const field of fieldsOf(type)) {
        const coordinate = `${type.name}.${field.name}`;
        const own = this.#auth(field, coordinate);
        checkOpenness(field, coordinate, { own, type: types.get(type.name), isRoot: roots.has(type) }, this.faults);
        const requirement = all([
          types.get(type.name)?.requirement,
          own,
          types.get(getNamedType(field.type).name)?.requirement,
        ]);
        if (requirement !== null) ofType.set(field.name, { coordinate, requirement: this.#shared(requirement) });
      }
      if (ofType.size > 0) fields.set(type.name, ofType);
    }
    return fields;
  }

  #arguments(): Map<string, ReadonlyMap<string, Rule>> {
    const args = new Map<string, ReadonlyMap<string, Rule>>();
    for (const type of this.#objects) {
      for (const field of fieldsOf(type)) {
        const coordinate = `${type.name}.${field.name}`;
        const ofField = this.#named(field.args, (name) => `${coordinate}(${name}:)`);
        if (ofField.size > 0) args.set(coordinate, ofField);
      }
    }
    return args;
  }

  #inputs(): Map<string, ReadonlyMap<string, Rule>> {
    const inputs = new Map<string, ReadonlyMap<string, Rule>>();
    for (const type of this.#all) {
      if (!isInputObjectType(type)) continue;
      const ofType = this.#named(Object.values(type.getFields()), (name) => `${type.name}.${name}`);
      if (ofType.size > 0) inputs.set(type.name, ofType);
    }
    return inputs;
  }

  #named(
    parts: readonly (Annotated & { readonly name: string })[],
    coordinateOf: (name: string) => string,
  ): Map<string, Rule> {
    const rules = new Map<string, Rule>();
    for (const part of parts) {
      const coordinate = coordinateOf(part.name);
      const requirement = this.#auth(part, coordinate);
      if (requirement !== null) rules.set(part.name, { coordinate, requirement: this.#shared(requirement) });
    }
    return rules;
  }

  #auth(part: Annotated, coordinate: string): Requirement | null {
    return readAuth(part, coordinate, this.#actions, this.faults);
  }

  /** B03: the rule of a scalar or an enum belongs to the fields that return it. */
  #checkReturned(type: GraphQLNamedType): void {
    const isReturned = this.#objects.some((object) =>
      fieldsOf(object).some((field) => getNamedType(field.type) === type),
    );
    if (isReturned) return;
    this.faults.push(
      `${type.name}: @auth has no effect here, because no field returns this type. Put @auth on the arguments and input fields that take it.`,
    );
  }
}

function rootsOf(schema: GraphQLSchema): ReadonlySet<unknown> {
  return new Set([schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]);
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

/** Yields every field, argument and input field that has a rule. */
export function* partsWithRule(
  schema: GraphQLSchema,
  rules: SchemaRules,
): Generator<{ readonly part: { description?: string | null | undefined }; readonly rule: Rule }> {
  for (const type of Object.values(schema.getTypeMap())) {
    const ofType = isObjectType(type) ? rules.fields : isInputObjectType(type) ? rules.inputs : null;
    if (ofType === null || !(isObjectType(type) || isInputObjectType(type))) continue;
    for (const part of Object.values<GraphQLField<unknown, unknown> | GraphQLInputField>(type.getFields())) {
      const rule = ofType.get(type.name)?.get(part.name);
      if (rule !== undefined) yield { part, rule };
      if (!('args' in part)) continue;
      const ofArguments = rules.arguments.get(`${type.name}.${part.name}`);
      for (const argument of part.args) {
        const own = ofArguments?.get(argument.name);
        if (own !== undefined) yield { part: argument, rule: own };
      }
    }
  }
}

/** Returns the rule of a type, field, argument or input field. */
export function ruleAt(rules: SchemaRules, coordinate: string): Rule | undefined {
  const [, type = '', field, argument] = /^(\w+)(?:\.(\w+)(?:\((\w+):\))?)?$/.exec(coordinate) ?? [];
  if (field === undefined) return rules.types.get(type);
  if (argument !== undefined) return rules.arguments.get(`${type}.${field}`)?.get(argument);
  return rules.fields.get(type)?.get(field) ?? rules.inputs.get(type)?.get(field);
}
