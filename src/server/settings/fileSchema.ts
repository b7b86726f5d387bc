import { z } from 'zod';
import { MAX_CONFIGURED_KEYS } from '../../core/auth/configuration.js';
import {
  ADDRESS,
  ALGORITHMS,
  CLAIM,
  isClaim,
  isAddress,
  MAX_CLOCK_TOLERANCE,
  type Algorithm,
} from '../../core/auth/oidc/oidcConfiguration.js';
import { AUDIENCE_PARAMETERS, type AudienceParameter } from '../../shared/signIn.js';
import { isId, isName } from '../../core/keys/keyInput.js';
import { PREFIX_PATTERN } from '../../core/keys/token.js';
import { isTierName } from '../../core/limits/tierNames.js';
import { RATE_LIMIT_HEADERS, type RateLimitHeaders } from '../../core/limits/limitFields.js';
import { QUOTA_SUBJECTS, QUOTA_UNITS, QUOTA_WINDOWS } from '../../core/quotas/quota.js';
import { MAX_BALANCE } from '../../core/store/quotaStore.js';
import { QUOTA_STATUSES, type QuotaStatus } from '../../core/quotas/quotaRefusal.js';
import { isRoleName, isScopeOrBundle } from '../../core/scopes/roles.js';
import { KEY_TYPES, type KeyType } from '../../core/store/records.js';
import { OPTIONS, type Option, type OptionName } from './options.js';

/** The maximum number of roles in a file, and of scopes or roles in one list. */
const MAX_NAMES = 100;

/** The maximum limit of a tier. A process can't serve more, and a window with this limit takes only a few megabytes. */
const MAX_REQUESTS = 1_000_000;

/** Returns the message of an issue, which follows the path: what is wrong, then what is allowed. */
const fault =
  (allowed: string) =>
  ({ code, input }: { readonly code?: string | undefined; readonly input?: unknown }): string => {
    const what = code === 'unrecognized_keys' || code === 'invalid_key' ? 'is not known' : 'is not allowed';
    return `${input === undefined ? 'is missing' : what}. Allowed: ${allowed}.`;
  };

const value = <T>(allowed: string, test: (input: unknown) => boolean) =>
  z.custom<T>((input) => test(input), { error: fault(allowed) });

const text = (allowed: string, test: (text: string) => boolean) =>
  value<string>(allowed, (input) => typeof input === 'string' && test(input));

const wholeNumber = value<number>(
  `a whole number from 1 to ${MAX_REQUESTS}`,
  (input) => Number.isInteger(input) && (input as number) >= 1 && (input as number) <= MAX_REQUESTS,
);

function isNameOrNames(input: unknown): boolean {
  return Array.isArray(input) ? input.length > 0 && input.every(isTierName) : isTierName(input);
}

/** Returns the schema of a map with only these keys. */
const section = <Shape extends z.core.$ZodLooseShape>(shape: Shape, or = '') =>
  z.strictObject(shape, { error: fault(`a map with ${Object.keys(shape).join(', ')}${or}`) });

const list = <Item extends z.ZodType>(item: Item, min: number, max: number, of: string) => {
  const error = fault(`a list of ${min} to ${max} ${of}`);
  return z.array(item, { error }).min(min, { error }).max(max, { error });
};

const scopes = list(
  text('a scope such as read:assets, or read-only, read-write', isScopeOrBundle),
  1,
  MAX_NAMES,
  'scopes, as in [read:all, write:events]',
);

const ROLE = 'a role name: 1 to 128 visible characters, with single spaces only between words';

const key = section({
  // Checked separately, so that no message contains part of the key.
  key: text('a text: ${NAME} of an environment variable', () => true).meta({
    about: 'the key: 1 to 256 visible ASCII characters, exact and case-sensitive',
  }),
  name: text(
    '1 to 100 characters (Unicode code points), without white space around them, and without control, direction and other invisible characters',
    isName,
  ).meta({
    about: 'a unique name',
  }),
  roles: list(text(ROLE, isRoleName), 1, MAX_NAMES, 'names of roles, as in ["viewer"]').meta({
    about: 'the roles of the key, which together define its scopes',
  }),
  workspace: text('the ID of a workspace', isId)
    .optional()
    .meta({ about: 'the workspace that owns the key', unset: 'default' }),
});

