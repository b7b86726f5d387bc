import {
  defaultFieldResolver,
  defaultTypeResolver,
  GraphQLObjectType,
  isAbstractType,
  isIntrospectionType,
  isObjectType,
  type FieldNode,
  type GraphQLAbstractType,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type GraphQLTypeResolver,
} from 'graphql';
import type { LatchkeyContext, Principal } from '../auth/principal.js';
import { AnswerBudgets } from './answer/budget.js';
import { ANSWER_LIMITS, type AnswerLimits } from './answer/answerLimits.js';
import { countError } from './answer/countedErrors.js';
import { metered } from './answer/meter.js';
import { enforce } from './decide.js';
import { referenceHolder, type ReferenceResolver } from './federation/entities.js';
import { inputPlansOf, reachOf, type InputSteps } from './inputs/inputPlans.js';
import { readArguments } from './inputs/readValue.js';
import { isList } from './answer/selections.js';
import { markPlainRead, plainReadOf, type PlainRead } from './plainReads.js';
import type { Rule, SchemaRules } from './rules.js';
import { FirstUse } from './served.js';

type Resolver = GraphQLFieldResolver<unknown, unknown>;
type TypeResolver = GraphQLTypeResolver<unknown, unknown>;

const ALWAYS_OPEN: PlainRead = { isOpen: () => true };

/** The rules that a guard enforces, and the resolver that it wraps. */
const guards = new WeakMap<
  object,
  { readonly rules: readonly Rule[]; readonly inner: Resolver | TypeResolver | ReferenceResolver | undefined }
>();

/**
 * Wraps every field that has a rule or checked arguments: its resolver and, for a subscription, its source stream (B33). An abstract type
 * does not return values of a guarded type (B20). Every field is metered, see {@link metered}. Changes the schema in
 * place, so that existing references to it are guarded too. Calling it twice has no further effect.
 */
export function guardResolvers(
  schema: GraphQLSchema,
  rules: SchemaRules,
  limits: AnswerLimits = ANSWER_LIMITS,
  firstUse = new FirstUse(null),
): void {
  const budgets = new AnswerBudgets(limits);
  meterResolvers(schema, budgets);
  const subscription = schema.getSubscriptionType();
  const means = { firstUse, budgets };
  for (const { type, field, rule, steps } of guardedFields(schema, rules)) {
    const wrap = (resolver: Resolver | undefined): Resolver => {
      const inner = steps === null ? resolver : checkingArguments(steps, resolver, means);
      return rule === null ? (inner ?? defaultFieldResolver) : guarded(rule, inner, means);
    };
    field.resolve = wrap(field.resolve);
    if (type === subscription) field.subscribe = wrap(original(field.subscribe));
  }
  for (const { holder, rule } of guardedReferences(schema, rules)) {
    holder.resolveReference = guardedReference(rule, holder.resolveReference);
  }
  for (const { type, ofValues } of abstractTypesWithRules(schema, rules)) {
    type.resolveType = guardedType(ofValues, original(type.resolveType), budgets);
  }
}

/** Meters every field. Removes guards, so call it before they are added. */
export function meterResolvers(schema: GraphQLSchema, budgets: AnswerBudgets): GraphQLSchema {
  const roots = new Set([schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]);
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || isIntrospectionType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const inner = original(field.resolve);
      const meter = metered(field, roots.has(type), inner ?? defaultFieldResolver, budgets);
      guards.set(meter, { rules: [], inner });
      const onlyReads = (inner === undefined || inner === defaultFieldResolver) && !isList(field.type);
      if (onlyReads && !roots.has(type)) markPlainRead(meter, ALWAYS_OPEN);
      field.resolve = meter;
    }
  }
  return schema;
}

