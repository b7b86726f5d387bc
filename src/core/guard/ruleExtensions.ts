import { isPlainObject } from '../../shared/optionChecks.js';

/**
 * The rule of a part of a code-first schema, as `extensions.latchkey`: equal to `@auth` and `@public` in SDL.
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
}

/** The content of `extensions.latchkey`. */
interface CodedRule {
  /** The arguments of each @auth. */
  readonly auth: readonly Readonly<Record<string, unknown>>[];
  readonly isPublic: boolean;
  /** null: it is valid, apart from the scopes. */
  readonly fault: string | null;
}

const FORMS =
  'Write { auth: "a" }, { auth: [["a", "b"], ["c"]] }, { auth: true } for any valid key, or { public: true }';

const NOTHING: CodedRule = { auth: [], isPublic: false, fault: null };

/** Reads `extensions.latchkey` of a part of a schema. An invalid form is a fault, so that it never opens a field. */
export function codedRule(extensions: Readonly<Record<string, unknown>> | null | undefined): CodedRule {
  const value = extensions?.latchkey;
  if (value === undefined) return NOTHING;
  const fault = (text: string): CodedRule => ({ ...NOTHING, fault: `${text}. ${FORMS}` });
  if (!isPlainObject(value)) return fault('extensions.latchkey is not an object');
  const rule = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(rule).find((name) => name !== 'auth' && name !== 'public');
  if (unknown !== undefined) return fault(`extensions.latchkey has no option "${unknown}"`);
  const hasAuth = Object.hasOwn(rule, 'auth');
  const hasPublic = Object.hasOwn(rule, 'public');
  if (!hasAuth && !hasPublic) return fault('extensions.latchkey has neither auth nor public');
  if (hasPublic && rule.public !== true) return fault('extensions.latchkey.public is not true');
  if (hasAuth && rule.auth !== true && typeof rule.auth !== 'string' && !Array.isArray(rule.auth)) {
    return fault('extensions.latchkey.auth is not true, a scope or a list of scopes');
  }
  const auth = !hasAuth ? [] : [rule.auth === true ? {} : { scope: rule.auth }];
  return { auth, isPublic: hasPublic, fault: null };
}
