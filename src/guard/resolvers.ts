import {
  defaultFieldResolver,
  defaultTypeResolver,
  GraphQLObjectType,
  isAbstractType,
  isIntrospectionType,
  isObjectType,
  type GraphQLAbstractType,
  type GraphQLFieldResolver,
  type GraphQLSchema,
  type GraphQLTypeResolver,
} from 'graphql';
import { AnswerBudgets } from './answer/budget.js';
import { ANSWER_LIMITS, type AnswerLimits } from './answer/limits.js';
import { metered } from './answer/meter.js';
import { enforce } from './decide.js';
import { fieldsWithRule, type Rule, type SchemaRules } from './rules.js';
import { FirstUse } from './served.js';

type Resolver = GraphQLFieldResolver<unknown, unknown>;
type TypeResolver = GraphQLTypeResolver<unknown, unknown>;

/** Which guard a function is: the rules that it enforces, and what stood there before it. */
const guards = new WeakMap<
  object,
  { readonly rules: readonly Rule[]; readonly inner: Resolver | TypeResolver | undefined }
>();

/**
 * Puts each field with a rule behind it: resolver and, of subscriptions, the source stream (B33); and lets no abstract
 * type hand out a value of a guarded type (B20). Fields whose values have no fixed size are metered ({@link metered}); any
 * other field without a rule keeps its resolver. Changes the schema in place, so that whatever already holds it is guarded
 * too; doing it twice is doing it once.
 */
export function guardResolvers(
  schema: GraphQLSchema,
  rules: SchemaRules,
  limits: AnswerLimits = ANSWER_LIMITS,
  firstUse = new FirstUse(null),
): void {
  meterResolvers(schema, new AnswerBudgets(limits));
  const subscription = schema.getSubscriptionType();
  for (const { type, field, rule } of fieldsWithRule(schema, rules)) {
    field.resolve = guarded(rule, field.resolve, firstUse);
    if (type === subscription) field.subscribe = guarded(rule, original(field.subscribe), firstUse);
  }
  for (const { type, ofValues } of abstractTypesWithRules(schema, rules)) {
    type.resolveType = guardedType(ofValues, original(type.resolveType));
  }
}

/** Puts every field whose values have no fixed size under the budgets. Guards are taken off: call it before them. */
export function meterResolvers(schema: GraphQLSchema, budgets: AnswerBudgets): GraphQLSchema {
  const roots = new Set([schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]);
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || isIntrospectionType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const inner = original(field.resolve);
      const resolve = inner ?? defaultFieldResolver;
      const meter = metered(field, roots.has(type), resolve, budgets);
      if (meter === resolve) {
        // Undefined is what the executor itself takes for the default; it must not be left at a guard of before.
        if (inner === undefined) delete field.resolve;
        else field.resolve = inner;
        continue;
      }
      guards.set(meter, { rules: [], inner });
      field.resolve = meter;
    }
  }
  return schema;
}

/** Sentences on every field and abstract type whose guard is not in place. */
export function unguardedPlaces(schema: GraphQLSchema, rules: SchemaRules): string[] {
  const places: string[] = [];
  const subscription = schema.getSubscriptionType();
  const missing = (coordinate: string) =>
    places.push(
      `${coordinate}: its rule is not enforced; call guardSchema last, after every resolver, merge, extension and wrapper.`,
    );
  for (const { type, field, rule } of fieldsWithRule(schema, rules)) {
    const functions = type === subscription ? [field.resolve, field.subscribe] : [field.resolve];
    if (!functions.every((resolver) => enforces(resolver, [rule]))) missing(rule.coordinate);
  }
  for (const { type, ofValues } of abstractTypesWithRules(schema, rules)) {
    if (!enforces(type.resolveType, ofValues)) missing(type.name);
  }
  return places;
}

/** Whether any resolver has a guard, such as one that was lost elsewhere. */
export function isGuardedAtAll(schema: GraphQLSchema): boolean {
  return Object.values(schema.getTypeMap()).some((type) => {
    if (isAbstractType(type)) return type.resolveType != null && guards.has(type.resolveType);
    if (!isObjectType(type)) return false;
    return Object.values(type.getFields()).some(({ resolve, subscribe }) =>
      [resolve, subscribe].some((resolver) => resolver != null && guards.has(resolver)),
    );
  });
}

/** B15: a guard made for another schema's rules does not count, but the same rules read anew do. */
function enforces(guard: Resolver | TypeResolver | null | undefined, rules: readonly Rule[]): boolean {
  const known = guard == null ? undefined : guards.get(guard);
  return known !== undefined && JSON.stringify(known.rules) === JSON.stringify(rules);
}

function guarded(rule: Rule, inner: Resolver | undefined, firstUse: FirstUse): Resolver {
  const resolve = inner ?? defaultFieldResolver;
  const guard: Resolver = (source, args, context, info) => {
    if (!firstUse.seen) firstUse.look(info.schema, context);
    enforce(rule, context);
    return resolve(source, args, context, info);
  };
  guards.set(guard, { rules: [rule], inner });
  return guard;
}

function guardedType(rules: readonly Rule[], inner: TypeResolver | undefined): TypeResolver {
  const resolve = inner ?? defaultTypeResolver;
  const byType = new Map(rules.map((rule) => [rule.coordinate, rule]));
  const judge = (resolved: unknown, context: unknown): string | undefined => {
    // graphql-js takes a type for its name only up to version 15; either way the name is what is judged.
    const name = resolved instanceof GraphQLObjectType ? resolved.name : (resolved as string | undefined);
    const rule = name === undefined ? undefined : byType.get(name);
    if (rule !== undefined) enforce(rule, context);
    return name;
  };
  const guard: TypeResolver = (value, context, info, type) => {
    const resolved: unknown = resolve(value, context, info, type);
    // Whatever has a `then`, as graphql-js sees it: a promise of another kind must not pass for a type's name.
    return isThenable(resolved) ? resolved.then((name) => judge(name, context)) : judge(resolved, context);
  };
  guards.set(guard, { rules, inner });
  return guard;
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof (value as Partial<Promise<unknown>> | null | undefined)?.then === 'function';
}

/** Abstract types with a guarded type among those that their values may have, and the rules of these. */
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

/** What stood there before a guard of ours. */
function original<T extends Resolver | TypeResolver>(current: T | null | undefined): T | undefined {
  if (current == null) return undefined;
  const guard = guards.get(current);
  return guard === undefined ? current : original(guard.inner as T | undefined);
}
