import {
  isInputObjectType,
  isObjectType,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLSchema,
} from 'graphql';
import type { AnswerLimits } from './answer/answerLimits.js';
import type { Requirement } from './requirement.js';

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
    super(
      reason ??
        `The schema is not guarded:\n${groupedFaults(faults)
          .map((fault) => `- ${fault}`)
          .join('\n')}`,
    );
    this.faults = faults;
  }
}

/** Groups faults, so that all fields with the same fault are in one line. */
export function groupedFaults(faults: readonly string[]): string[] {
  const places = new Map<string, string[]>();
  for (const fault of faults) {
    const end = fault.indexOf(': ');
    const text = fault.slice(end + 2);
    places.set(text, [...(places.get(text) ?? []), fault.slice(0, Math.max(end, 0))]);
  }
  return [...places].map(([text, all]) => {
    const rest = all.length > MAX_PLACES ? ` and ${all.length - MAX_PLACES} more` : '';
    const named = all.slice(0, MAX_PLACES).join(', ');
    return `${named}${rest}${named === '' ? '' : ': '}${text}`;
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

/** The requirement of root fields without a rule. */
export type RootFields = (typeof ROOT_FIELDS)[number];

export const ROOT_FIELDS = ['refuse', 'authenticated', 'public'] as const;

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
   * The requirement of root fields without a rule: `refuse` does not accept the schema, `authenticated` requires any valid
   * key, and `public` requires nothing, as in Apollo Router.
   *
   * @default 'refuse'
   */
  readonly rootFields?: RootFields;
  /**
   * The largest response to one operation.
   *
   * @default 50,000 fields, 10,000 in an event, 8 MiB of JSON
   */
  readonly answer?: Partial<AnswerLimits>;
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
