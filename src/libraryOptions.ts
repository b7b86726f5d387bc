import { z } from 'zod';
import { ConfiguredEntry } from './core/auth/configuredEntry.js';
import { looksLikeJwt } from './core/auth/oidc/jwt.js';
import { OperatorKey } from './core/auth/operator.js';
import { INTROSPECTIONS } from './core/guard/introspection.js';
import { checkOidc } from './core/auth/oidc/checkConfiguration.js';
import { isToken, MAX_CREDENTIAL_LENGTH, PREFIX_PATTERN } from './core/keys/token.js';
import type { DocumentLimits } from './core/guard/document/bounds.js';
import type { PluginOptions } from './adapters/apollo/plugin.js';
import type { LatchkeyOptions } from './latchkey.js';
import { RATE_LIMIT_HEADERS } from './core/limits/fields.js';
import { checkTierTable } from './core/limits/tiers.js';
import { UNOBSERVED } from './core/observer/observer.js';
import { checkObject, isPlainObject, isPromise, optionError, unknownOption } from './shared/options.js';
import { Ceilings } from './core/scopes/ceilings.js';
import { Roles } from './core/scopes/roles.js';
import { DAY } from './core/store/periods.js';
import { KEY_TYPES, TIERS } from './core/store/records.js';

/** Error messages for secrets, which replace the list of allowed values. */
const SHORT = 'has fewer than 32 characters';
const JWT = 'has the form of a JWT';
const LONG = `has more than ${MAX_CREDENTIAL_LENGTH} characters`;
const UNSENDABLE = 'has white space or characters outside ASCII, which no request can send';
const TOKEN = 'has the form of a key that Latchkey creates';
const FAULTS: ReadonlySet<string> = new Set([SHORT, JWT, LONG, UNSENDABLE, TOKEN]);

/** Options with secrets. Errors don't contain their values. */
const SECRETS: ReadonlySet<unknown> = new Set(['peppers', 'adminApiKey', 'uri', 'key']);

/**
 * Checks options by a strict schema and returns the parsed options.
 * @param what the name of the function, for errors
 * @throws TypeError that names the option, the value (unless it is a secret) and what is allowed
 */
export function checkOptions<S extends z.ZodType>(what: string, schema: S, given: unknown): z.output<S> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  checkObject(what, given, schema.safeParse(undefined).error?.issues[0]?.message ?? 'an object');
  const [issue] = result.error.issues;
  const { path = [], message = 'another value' } = issue ?? {};
  const values = path.reduce<unknown[]>((all, step) => [...all, valueAt(all.at(-1), step)], [given]);
  const name = nameOf(what, path);
  // For a Promise, the error is that it was not awaited, not that its properties are missing.
  const promised = values.findIndex(isPromise);
  if (promised >= 0 && promised < path.length) {
    throw new TypeError(`${nameOf(what, path.slice(0, promised))} is a Promise: await it.`);
  }
  if (issue?.code === 'unrecognized_keys') throw unknownOption(name, issue.keys[0] ?? '', namesOf(schema, path));
  if (FAULTS.has(message)) throw new TypeError(`${name} ${message}.`);
  const isSecret = path.some((step) => SECRETS.has(step));
  throw optionError(name, values.at(-1), message, isSecret);
}

function valueAt(object: unknown, step: PropertyKey): unknown {
  return (object as Record<PropertyKey, unknown> | null | undefined)?.[step];
}

/** Formats a path, such as `createLatchkey: document.tokens`. */
function nameOf(what: string, path: readonly PropertyKey[]): string {
  if (path.length === 0) return what;
  return what.includes(': ') ? `${what}.${pathOf(path)}` : `${what}: ${pathOf(path)}`;
}