const keyType = section({
  prefix: text('up to 10 lower-case letters and digits beginning with a letter', (prefix) =>
    PREFIX_PATTERN.test(prefix),
  )
    .optional()
    .meta({
      about: 'the prefix of new tokens of this type; `KEY_PREFIXES` overrides all three',
      unset: 'SECRET lks, CLIENT lkc, READ_ONLY lkr',
    }),
  scopes: scopes.optional().meta({
    about: 'the scopes that keys of this type can have, including scopes that these cover',
    unset: 'the scopes of the type, which are also the maximum',
  }),
});

const windows = (of: string) =>
  section({
    per_minute: wholeNumber.meta({
      about: `${of} of one key in any 60 seconds, not more than the tier allows in total`,
    }),
    per_second: wholeNumber.meta({
      about: `${of} of one key in any one second, not more than the tier allows in total`,
    }),
  }).optional();

const sharedBy = (of: string) =>
  section({
    per_minute: wholeNumber.meta({ about: `requests of all keys of ${of} together in any 60 seconds` }),
    per_second: wholeNumber.meta({ about: `requests of all keys of ${of} together in any one second` }),
  }).optional();

const PUBLISHED = 'as published, or as in `from`';

const keyCount = value<number | 'unlimited'>(
  `a whole number from 1 to ${MAX_REQUESTS}, or unlimited`,
  (input) => input === 'unlimited' || wholeNumber.safeParse(input).success,
).optional();

/** The value of a tier that does not exist. Not null, because a name whose limits are all commented out has the value null too. */
export const REMOVED = 'removed';

const amount = value<number>(
  `a whole number from 1 to ${MAX_BALANCE}`,
  (input) => Number.isInteger(input) && (input as number) >= 1 && (input as number) <= MAX_BALANCE,
);

const word = <Word extends string>(words: readonly Word[]) =>
  value<Word>(words.join(', '), (input) => (words as readonly unknown[]).includes(input));

const anchorDay = value<number>(
  'a whole number from 1 to 31',
  (input) => Number.isInteger(input) && (input as number) >= 1 && (input as number) <= 31,
)
  .optional()
  .meta({ about: 'the day on which months begin; in a shorter month, its last day', unset: '1' });

const unit = word(QUOTA_UNITS).optional().meta({ about: '`requests` or `cost`', unset: 'requests' });

const subject = word(QUOTA_SUBJECTS)
  .optional()
  .meta({ about: '`key`, `owner`, `project` or `workspace`, whose keys are counted together', unset: 'key' });

const quota = section({
  window: word(QUOTA_WINDOWS).meta({ about: '`hour`, `day` or `month`, in UTC' }),
  limit: value<number | 'unlimited'>(
    `a whole number from 1 to ${MAX_BALANCE}, or unlimited`,
    (input) => input === 'unlimited' || amount.safeParse(input).success,
  ).meta({ about: 'the units that may be used in each period' }),
  unit,
  subject,
  anchor_day: anchorDay,
});

const credits = section({
  unit,
  subject,
  refill: section({
    amount: amount.meta({ about: 'the balance to which a lower one is raised at the start of each period' }),
    every: word(QUOTA_WINDOWS).meta({ about: '`hour`, `day` or `month`, in UTC' }),
    anchor_day: anchorDay,
  }).optional(),
});

