import { z } from 'zod';
import type { LatchkeyContext } from '../core/auth/principal.js';
import type { Configuration } from '../core/auth/configuration.js';
import type { AnswerLimits } from '../core/guard/answer/answerLimits.js';
import type { Introspection } from '../core/guard/introspection.js';
import { ON_DENIED, type OnDenied } from '../core/guard/authorize.js';
import { COST_MODES, type CostMode } from '../core/guard/cost/costMode.js';
import { ROOT_FIELDS, type RootFields } from '../core/guard/rules.js';
import type { ChangeFeed } from '../core/keys/changeFeed.js';
import type { RemovalPass } from '../core/keys/ended.js';
import type { KeyEvent } from '../core/keys/keyEvent.js';
import type { Limits } from '../core/limits/limits.js';
import type { TierTable } from '../core/limits/tiers.js';
import type { Observer } from '../core/observer/observer.js';
import type { Store } from '../core/store/store.js';
import { ConfiguredEntry } from '../core/auth/configuredEntry.js';
import { looksLikeJwt } from '../core/auth/oidc/jwt.js';
import { OperatorKey } from '../core/auth/operator.js';
import { checkOidc } from '../core/auth/oidc/checkConfiguration.js';
import { isToken, MAX_CREDENTIAL_LENGTH, PREFIX_PATTERN } from '../core/keys/token.js';
import type { DocumentLimits } from '../core/guard/document/documentBounds.js';
import { RATE_LIMIT_HEADERS, type RateLimitHeaders } from '../core/limits/limitFields.js';
import { QUOTA_STATUSES, type QuotaStatus } from '../core/quotas/quotaRefusal.js';
import { isPlainObject } from '../shared/optionChecks.js';
import { SECRET_FAULTS } from '../core/util/checkOptions.js';
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
} from '../core/util/optionSchemas.js';
import { Ceilings } from '../core/scopes/ceilings.js';
import { Roles } from '../core/scopes/roles.js';
import { DAY } from '../core/store/periods.js';
import { isTierName, TIER_NAME } from '../core/limits/tierNames.js';
import { KEY_TYPES, type KeyType, type Tier } from '../core/store/records.js';

/**
 * The options of `createLatchkey`. Only `store` is required.
 *
 * @example
 * ```ts
 * import { createLatchkey, openSqliteStore, type LatchkeyOptions } from 'latchkey';
 *
 * const options: LatchkeyOptions = {
 *   store: await openSqliteStore({ dir: './data' }),
 *   peppers: [process.env.KEY_PEPPER ?? ''],
 *   keepEndedKeys: 90 * 86_400_000,
 * };
 * export const latchkey = await createLatchkey(options);
 * ```
 */