function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i === 0 ? '' : '.'}${String(step)}`))
    .join('');
}

/** Returns the names of the options at a path. */
function namesOf(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  const at = path.reduce<unknown>((outer, step) => {
    const object = innerOf(outer);
    return object instanceof z.ZodObject ? (object.shape as Record<PropertyKey, unknown>)[step] : undefined;
  }, schema);
  const object = innerOf(at);
  return object instanceof z.ZodObject ? Object.keys(object.shape) : [];
}

/** Returns the schema inside an optional one, or the last schema of a pipe. */
function innerOf(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional) return innerOf(schema.unwrap());
  if (schema instanceof z.ZodPipe) return innerOf(schema.out);
  return schema;
}

/** Returns the schema of a value that is not parsed further, such as an object with methods. */
function has<T>(check: (value: unknown) => boolean, allowed: string): z.ZodType<T> {
  return z.custom<T>((value) => check(value), allowed);
}

/** Returns the schema of a value that a function checks. @param check throws a TypeError, which the error repeats */
function throughCheck(check: (value: unknown) => void, allowed: string) {
  return z.unknown().superRefine((value, context) => {
    try {
      check(value);
    } catch (error) {
      context.addIssue(`${allowed}. ${error instanceof Error ? error.message : ''}`.replace(/\.$/, ''));
    }
  });
}

function withMethods<T>(names: readonly string[], allowed: string): z.ZodType<T> {
  return has<T>((value) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
    return names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
  }, allowed);
}

export const aFunction = <T>(): z.ZodType<T> => has<T>((value) => typeof value === 'function', 'a function');

export function integer(least: number, most: number): z.ZodNumber {
  const allowed = `an integer from ${least} to ${most}`;
  return z.int(allowed).min(least, allowed).max(most, allowed);
}

function oneOf<const V extends readonly string[]>(values: V) {
  return z.enum(values, `one of ${values.join(', ')}`);
}

export function text(allowed = 'a string that is not empty'): z.ZodString {
  return z.string(allowed).min(1, allowed);
}

const STORES = ['keys', 'workspaces', 'projects', 'users', 'audit', 'usage'] as const;

/** The parts of a store that keys need. Only the service needs `assets` and `events`. */
const store = has<never>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    STORES.every((part) => typeof (value as Record<string, unknown>)[part] === 'object'),
  'a store, from await openSqliteStore({ dir }) or await openMongoStore({ connection })',
);

const PEPPER = 'a string of at least 32 characters; leave peppers out if you have none';
const prefix = z
  .string('1 to 10 characters: a to z, then a to z and 0 to 9')
  .regex(PREFIX_PATTERN, '1 to 10 characters: a to z, then a to z and 0 to 9');
const prefixes = z.strictObject(
  { SECRET: prefix, CLIENT: prefix, READ_ONLY: prefix },
  `an object with ${KEY_TYPES.join(', ')}`,
);

/** Strict: with a misspelt switch, the default would apply, and API keys would be accepted. */
export const configurationSchema = z.strictObject(
  {
    apiKeys: z.boolean('true or false'),
    keys: z.array(
      has((value) => value instanceof ConfiguredEntry, 'a ConfiguredEntry'),
      'a list of ConfiguredEntry',
    ),
    roles: has((value) => value instanceof Roles, 'new Roles({ … })'),
    oidc: throughCheck((value) => {
      if (value !== null) checkOidc(value);
    }, 'null, or what oidcConfiguration returns'),
    prefixes,
    rateLimitHeaders: oneOf(RATE_LIMIT_HEADERS).optional(),
    ceilings: has((value) => value instanceof Ceilings, 'new Ceilings({ … })'),
  },
  'a configuration: { ...NO_CONFIGURATION, … }',
);

/** A table of tiers. It is passed on by reference, so that changes apply from the next request. */
export const tiersSchema = throughCheck(checkTierTable, 'the result of tierTable({ … })');

const ACTION = 'a word such as deploy: a to z, 0 to 9 and -, beginning with a letter';
export const actionsSchema = z.array(z.string(ACTION).regex(/^[a-z][a-z0-9-]{0,31}$/, ACTION), 'a list of strings');

export const introspectionSchema = oneOf(INTROSPECTIONS);
export const observerSchema = withMethods(Object.keys(UNOBSERVED), 'an object with all methods of Observer');
const LIMITS = 'a Limiter, or an object with all of Limits';
export const limitsSchema = withMethods(['admit', 'peek', 'close'], LIMITS).and(
  throughCheck((value) => {
    const { tiers } = Object(value) as { readonly tiers?: unknown };
    checkTierTable(tiers);
  }, LIMITS),
);

const MAX = Number.MAX_SAFE_INTEGER;
const ANSWER = 'an object with fields, eventFields and bytes';
export const answerSchema = has<object>(isPlainObject, ANSWER).pipe(
  z.strictObject(
    {
      fields: integer(1, MAX).optional(),
      eventFields: integer(1, MAX).optional(),
      bytes: integer(1, MAX).optional(),
    },
    ANSWER,
  ),
);

const DOCUMENT = 'an object with tokens, depth, aliases, directives and lines';
const documentSchema = has<object>(isPlainObject, DOCUMENT).pipe(
  z.strictObject(
    {
      tokens: integer(1, 100_000).optional(),
      depth: integer(1, 1_000).optional(),
      aliases: integer(0, 100_000).optional(),
      directives: integer(0, 100_000).optional(),
      lines: integer(1, 1_000_000).optional(),
    } satisfies Record<keyof DocumentLimits, z.ZodType>,
    DOCUMENT,
  ),
);

const KEEP = `null, or an integer from ${DAY} (a day, in ms)`;

export const latchkeySchema = z.strictObject(
  {
    store,
    peppers: z.array(z.string(PEPPER).min(32, SHORT), 'a list of strings, the newest pepper first').optional(),
    adminApiKey: z
      .union(
        [
          z.null(),
          z
            .string()
            .min(32, SHORT)
            .max(MAX_CREDENTIAL_LENGTH, LONG)
            .regex(/^[\x21-\x7e]*$/, UNSENDABLE)
            .refine((text) => !isToken(text), TOKEN)
            .refine((text) => !looksLikeJwt(text), JWT),
          has((value) => value instanceof OperatorKey, 'an OperatorKey'),
        ],
        'a string of at least 32 characters, or null',
      )
      .optional(),
    prefixes: prefixes.optional(),
    configuration: configurationSchema.optional(),
    bcryptCost: integer(4, 15).optional(),
    defaultTier: oneOf(TIERS).optional(),
    introspection: introspectionSchema.optional(),
    answer: answerSchema.optional(),
    document: documentSchema.optional(),
    actions: actionsSchema.optional(),
    tiers: tiersSchema.optional(),
    rateLimitHeaders: oneOf(RATE_LIMIT_HEADERS).optional(),
    limits: limitsSchema.optional(),
    changes: withMethods(['publish', 'subscribe'], 'an object with publish and subscribe').optional(),
    onKeyEvent: aFunction().optional(),
    cacheTtl: integer(0, 86_400_000).optional(),
    keepEndedKeys: z.union([z.null(), z.int(KEEP).min(DAY, KEEP)], KEEP).optional(),
    onEndedKeysRemoved: aFunction().optional(),
    observer: observerSchema.optional(),
    fetch: aFunction().optional(),
    now: aFunction().optional(),
    log: aFunction().optional(),
  } satisfies Record<keyof LatchkeyOptions, z.ZodType>,
  'an object with at least store',
);

export const guardSchemaOptions = has<object>(isPlainObject, 'an object with plugin').pipe(
  z.strictObject({ plugin: z.boolean('true or false').optional() }, 'an object with plugin'),
);

export const pluginSchema = z.strictObject(
  {
    limiter: limitsSchema,
    introspection: introspectionSchema.optional(),
    answer: answerSchema.optional(),
    maxLines: integer(1, 1_000_000).optional(),
    resourceMetadata: aFunction().optional(),
    rateLimitHeaders: aFunction().optional(),
    log: aFunction().optional(),
    usage: withMethods(['admitted', 'refused'], 'an object with admitted and refused').optional(),
    refusals: withMethods(['key'], 'an object with key').optional(),
    observer: observerSchema.optional(),
  } satisfies Record<keyof PluginOptions, z.ZodType>,
  'an object with at least limiter',
);
