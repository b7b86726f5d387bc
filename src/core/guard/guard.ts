import { isSchema, type GraphQLSchema } from 'graphql';
import { checkNames, checkTexts, optionError } from '../../shared/optionChecks.js';
import { ANSWER_LIMITS } from './answer/answerLimits.js';
import { guardResolvers, isGuardedAtAll, unguardedPlaces } from './guardedResolvers.js';
import { inWords } from './requirement.js';
import { readRules } from './readRules.js';
import { GuardError, partsWithRule, ROOT_FIELDS, type RuleOptions, type SchemaRules } from './rules.js';
import { FirstUse } from './served.js';

const NOT_GUARDED =
  'The schema is not guarded. Pass the schema that latchkey.guard(schema) returned. Call guard last, after every resolver, merge, extension and wrapper.';

/** B15: the rules of each schema. */
const rulesBySchema = new WeakMap<GraphQLSchema, { readonly rules: SchemaRules; readonly options: RuleOptions }>();

/**
 * Guards a schema by its directives, in place, and returns it. Call it last, on the schema that is served.
 *
 * @throws {@link GuardError} if a directive guards nothing, a scope is invalid, or a root field has neither @auth nor
 *   @public
 * @example
 * ```ts
 * import { makeExecutableSchema } from '@graphql-tools/schema';
 * import { directiveTypeDefs, guardSchema } from 'latchkey';
 *
 * const typeDefs = 'type Query { orders: [String!]! @auth(scope: "read:orders") }';
 * export const schema = guardSchema(makeExecutableSchema({ typeDefs: [directiveTypeDefs(), typeDefs] }));
 * ```
 */
export function guardSchema(schema: GraphQLSchema, options: RuleOptions = {}): GraphQLSchema {
  checkGuardOptions('guardSchema', schema, options);
  guardWith(schema, options, new FirstUse(null));
  return schema;
}

/** Works like {@link guardSchema}, also checks whether the plugin is in use, and returns the schema's rules. */
export function guardWith(schema: GraphQLSchema, options: RuleOptions, firstUse: FirstUse): SchemaRules {
  checkGuardOptions('guard', schema, options);
  const rules = readRules(schema, options);
  guardResolvers(schema, rules, { ...ANSWER_LIMITS, ...options.answer }, firstUse);
  describeRequirements(schema, rules);
  rulesBySchema.set(schema, { rules, options });
  return rules;
}

/**
 * Checks the final schema: its directives are valid, every root field has @auth or @public, and every rule is enforced.
 * The plugin runs it when the server starts, and you can run it in a test. It fails for a schema that was merged,
 * extended, wrapped or rebuilt after {@link guardSchema}. Apollo Server wraps every resolver of a schema at its first
 * request, so give each server its own schema, or guard the schema again.
 *
 * @returns the schema's rules
 * @throws {@link GuardError}
 * @example
 * ```ts
 * import { buildSchema } from 'graphql';
 * import { assertGuarded, GuardError } from 'latchkey';
 *
 * try {
 *   assertGuarded(buildSchema('type Query { orders: [String!]! }'));
 * } catch (error) {
 *   if (error instanceof GuardError) console.error(error.faults);
 * }
 * ```
 */
export function assertGuarded(schema: GraphQLSchema, options: RuleOptions = {}): SchemaRules {
  checkGuardOptions('assertGuarded', schema, options);
  const rules = rulesOf(schema, options);
  const places = unguardedPlaces(schema, rules);
  // B14, B16, B17 and B18: fields that were added, replaced or wrapped after the schema was guarded have no guard.
  // If the schema was guarded and then wrapped, the list of fields helps more than the general message.
  const wasGuarded = rulesBySchema.has(schema) || isGuardedAtAll(schema);
  if (places.length > 0) throw new GuardError(places, wasGuarded ? undefined : NOT_GUARDED);
  return rules;
}

function checkAnswer(what: string, answer: object): void {
  checkNames(what, answer, ['fields', 'eventFields', 'bytes']);
  for (const [name, value] of Object.entries(answer) as [string, unknown][]) {
    if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 1)) continue;
    throw optionError(`${what}.${name}`, value, 'an integer of at least 1');
  }
}

function checkGuardOptions(what: string, schema: unknown, options: RuleOptions): void {
  if (!isSchema(schema)) throw optionError(`${what}: schema`, schema, 'a GraphQLSchema of the same graphql module');
  checkNames(what, options, ['actions', 'answer', 'rootFields']);
  const { rootFields } = options;
  if (rootFields !== undefined && !ROOT_FIELDS.includes(rootFields)) {
    throw optionError(`${what}: rootFields`, rootFields, ROOT_FIELDS.join(', '));
  }
  if (options.answer !== undefined) checkAnswer(`${what}: answer`, options.answer);
  if (options.actions === undefined) return;
  checkTexts(`${what}: actions`, options.actions, 'a list of actions such as deploy');
}

/**
 * Returns the rules of a schema, with the options that it was guarded with.
 *
 * @throws {@link GuardError}
 */
export function rulesOf(schema: GraphQLSchema, options: RuleOptions = {}): SchemaRules {
  return readRules(schema, rulesBySchema.get(schema)?.options ?? options);
}

/** Adds the requirement to the description of each guarded field, argument and input field, for readers of the schema. */
function describeRequirements(schema: GraphQLSchema, rules: SchemaRules): void {
  for (const { part, rule } of partsWithRule(schema, rules)) {
    const sentence = `Requires ${inWords(rule.requirement)}.`;
    const text = part.description ?? '';
    if (!text.endsWith(sentence)) part.description = text === '' ? sentence : `${text}\n\n${sentence}`;
  }
}
