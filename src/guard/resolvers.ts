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
import { decide, principalIn } from './decide.js';
import type { Rule, SchemaRules } from './rules.js';

type Resolver = GraphQLFieldResolver<unknown, unknown>;
type TypeResolver = GraphQLTypeResolver<unknown, unknown>;

/** Which guard a function is: the rule that a resolver enforces, the rules that a type resolver does. */
const guards = new WeakMap<
  object,
  { readonly rule: Rule | SchemaRules; readonly inner: Resolver | TypeResolver | undefined }
>();

/**
 * Puts each field with a rule behind it: resolver and, of subscriptions, the source stream (B33); and lets no abstract
 * type hand out a value of a guarded type (B20). Fields without a rule keep the resolver they have. Changes the schema
 * in place, so that whatever already holds it is guarded too; doing it twice is doing it once.
 */
export function guardResolvers(schema: GraphQLSchema, rules: SchemaRules): void {
  const subscription = schema.getSubscriptionType();
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type)) continue;
    if (isObjectType(type)) {
      for (const field of Object.values(type.getFields())) {
        const rule = rules.fields.get(type.name)?.get(field.name);
        if (rule === undefined) continue;
        field.resolve = guarded(rule, original(field.resolve));
        if (type === subscription) field.subscribe = guarded(rule, original(field.subscribe));
      }
    }
    if (isAbstractType(type) && needsTypeGuard(schema, type, rules)) {
      type.resolveType = guardedType(rules, original(type.resolveType));
    }
  }
}

/** Sentences on every field and abstract type whose guard is not in place. */
export function unguardedPlaces(schema: GraphQLSchema, rules: SchemaRules): string[] {
  const places: string[] = [];
  const subscription = schema.getSubscriptionType();
  const missing = (coordinate: string) =>
    places.push(
      `${coordinate}: its rule is not enforced; call guardSchema last, after every resolver, merge, extension and wrapper.`,
    );
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type)) continue;
    if (isObjectType(type)) {
      for (const field of Object.values(type.getFields())) {
        const rule = rules.fields.get(type.name)?.get(field.name);
        if (rule === undefined) continue;
        const functions = type === subscription ? [field.resolve, field.subscribe] : [field.resolve];
        if (!functions.every((resolver) => enforces(resolver, rule))) missing(rule.coordinate);
      }
    }
    if (isAbstractType(type) && needsTypeGuard(schema, type, rules) && !guards.has(type.resolveType ?? type))
      missing(type.name);
  }
  return places;
}

/** B15: a guard made for another schema's rule does not count, but the same rule read anew does. */
function enforces(resolver: Resolver | undefined, rule: Rule): boolean {
  const guard = resolver === undefined ? undefined : guards.get(resolver);
  return guard !== undefined && JSON.stringify(guard.rule) === JSON.stringify(rule);
}

function guarded(rule: Rule, inner: Resolver | undefined): Resolver {
  const resolve = inner ?? defaultFieldResolver;
  const rules = [rule];
  const guard: Resolver = (source, args, context, info) => {
    const refusal = decide(rules, principalIn(context));
    if (refusal !== null) throw refusal;
    return resolve(source, args, context, info);
  };
  guards.set(guard, { rule, inner });
  return guard;
}

function guardedType(rules: SchemaRules, inner: TypeResolver | undefined): TypeResolver {
  const resolve = inner ?? defaultTypeResolver;
  const judge = (resolved: unknown, context: unknown): string | undefined => {
    // graphql-js takes a type for its name only up to version 15; either way the name is what is judged.
    const name = resolved instanceof GraphQLObjectType ? resolved.name : (resolved as string | undefined);
    const rule = name === undefined ? undefined : rules.types.get(name);
    const refusal = rule === undefined ? null : decide([rule], principalIn(context));
    if (refusal !== null) throw refusal;
    return name;
  };
  const guard: TypeResolver = (value, context, info, type) => {
    const resolved = resolve(value, context, info, type);
    return resolved instanceof Promise ? resolved.then((name) => judge(name, context)) : judge(resolved, context);
  };
  guards.set(guard, { rule: rules, inner });
  return guard;
}

function needsTypeGuard(schema: GraphQLSchema, type: GraphQLAbstractType, rules: SchemaRules): boolean {
  return schema.getPossibleTypes(type).some((possible) => rules.types.has(possible.name));
}

/** What stood there before a guard of ours. */
function original<T extends Resolver | TypeResolver>(current: T | null | undefined): T | undefined {
  if (current == null) return undefined;
  const guard = guards.get(current);
  return guard === undefined ? current : original(guard.inner as T | undefined);
}
