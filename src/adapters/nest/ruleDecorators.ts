import { Extensions } from '@nestjs/graphql';
import type { RuleExtension } from '../../core/guard/ruleExtensions.js';

/** A scope, or a list of scopes that are all required. */
type Scopes = string | readonly string[];

/** Decorates a class, or a property or a method of one. */
type RuleDecorator = (target: object, member?: string | symbol) => void;

type AnyOf = readonly (readonly string[])[];

interface Rule {
  auth?: true | AnyOf;
  public?: true;
}

/** By class, and by the name of the member; the class itself has the name ''. */
const rules = new WeakMap<object, Map<string | symbol, Rule>>();

/** Classes with their own rule. */
const decorated = new Set<object>();

/**
 * Requires scopes for a field, an argument of an input type, or an object type of a code-first schema, like `@auth` in SDL.
 * If one place has several decorators, a caller must meet all of them.
 *
 * @param scopes one scope; or lists, and the caller needs all scopes of one list. None: any valid key
 * @throws TypeError for several scopes that are not in a list, which would be ambiguous
 * @example
 * ```ts
 * import { Query, Resolver } from '@nestjs/graphql';
 * import { Auth } from 'latchkey/nest';
 *
 * class Orders {
 *   orders(): string[] {
 *     return ['A-1', 'A-2'];
 *   }
 * }
 * // In your code: @Resolver() before the class, and @Query(…) and @Auth(…) before the method.
 * Auth('read:orders')(Orders.prototype, 'orders');
 * Query(() => [String])(Orders.prototype, 'orders', {});
 * Resolver()(Orders);
 * ```
 */
export function Auth(...scopes: readonly Scopes[]): RuleDecorator {
  const anyOf = anyOfScopes(scopes);
  return (target, member, ...more) => {
    const rule = ruleOf('Auth', target, member, more);
    rule.auth = and(rule.auth, anyOf);
  };
}

/**
 * Makes a root field of a code-first schema accessible without a key, like `@public` in SDL.
 *
 * @example
 * ```ts
 * import { Query, Resolver } from '@nestjs/graphql';
 * import { Public } from 'latchkey/nest';
 *
 * class Opening {
 *   opening(): string {
 *     return '9 to 5';
 *   }
 * }
 * // In your code: @Resolver() before the class, and @Query(…) and @Public() before the method.
 * Public()(Opening.prototype, 'opening');
 * Query(() => String)(Opening.prototype, 'opening', {});
 * Resolver()(Opening);
 * ```
 */
export function Public(): RuleDecorator {
  return (target, member, ...more) => {
    ruleOf('Public', target, member, more).public = true;
  };
}

/** The metadata of Nest that only classes with `@Resolver` have. */
const RESOLVER = 'graphql:resolver_name';

/**
 * Checks that no rule is on a class of resolvers, where Nest would ignore it.
 *
 * @throws TypeError
 */
export function assertRulesTakeEffect(): void {
  for (const target of decorated) {
    if (!hasMetadata(RESOLVER, target)) continue;
    const { name } = target as { readonly name?: string };
    throw new TypeError(
      `@Auth on the resolver class ${name ?? ''} has no effect. Put it on each method, or on the object type.`,
    );
  }
}

function hasMetadata(key: string, target: object): boolean {
  const { hasOwnMetadata } = Reflect as { readonly hasOwnMetadata?: (key: string, target: object) => boolean };
  return hasOwnMetadata?.(key, target) === true;
}

/** Returns the rule of a place. Nest keeps only the last extensions of a place, so all decorators share one object. */
function ruleOf(name: string, target: object, member: string | symbol | undefined, more: readonly unknown[]): Rule {
  if (typeof more[0] === 'number') {
    throw new TypeError(`@${name} can't be on an argument. Put it on a property of an input type or @ArgsType.`);
  }
  const ofTarget = rules.get(target) ?? new Map<string | symbol, Rule>();
  rules.set(target, ofTarget);
  const known = ofTarget.get(member ?? '');
  if (known !== undefined) return known;
  const rule: Rule = {};
  ofTarget.set(member ?? '', rule);
  if (member === undefined) decorated.add(target);
  const extension: { readonly latchkey: RuleExtension } = { latchkey: rule };
  const extend: (target: object, member?: string | symbol) => void = Extensions({ ...extension });
  extend(target, member);
  return rule;
}

/** Returns lists of scopes; null for any valid key. */
function anyOfScopes(scopes: readonly Scopes[]): AnyOf | null {
  if (scopes.length === 0) return null;
  const [first] = scopes;
  if (scopes.length === 1 && typeof first === 'string') return [[first]];
  if (scopes.some((each) => typeof each === 'string')) {
    throw new TypeError(
      '@Auth with several scopes is ambiguous. Write @Auth(["a", "b"]) for all of them, or @Auth(["a"], ["b"]) for any of them.',
    );
  }
  return scopes as AnyOf;
}

/** Returns the combination of two rules: a caller needs to fulfil both. */
function and(first: Rule['auth'], second: AnyOf | null): true | AnyOf {
  if (first === undefined || first === true) return second ?? true;
  if (second === null) return first;
  return first.flatMap((one) => second.map((other) => [...new Set([...one, ...other])]));
}
