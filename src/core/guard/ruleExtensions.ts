import { isPlainObject } from '../../shared/optionChecks.js';

/**
 * The size of a list, as in `@listSize`.
 *
 * @example
 * ```ts
 * import type { ListSizeExtension, RuleExtension } from 'latchkey';
 *
 * const listSize: ListSizeExtension = { slicingArguments: ['first'], sizedFields: ['edges', 'nodes'] };
 * export const latchkey: RuleExtension = { auth: 'read:orders', cost: 2, listSize };
 * ```
 */
export interface ListSizeExtension {
  /** The largest number of entries if no slicing argument is given. */
  readonly assumedSize?: number;
  /** The arguments that limit the number of entries. The largest one counts. `input.first` names a field of an argument. */
  readonly slicingArguments?: readonly string[];
  /** The fields of the returned object that have this size, such as `edges`. Default: the field itself. */
  readonly sizedFields?: readonly string[];
  /**
   * Whether an operation must give exactly one of the slicing arguments.
   *
   * @default true
   */
  readonly requireOneSlicingArgument?: boolean;
}

/**
 * The rule of a part of a code-first schema, as `extensions.latchkey`: equal to `@auth`, `@public`, `@cost` and `@listSize` in SDL.
 *
 * @example
 * ```ts
 * import { GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql';
 * import { guardSchema, type RuleExtension } from 'latchkey';
 *
 * const latchkey: RuleExtension = { auth: 'read:orders' };
 * const fields = { order: { type: GraphQLString, extensions: { latchkey } } };
 * export const schema = guardSchema(new GraphQLSchema({ query: new GraphQLObjectType({ name: 'Query', fields }) }));
 * ```
 */
export interface RuleExtension {
  /**
   * The required scopes: one scope, or lists, and the caller needs all scopes of one list. `true`: any valid key. Allowed where
   * `@auth` is allowed.
   */
  readonly auth?: true | string | readonly string[] | readonly (readonly string[])[];
  /** Makes a root field accessible without a key. */
  readonly public?: true;
  /** The weight, as in `@cost(weight:)`. */
  readonly cost?: number | string;
  /** The size of the list that the field returns, as in `@listSize`. */
  readonly listSize?: ListSizeExtension;
}

/** The content of `extensions.latchkey`. */
interface CodedRule {
  /** The arguments of each @auth. */
  readonly auth: readonly Readonly<Record<string, unknown>>[];
  readonly isPublic: boolean;
  /** The arguments of @cost and @listSize as written, by the name of the directive. */
  readonly costs: readonly (readonly [name: string, args: unknown])[];
  /** null if it is valid, apart from the scopes. */
  readonly fault: string | null;
}

const FORMS =
  'Write { auth: "a" }, { auth: [["a", "b"], ["c"]] }, { auth: true } for any valid key, or { public: true }';

const NOTHING: CodedRule = { auth: [], isPublic: false, costs: [], fault: null };

const OPTIONS = ['auth', 'public', 'cost', 'listSize'] as const;

/** Reads `extensions.latchkey` of a part of a schema. An invalid form is a fault, so that it never opens a field. */
export function codedRule(extensions: Readonly<Record<string, unknown>> | null | undefined): CodedRule {
  const value = extensions?.latchkey;
  if (value === undefined) return NOTHING;
  const fault = (text: string): CodedRule => ({ ...NOTHING, fault: `${text}. ${FORMS}` });
  if (!isPlainObject(value)) return fault('extensions.latchkey is not an object');
  const rule = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(rule).find((name) => !(OPTIONS as readonly string[]).includes(name));
  if (unknown !== undefined) return fault(`extensions.latchkey has no option "${unknown}"`);
  const hasAuth = Object.hasOwn(rule, 'auth');
  const hasPublic = Object.hasOwn(rule, 'public');
  const costs = [
    ...(Object.hasOwn(rule, 'cost') ? [['cost', { weight: rule.cost }] as const] : []),
    ...(Object.hasOwn(rule, 'listSize') ? [['listSize', rule.listSize] as const] : []),
  ];
  if (!hasAuth && !hasPublic && costs.length === 0) {
    return fault('extensions.latchkey has none of auth, public, cost and listSize');
  }
  if (hasPublic && rule.public !== true) return fault('extensions.latchkey.public is not true');
  if (hasAuth && rule.auth !== true && typeof rule.auth !== 'string' && !Array.isArray(rule.auth)) {
    return fault('extensions.latchkey.auth is not true, a scope or a list of scopes');
  }
  const auth = !hasAuth ? [] : [rule.auth === true ? {} : { scope: rule.auth }];
  return { auth, isPublic: hasPublic, costs, fault: null };
}