/** Returns a sentence for every field and abstract type whose rule is not enforced. */
export function unguardedPlaces(schema: GraphQLSchema, rules: SchemaRules): string[] {
  const places: string[] = [];
  const subscription = schema.getSubscriptionType();
  const missing = (coordinate: string) =>
    places.push(
      `${coordinate}: its rule is not enforced. Call guardSchema last, after every resolver, merge, extension and wrapper.`,
    );
  for (const { type, field, rule, steps } of guardedFields(schema, rules)) {
    const functions = type === subscription ? [field.resolve, field.subscribe] : [field.resolve];
    const expected = [...(rule === null ? [] : [rule]), ...(steps === null ? [] : reachOf(steps))];
    if (!functions.every((resolver) => enforces(resolver, expected))) missing(`${type.name}.${field.name}`);
  }
  for (const { holder, rule } of guardedReferences(schema, rules)) {
    if (!enforces(holder.resolveReference, [rule])) missing(`${rule.coordinate}.__resolveReference`);
  }
  for (const { type, ofValues } of abstractTypesWithRules(schema, rules)) {
    if (!enforces(type.resolveType, ofValues)) missing(type.name);
  }
  return places;
}

/** Returns whether at least one resolver has a guard: then the schema was guarded, and changed afterwards. */
export function isGuardedAtAll(schema: GraphQLSchema): boolean {
  return Object.values(schema.getTypeMap()).some((type) => {
    if (isAbstractType(type)) return type.resolveType != null && guards.has(type.resolveType);
    if (!isObjectType(type)) return false;
    return Object.values(type.getFields()).some(({ resolve, subscribe }) =>
      [resolve, subscribe].some((resolver) => resolver != null && guards.has(resolver)),
    );
  });
}

/** B15: a guard with the rules of another schema does not count, unless they are equal. */
function enforces(guard: object | null | undefined, rules: readonly Rule[]): boolean {
  const known = guard == null ? undefined : guards.get(guard);
  return known !== undefined && JSON.stringify(known.rules) === JSON.stringify(rules);
}

/** The parts that all guards of a schema share. */
interface Means {
  readonly firstUse: FirstUse;
  readonly budgets: AnswerBudgets;
}

/** Yields every field with a rule, or with arguments that are checked. */
function* guardedFields(
  schema: GraphQLSchema,
  rules: SchemaRules,
): Generator<{
  readonly type: GraphQLObjectType;
  readonly field: GraphQLField<unknown, unknown>;
  readonly rule: Rule | null;
  readonly steps: InputSteps | null;
}> {
  const { fields } = inputPlansOf(schema, rules);
  for (const name of new Set([...rules.fields.keys(), ...fields.keys()])) {
    const type = schema.getType(name);
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const rule = rules.fields.get(name)?.get(field.name) ?? null;
      const steps = fields.get(name)?.get(field.name) ?? null;
      if (rule !== null || steps !== null) yield { type, field, rule, steps };
    }
  }
}

/**
 * Wraps a resolver so that it checks the arguments. They are read once for all entries of a list, because an argument can
 * be as large as a request.
 */
function checkingArguments(steps: InputSteps, inner: Resolver | undefined, { firstUse, budgets }: Means): Resolver {
  const resolve = inner ?? defaultFieldResolver;
  // Weak in both, because an executor may use one object for all operations without variables.
  const byExecution = new WeakMap<object, WeakMap<FieldNode, ReadonlySet<Rule>>>();
  const usedIn = (args: Readonly<Record<string, unknown>>, info: GraphQLResolveInfo): ReadonlySet<Rule> => {
    const [node] = info.fieldNodes;
    if (node === undefined) return readArguments(args, steps);
    let ofExecution = byExecution.get(info.variableValues);
    if (ofExecution === undefined) {
      byExecution.set(info.variableValues, (ofExecution = new WeakMap<FieldNode, ReadonlySet<Rule>>()));
    }
    let used = ofExecution.get(node);
    if (used === undefined) ofExecution.set(node, (used = readArguments(args, steps)));
    return used;
  };
  const guard: Resolver = (source, args, context, info) => {
    if (!firstUse.seen) firstUse.look(info.schema, context);
    for (const rule of usedIn(args as Readonly<Record<string, unknown>>, info))
      enforceCounting(rule, context, info, budgets);
    return resolve(source, args, context, info);
  };
  guards.set(guard, { rules: reachOf(steps), inner });
  return guard;
}