const tier = section(
  {
    from: text('the name of a tier, such as GROWTH', isTierName).optional().meta({
      about: 'only for a new tier: the published tier, or an earlier tier in the file, whose limits it starts from',
      unset: 'the published tier in `was`, else none',
    }),
    was: value<string | readonly string[]>(
      'the name of a tier, such as STARTER, or a list of such names',
      isNameOrNames,
    )
      .optional()
      .meta({
        about: 'earlier names of the tier: workspaces that are stored with one of them have this tier',
        unset: 'none',
      }),
    keys: keyCount.meta({
      about: 'the maximum number of keys in a workspace, not including `admin_keys`',
      unset: PUBLISHED,
    }),
    admin_keys: keyCount.meta({
      about: 'the maximum number of keys in a workspace whose only scopes are `admin` or `platform`',
      unset: PUBLISHED,
    }),
    per_minute: wholeNumber.optional().meta({ about: 'requests of one key in any 60 seconds', unset: PUBLISHED }),
    per_second: wholeNumber.optional().meta({ about: 'requests of one key in any one second', unset: PUBLISHED }),
    streams: wholeNumber
      .optional()
      .meta({ about: 'streams that one key can have open at the same time', unset: PUBLISHED }),
    categories: section({
      read: windows('reads'),
      write: windows('writes'),
      admin: windows('administrative operations'),
    }).optional(),
    owner: sharedBy('a user or an external ID'),
    project: sharedBy('a project'),
    workspace: sharedBy('a workspace'),
    cost: section({
      max: wholeNumber.meta({ about: 'cost units of one operation' }),
      per_minute: wholeNumber.meta({ about: 'cost units of one key in any 60 seconds' }),
      per_second: wholeNumber.meta({ about: 'cost units of one key in any one second' }),
    }).optional(),
    quotas: list(quota, 0, 12, 'quotas')
      .optional()
      .meta({ about: 'what may be used in each hour, day or month', unset: PUBLISHED }),
    credits: credits.optional(),
  },
  `; or ${REMOVED}`,
);

export type TierSection = z.output<typeof tier>;

/** Not a union, whose errors don't name the field. */
const tierOrRemoved = z.unknown().transform((input, context): TierSection | typeof REMOVED => {
  if (input === REMOVED) return REMOVED;
  const { success, data, error } = tier.safeParse(input);
  if (success) return data;
  for (const issue of error.issues) context.issues.push({ ...issue, input } as z.core.$ZodRawIssue);
  return z.NEVER;
});

const anonymous = section({
  per_minute: wholeNumber
    .optional()
    .meta({ about: 'requests without a key from one network in any 60 seconds', unset: PUBLISHED }),
  per_second: wholeNumber
    .optional()
    .meta({ about: 'requests without a key from one network in any one second', unset: PUBLISHED }),
});

const keyCreation = section({
  per_minute: wholeNumber
    .optional()
    .meta({ about: 'keys that one workspace can create and rotate in any 60 seconds', unset: PUBLISHED }),
  per_second: wholeNumber
    .optional()
    .meta({ about: 'keys that one workspace can create and rotate in any one second', unset: PUBLISHED }),
});

const verification = section({
  per_minute: wholeNumber
    .optional()
    .meta({ about: 'tokens that one key can verify in any 60 seconds', unset: PUBLISHED }),
  per_second: wholeNumber
    .optional()
    .meta({ about: 'tokens that one key can verify in any one second', unset: PUBLISHED }),
});

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- What is inferred from the result needs it.
const each = <Name extends string, Item extends z.ZodType>(of: string, names: readonly Name[], item: Item) =>
  section(Object.fromEntries(names.map((name) => [name, item.optional()])) as Record<Name, z.ZodOptional<Item>>).meta({
    each: of,
  });

const address = text(ADDRESS, isAddress);
const claim = value<string | readonly string[]>(CLAIM, isClaim);

