import { isSchema, type GraphQLSchema } from 'graphql';
import { checkNames, checkTexts, optionError } from '../options.js';
import { ANSWER_LIMITS } from './answer/limits.js';
import { guardResolvers, isGuardedAtAll, unguardedPlaces } from './resolvers.js';
import { inWords } from './requirement.js';
import { fieldsWithRule, GuardError, readRules, type RuleOptions, type SchemaRules } from './rules.js';
import { FirstUse } from './served.js';

const NOT_GUARDED =
  'The schema is not guarded. Pass the schema that latchkey.guard(schema) returned. Call guard last, after every resolver, merge, extension and wrapper.';

/** B15: each schema has rules of its own. */
const rulesBySchema = new WeakMap<GraphQLSchema, { readonly rules: SchemaRules; readonly options: RuleOptions }>();

/**
 * Guards a schema by its directives, in place, and returns it. Call it last, on the schema that is served.
 * @throws GuardError where a directive guards nothing, a scope is none, or a root field has neither @auth nor @public
 */
export function guardSchema(schema: GraphQLSchema, options: RuleOptions = {}): GraphQLSchema {
  checkGuardOptions('guardSchema', schema, options);
  return guardWith(schema, options, new FirstUse(null));
}

/** {@link guardSchema}, which also looks whether the plugin is in use. */
export function guardWith(schema: GraphQLSchema, options: RuleOptions, firstUse: FirstUse): GraphQLSchema {
  checkGuardOptions('guard', schema, options);
  const rules = readRules(schema, options);
  guardResolvers(schema, rules, { ...ANSWER_LIMITS, ...options.answer }, firstUse);
  describeRequirements(schema, rules);
  rulesBySchema.set(schema, { rules, options });
  return schema;
}

/**
 * Proves the final schema: its directives are sound, every root field is decided, and each rule has its guard in place.
 * For a test of your own, and run by the plugin when the server starts: what was merged, extended, wrapped or rebuilt
 * after {@link guardSchema} does not pass (B14, B16, B17, B18). Apollo Server wraps every resolver at a schema's first
 * request, so give each server a schema of its own, or guard it anew.
 *
 * @returns the schema's rules
 * @throws GuardError
 */
export function assertGuarded(schema: GraphQLSchema, options: RuleOptions = {}): SchemaRules {
  checkGuardOptions('assertGuarded', schema, options);
  const rules = rulesOf(schema, options);
  const places = unguardedPlaces(schema, rules);
  // Of one that was guarded, and then wrapped as a whole, the places say more.
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
  if (!isSchema(schema))
    throw optionError(`${what}: schema`, schema, 'a GraphQLSchema of the graphql module in use here');
  checkNames(what, options, ['actions', 'answer']);
  if (options.answer !== undefined) checkAnswer(`${what}: answer`, options.answer);
  if (options.actions === undefined) return;
  checkTexts(`${what}: actions`, options.actions, 'a list of words such as deploy');
}

/** A schema's rules, read as it was guarded. @throws GuardError */
export function rulesOf(schema: GraphQLSchema, options: RuleOptions = {}): SchemaRules {
  return readRules(schema, rulesBySchema.get(schema)?.options ?? options);
}

/** Ends each guarded field's description with what it requires, so that whoever reads the schema sees it. */
function describeRequirements(schema: GraphQLSchema, rules: SchemaRules): void {
  for (const { field, rule } of fieldsWithRule(schema, rules)) {
    const sentence = `Requires ${inWords(rule.requirement)}.`;
    const text = field.description ?? '';
    if (!text.endsWith(sentence)) field.description = text === '' ? sentence : `${text}\n\n${sentence}`;
  }
}