function guarded(rule: Rule, inner: Resolver | undefined, { firstUse, budgets }: Means): Resolver {
  const resolve = inner ?? defaultFieldResolver;
  const ofInner = inner === undefined ? [] : (guards.get(inner)?.rules ?? []);
  // The last principal that met this rule. It can't change any more.
  let passed: Principal | null = null;
  const guard: Resolver = (source, args, context, info) => {
    if (!firstUse.seen) firstUse.look(info.schema, context);
    if (passed === null || (context as Partial<LatchkeyContext> | null | undefined)?.principal !== passed) {
      passed = enforceCounting(rule, context, info, budgets);
    }
    return resolve(source, args, context, info);
  };
  guards.set(guard, { rules: [rule, ...ofInner], inner });
  const read = plainReadOf(resolve);
  if (read !== null) {
    markPlainRead(guard, {
      isOpen: (context) =>
        firstUse.seen &&
        passed !== null &&
        (context as Partial<LatchkeyContext> | null | undefined)?.principal === passed &&
        read.isOpen(context),
    });
  }
  return guard;
}

/** Yields every `__resolveReference` of a type with a rule. */
function* guardedReferences(
  schema: GraphQLSchema,
  rules: SchemaRules,
): Generator<{ readonly holder: NonNullable<ReturnType<typeof referenceHolder>>; readonly rule: Rule }> {
  for (const [name, rule] of rules.types) {
    const type = schema.getType(name);
    const holder = isObjectType(type) ? referenceHolder(type) : null;
    if (holder !== null) yield { holder, rule };
  }
}

/** B20: an entity whose interface decides its type is loaded before `_entities` knows the type. */
function guardedReference(rule: Rule, current: ReferenceResolver | undefined): ReferenceResolver {
  const inner = original(current);
  const guard: ReferenceResolver = (reference, context, info) => {
    enforce(rule, context);
    return inner?.(reference, context, info);
  };
  guards.set(guard, { rules: [rule], inner });
  return guard;
}

/**
 * Some types are known only at run time, so a refusal can be an error of each entry of a list.
 *
 * @returns see {@link enforce}
 */
function enforceCounting(
  rule: Rule,
  context: unknown,
  info: GraphQLResolveInfo,
  budgets: AnswerBudgets,
): Principal | null {
  try {
    return enforce(rule, context);
  } catch (error) {
    throw countError(info, budgets) ?? error;
  }
}

function guardedType(rules: readonly Rule[], inner: TypeResolver | undefined, budgets: AnswerBudgets): TypeResolver {
  const resolve = inner ?? defaultTypeResolver;
  const byType = new Map(rules.map((rule) => [rule.coordinate, rule]));
  const judge = (resolved: unknown, context: unknown, info: GraphQLResolveInfo): string | undefined => {
    // graphql-js accepts a type in place of its name only up to version 15. The name is checked in both cases.
    const name = resolved instanceof GraphQLObjectType ? resolved.name : (resolved as string | undefined);
    const rule = name === undefined ? undefined : byType.get(name);
    if (rule !== undefined) enforceCounting(rule, context, info, budgets);
    return name;
  };
  const guard: TypeResolver = (value, context, info, type) => {
    const resolved: unknown = resolve(value, context, info, type);
    // Checks for `then`, as graphql-js does: another kind of promise must not be treated as the name of a type.
    return isThenable(resolved) ? resolved.then((name) => judge(name, context, info)) : judge(resolved, context, info);
  };
  guards.set(guard, { rules, inner });
  return guard;
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof (value as Partial<Promise<unknown>> | null | undefined)?.then === 'function';
}

/** Yields abstract types that have guarded object types, with the rules of these. */
function* abstractTypesWithRules(
  schema: GraphQLSchema,
  rules: SchemaRules,
): Generator<{ readonly type: GraphQLAbstractType; readonly ofValues: readonly Rule[] }> {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isAbstractType(type)) continue;
    const ofValues = schema.getPossibleTypes(type).flatMap((possible) => rules.types.get(possible.name) ?? []);
    if (ofValues.length > 0) yield { type, ofValues };
  }
}

/** Returns the function that a guard wraps, or the function itself. */
function original<T extends Resolver | TypeResolver | ReferenceResolver>(current: T | null | undefined): T | undefined {
  if (current == null) return undefined;
  const guard = guards.get(current);
  return guard === undefined ? current : original(guard.inner as T | undefined);
}