const oidc = section({
  enabled: value<boolean>('true or false', (input) => typeof input === 'boolean')
    .optional()
    .meta({ about: 'whether access tokens are accepted', unset: 'true' }),
  issuer: address.meta({ about: "the issuer's identifier, exactly as in the `iss` claim of its tokens" }),
  audience: text('the aud of tokens for this server: 1 to 500 characters', (name) => /^.{1,500}$/.test(name)).meta({
    about: 'the value that tokens must have in their `aud` claim',
  }),
  algorithms: list(
    value<Algorithm>(ALGORITHMS.join(', '), (name) => (ALGORITHMS as readonly unknown[]).includes(name)),
    1,
    ALGORITHMS.length,
    `of ${ALGORITHMS.join(', ')}`,
  )
    .optional()
    .meta({ about: 'the accepted signature algorithms', unset: 'RS256, PS256, ES256, EdDSA' }),
  scopes_claim: claim
    .optional()
    .meta({ about: 'the claim with scopes, as a string with spaces or a list', unset: 'scope' }),
  roles_claim: claim.optional().meta({ about: 'the claim with names of roles, in the same formats', unset: 'roles' }),
  workspace: text('the ID of a workspace', isId)
    .optional()
    .meta({ about: 'the workspace of all access tokens', unset: 'default' }),
  workspace_claim: claim
    .optional()
    .meta({ about: 'the claim with the ID of the workspace; use it instead of `workspace`' }),
  clock_tolerance: value<number>(
    `a whole number of seconds from 0 to ${MAX_CLOCK_TOLERANCE}`,
    (input) => Number.isInteger(input) && (input as number) >= 0 && (input as number) <= MAX_CLOCK_TOLERANCE,
  )
    .optional()
    .meta({ about: "the tolerated difference of the issuer's clock", unset: '5' }),
  jwks_uri: address.optional().meta({ about: "the address of the issuer's signing keys", unset: 'found by discovery' }),
  resource: address.optional().meta({ about: 'the public address of the API', unset: '`PUBLIC_URL` and /graphql' }),
  dashboard: section({
    client_id: text('the ID of a public client: 1 to 200 visible ASCII characters', (id) =>
      /^[\x21-\x7e]{1,200}$/.test(id),
    ).meta({ about: 'the public client that the dashboard uses for sign-in' }),
    scopes: list(
      text('a scope of the issuer, such as openid', (scope) => /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/.test(scope)),
      1,
      MAX_NAMES,
      'scopes, as in [openid, offline_access, admin]',
    )
      .optional()
      .meta({
        about:
          'the requested scopes; `offline_access` for a refresh token, `admin` if scopes, not roles, grant access to the dashboard',
        unset: 'openid',
      }),
    audience_parameter: value<AudienceParameter>(AUDIENCE_PARAMETERS.join(', '), (name) =>
      (AUDIENCE_PARAMETERS as readonly unknown[]).includes(name),
    )
      .optional()
      .meta({
        about: 'the request parameter that contains `audience`: `resource` (RFC 8707), `audience`, or `none`',
        unset: 'resource',
      }),
  }).optional(),
});

/** Returns the schema of a key that has the values of an environment variable, which overrides it. A list is written as YAML. */
const setting = (name: OptionName) => {
  const { about, allowed, schema, default: otherwise, unset } = OPTIONS[name] as Option<unknown>;
  return z
    .custom<string | number | readonly string[]>((input) => schema.safeParse(settingText(input)).success, {
      error: fault(allowed),
    })
    .transform(settingText)
    .optional()
    .meta({ about: `${about}; \`${name}\` overrides it`, unset: unset ?? otherwise ?? 'none' });
};

function settingText(input: unknown): string {
  return Array.isArray(input) ? input.join(',') : String(input);
}

/** The keys of `gateway`, and the variables with the same values. */
export const GATEWAY_KEYS = [
  ['upstream', 'GATEWAY_UPSTREAM'],
  ['schema', 'GATEWAY_SCHEMA'],
  ['policy', 'GATEWAY_POLICY'],
  ['on_denied', 'GATEWAY_ON_DENIED'],
  ['timeout', 'GATEWAY_TIMEOUT'],
  ['connections', 'GATEWAY_CONNECTIONS'],
  ['max_upload_bytes', 'GATEWAY_MAX_UPLOAD_BYTES'],
  ['upload_timeout', 'GATEWAY_UPLOAD_TIMEOUT'],
  ['authorization', 'GATEWAY_AUTHORIZATION'],
  ['request_headers', 'GATEWAY_REQUEST_HEADERS'],
  ['response_headers', 'GATEWAY_RESPONSE_HEADERS'],
  ['websockets', 'GATEWAY_WEBSOCKETS'],
  ['check_interval', 'GATEWAY_CHECK_INTERVAL'],
  ['audience', 'GATEWAY_AUDIENCE'],
] as const satisfies readonly (readonly [string, OptionName])[];

