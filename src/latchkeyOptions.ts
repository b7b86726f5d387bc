import { z } from 'zod';
import { ConfiguredEntry } from './core/auth/configuredEntry.js';
import { looksLikeJwt } from './core/auth/oidc/jwt.js';
import { OperatorKey } from './core/auth/operator.js';
import { checkOidc } from './core/auth/oidc/checkConfiguration.js';
import { isToken, MAX_CREDENTIAL_LENGTH, PREFIX_PATTERN } from './core/keys/token.js';
import type { DocumentLimits } from './core/guard/document/documentBounds.js';
import type { LatchkeyOptions } from './latchkey.js';
import { RATE_LIMIT_HEADERS } from './core/limits/limitFields.js';
import { isPlainObject } from './shared/optionChecks.js';
import { SECRET_FAULTS } from './core/util/checkOptions.js';
import {
  aFunction,
  actionsSchema,
  answerSchema,
  has,
  integer,
  introspectionSchema,
  limitsSchema,
  observerSchema,
  oneOf,
  throughCheck,
  tiersSchema,
  withMethods,
} from './core/util/optionSchemas.js';
import { Ceilings } from './core/scopes/ceilings.js';
import { Roles } from './core/scopes/roles.js';
import { DAY } from './core/store/periods.js';
import { KEY_TYPES, TIERS } from './core/store/records.js';

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
    peppers: z
      .array(z.string(PEPPER).min(32, SECRET_FAULTS.short), 'a list of strings, the newest pepper first')
      .optional(),
    adminApiKey: z
      .union(
        [
          z.null(),
          z
            .string()
            .min(32, SECRET_FAULTS.short)
            .max(MAX_CREDENTIAL_LENGTH, SECRET_FAULTS.long)
            .regex(/^[\x21-\x7e]*$/, SECRET_FAULTS.unsendable)
            .refine((text) => !isToken(text), SECRET_FAULTS.token)
            .refine((text) => !looksLikeJwt(text), SECRET_FAULTS.jwt),
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