export interface LatchkeyOptions {
  /** The store of keys, from `openSqliteStore` or `openMongoStore`. */
  readonly store: Store;
  /** Peppers of the stored digests, newest first, at least 32 characters each. Default: none, so digests are only kept in memory. */
  readonly peppers?: readonly string[];
  /** An operator's key of at least 32 characters, accepted with scope `platform`. Default: none. */
  readonly adminApiKey?: string | OperatorKey | null;
  /** Prefixes of new tokens by key type. Default: the prefixes in {@link configuration}. */
  readonly prefixes?: Readonly<Record<KeyType, string>>;
  /** Configured keys, roles and key types. {@link Latchkey.prepare} replaces them. Default: only the built-in roles and key types. */
  readonly configuration?: Configuration;
  /**
   * The name of this installation in the tokens that it signs: their `iss`, and the `aud` of those that it accepts itself. Use the same
   * in all processes on one store. Default: `latchkey`.
   */
  readonly issuer?: string;
  /** The bcrypt cost for new keys, 4 to 15. Default: 10. */
  readonly bcryptCost?: number;
  /** The tier of new workspaces, unless another one is given. Default: GROWTH, or the smallest tier if there is no GROWTH. */
  readonly defaultTier?: Tier;
  /** The callers that can use introspection. Default: `authenticated`. */
  readonly introspection?: Introspection;
  /**
   * The response to an operation with fields that its caller may not use. `refuse`: a refusal, and nothing runs. `filter`: the
   * other fields, and null with an error for these; never for root fields of mutations. Default: `refuse`.
   */
  readonly onDenied?: OnDenied;
  /**
   * The use of `@cost` and `@listSize`. `off`: they are not read. `measure`: the cost of operations is reported, and nothing is refused
   * because of it. `enforce`: the limits in cost units of a tier apply. Default: `enforce`.
   */
  readonly cost?: CostMode;
  /** The maximum size of the response to one operation. Default: 50,000 fields, 10,000 in an event, 8 MiB of JSON. */
  readonly answer?: Partial<AnswerLimits>;
  /**
   * The maximum size of a document, for `apolloOptions`. With larger values, a
   * request can cost more before it is counted. Default: 700 tokens, 12 levels, 200 aliases, 50 directives, 2000 lines.
   */
  readonly document?: Partial<DocumentLimits>;
  /** Actions of scopes in your schema, in addition to `read` and `write`. Default: none. */
  readonly actions?: readonly string[];
  /**
   * The requirement of root fields without a rule in your schema: `refuse` does not accept the schema, `authenticated` requires any valid
   * key, and `public` requires nothing, as in Apollo Router. Default: `refuse`.
   */
  readonly rootFields?: RootFields;
  /**
   * The limits of each tier, from `tierTable`. It is used by reference, so changes apply from the next request. Default: the table
   * of `limits`, else the published one.
   */
  readonly tiers?: TierTable;
  /** Which header fields report a key's limits. Default: the value in {@link configuration}, else `draft`. */
  readonly rateLimitHeaders?: RateLimitHeaders;
  /** The status of requests that a quota refuses: 429, or 402 (Payment Required). Default: the value in {@link configuration}, else 429. */
  readonly quotaStatus?: QuotaStatus;
  /** Counts requests against limits. {@link Latchkey.close} closes it. Default: a `Limiter`, in the memory of this process. */
  readonly limits?: Limits;
  /** Sends changes of keys to other processes on the same store, and receives theirs. Default: none. */
  readonly changes?: ChangeFeed;
  /** Called for events of keys: changes after they were made, and events of use. Must return immediately. Default: none. */
  readonly onKeyEvent?: (event: KeyEvent) => void;
  /**
   * How long the record of a key is used after it was read, in ms. A change by another process takes effect within this
   * time, a change by this process immediately. 0 means that every request reads the record. Default: 1,000.
   */
  readonly cacheTtl?: number;
  /** How long a key is kept after it was revoked or expired, in ms; then it is removed from the store. At least a day. Default: kept forever. */
  readonly keepEndedKeys?: number | null;
  /** Called after each hourly pass that removed such keys, or failed. An error that it throws is reported to `log`. Default: none. */
  readonly onEndedKeysRemoved?: (pass: RemovalPass) => void;
  /** Called for verifications, lookups, admissions and refusals. Default: none. */
  readonly observer?: Observer;
  /** Sends the requests to the issuer of access tokens, for example through a proxy. Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch;
  /** Returns milliseconds since the epoch, for expiry and limits. Default: Date.now, and a monotonic clock for limits. */
  readonly now?: () => number;
  /**
   * Receives errors that callers don't see, and the causes of refusals, with the request's context.
   * Default: the `logger` of your Apollo Server.
   */
  readonly log?: (error: unknown, context: LatchkeyContext) => void;
}

const STORES = ['keys', 'workspaces', 'projects', 'users', 'audit', 'usage', 'signingKeys'] as const;

/** The parts of a store. */
const store = has<never>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    STORES.every((part) => typeof (value as Record<string, unknown>)[part] === 'object'),
  'a store, from await openSqliteStore({ dir }) or await openMongoStore({ connection })',
);

const PEPPER =
  'a string of at least 32 characters, such as openssl rand -hex 32 prints; leave peppers out if you have none';
const prefix = z
  .string('1 to 10 characters: a to z, then a to z and 0 to 9')
  .regex(PREFIX_PATTERN, '1 to 10 characters: a to z, then a to z and 0 to 9');
const prefixes = z.strictObject(
  { SECRET: prefix, CLIENT: prefix, READ_ONLY: prefix },
  `an object with ${KEY_TYPES.join(', ')}`,
);

const quotaStatus = z.literal([...QUOTA_STATUSES], QUOTA_STATUSES.join(' or '));

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
    quotaStatus: quotaStatus.optional(),
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

const ISSUER = 'a string of 1 to 200 visible ASCII characters, such as the public address of the server';
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
    issuer: z
      .string(ISSUER)
      .min(1, ISSUER)
      .max(200, ISSUER)
      .regex(/^[\x21-\x7e]*$/, ISSUER)
      .optional(),
    bcryptCost: integer(4, 15).optional(),
    defaultTier: has<Tier>(isTierName, TIER_NAME).optional(),
    introspection: introspectionSchema.optional(),
    onDenied: oneOf(ON_DENIED).optional(),
    cost: oneOf(COST_MODES).optional(),
    answer: answerSchema.optional(),
    document: documentSchema.optional(),
    actions: actionsSchema.optional(),
    rootFields: oneOf(ROOT_FIELDS).optional(),
    tiers: tiersSchema.optional(),
    rateLimitHeaders: oneOf(RATE_LIMIT_HEADERS).optional(),
    quotaStatus: quotaStatus.optional(),
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