export type GatewayKey = (typeof GATEWAY_KEYS)[number][0];

/**
 * The schema of latchkey.yaml. `about` is a short description in Markdown, `unset` describes the default, `each` says what
 * the keys of a map are names of, and `of` what they have. docs/reference/settings.md is generated from them. docs/how-to/configuration.md has the details.
 */
export const fileSchema = section({
  auth: section({
    api_keys: section({
      enabled: value<boolean>('true or false', (input) => typeof input === 'boolean')
        .optional()
        .meta({
          about: 'whether API keys are accepted, configured and created ones; does not apply to `ADMIN_API_KEY`',
          unset: 'true',
        }),
      keys: list(key, 0, MAX_CONFIGURED_KEYS, 'keys, each with key, name and roles')
        .optional()
        .meta({ about: 'keys with values that you choose', unset: 'none' }),
    }).optional(),
    oidc: oidc.optional(),
  }).optional(),
  roles: z
    .record(text(ROLE, isRoleName), scopes, {
      error: fault(`a map of at most ${MAX_NAMES} roles, each with its scopes; ${ROLE}`),
    })
    .refine((roles) => Object.keys(roles).length <= MAX_NAMES, {
      error: fault(`a map of at most ${MAX_NAMES} roles, each with its scopes`),
    })
    .optional()
    .meta({
      about: 'named sets of scopes; `admin`, `editor` and `viewer` are built in, and you can redefine the last two',
      unset: 'the built-in roles',
    }),
  key_types: each<KeyType, typeof keyType>('TYPE', KEY_TYPES, keyType).optional(),
  published_tiers: value<boolean>('true or false', (input) => typeof input === 'boolean')
    .optional()
    .meta({ about: 'whether the published tiers exist that `tiers` does not name', unset: 'true' }),
  tiers: z
    .object(
      {
        ANONYMOUS: anonymous.optional(),
        KEY_CREATION: keyCreation.optional(),
        VERIFICATION: verification.optional(),
      },
      { error: fault('a map of tiers, each with its limits') },
    )
    // Their names are checked together with the table.
    .catchall(tierOrRemoved)
    .meta({ each: 'TIER', of: tier })
    .optional(),
  rate_limit_headers: value<RateLimitHeaders>(RATE_LIMIT_HEADERS.join(', '), (name) =>
    (RATE_LIMIT_HEADERS as readonly unknown[]).includes(name),
  )
    .optional()
    .meta({ about: "which header fields report a key's limits; `RATE_LIMIT_HEADERS` overrides it", unset: 'draft' }),
  quota_status: value<QuotaStatus>(QUOTA_STATUSES.join(' or '), (status) =>
    (QUOTA_STATUSES as readonly unknown[]).includes(status),
  )
    .optional()
    .meta({ about: 'the status of requests that a quota refuses; 402 means Payment Required', unset: '429' }),
  gateway: section(
    Object.fromEntries(GATEWAY_KEYS.map(([key, name]) => [key, setting(name)] as const)) as Record<
      GatewayKey,
      ReturnType<typeof setting>
    >,
  )
    .optional()
    .meta({ about: 'the API behind the gateway; read at startup only' }),
  demo: value<boolean>('true or false', (input) => typeof input === 'boolean')
    .optional()
    .meta({
      about: 'whether the built-in domain is served; read at startup only; `DEMO` overrides it',
      unset: 'true',
    }),
});

export type FileContent = z.output<typeof fileSchema>;
