import { z } from 'zod';
import { MAX_CONFIGURED_KEYS } from '../credentials/configuration.js';
import {
  ADDRESS,
  ALGORITHMS,
  AUDIENCE_PARAMETERS,
  isAddress,
  MAX_CLOCK_TOLERANCE,
  type Algorithm,
  type AudienceParameter,
} from '../credentials/oidc/configuration.js';
import { isId, isName } from '../keys/input.js';
import { PREFIX_PATTERN } from '../keys/token.js';
import { isScopeOrBundle, ROLE_PATTERN } from '../scopes/roles.js';
import { KEY_TYPES, TIERS, type KeyType, type Tier } from '../store/records.js';

/** Roles that a file may define, and scopes or roles in one list. */
const MAX_NAMES = 100;

/** Beyond any tier that one process could count for, and small enough that what a window holds stays some megabytes. */
const MAX_REQUESTS = 1_000_000;

/** What a fault says after the path, and then what is allowed there. */
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

/** A map with these keys and no others. */
const section = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, { error: fault(`a map with ${Object.keys(shape).join(', ')}`) });

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

const ROLE = 'a name of a role: a letter, then up to 63 letters, digits and _ . : / -';

const key = section({
  // What it must be is judged apart: nothing of it may be repeated.
  key: text('a text: ${NAME} of an environment variable', () => true),
  name: text('1 to 100 characters, without white space around them or control characters', isName),
  roles: list(
    text(ROLE, (name) => ROLE_PATTERN.test(name)),
    1,
    MAX_NAMES,
    'names of roles, as in ["viewer"]',
  ),
  workspace: text('the id of a workspace', isId).optional(),
});

const keyType = section({
  prefix: text('up to 10 lower-case letters and digits beginning with a letter', (prefix) =>
    PREFIX_PATTERN.test(prefix),
  ).optional(),
  scopes: scopes.optional(),
});

const windows = section({ per_minute: wholeNumber, per_second: wholeNumber });

const tier = section({
  keys: value<number | 'unlimited'>(
    `a whole number from 1 to ${MAX_REQUESTS}, or unlimited`,
    (input) => input === 'unlimited' || wholeNumber.safeParse(input).success,
  ).optional(),
  per_minute: wholeNumber.optional(),
  per_second: wholeNumber.optional(),
  streams: wholeNumber.optional(),
  categories: section({
    read: windows.optional(),
    write: windows.optional(),
    admin: windows.optional(),
  }).optional(),
});

const each = <Name extends string, Item extends z.ZodType>(names: readonly Name[], item: Item) =>
  section(Object.fromEntries(names.map((name) => [name, item.optional()])) as Record<Name, z.ZodOptional<Item>>);

const address = text(ADDRESS, isAddress);
const claim = text('the name of a claim: 1 to 200 visible ASCII characters', (name) =>
  /^[\x21-\x7e]{1,200}$/.test(name),
);

const oidc = section({
  enabled: value<boolean>('true or false', (input) => typeof input === 'boolean').optional(),
  issuer: address,
  audience: text('what tokens for this server have in aud: 1 to 500 characters', (name) => /^.{1,500}$/.test(name)),
  algorithms: list(
    value<Algorithm>(ALGORITHMS.join(', '), (name) => (ALGORITHMS as readonly unknown[]).includes(name)),
    1,
    ALGORITHMS.length,
    `of ${ALGORITHMS.join(', ')}`,
  ).optional(),
  scopes_claim: claim.optional(),
  roles_claim: claim.optional(),
  workspace: text('the id of a workspace', isId).optional(),
  workspace_claim: claim.optional(),
  clock_tolerance: value<number>(
    `a whole number of seconds from 0 to ${MAX_CLOCK_TOLERANCE}`,
    (input) => Number.isInteger(input) && (input as number) >= 0 && (input as number) <= MAX_CLOCK_TOLERANCE,
  ).optional(),
  jwks_uri: address.optional(),
  resource: address.optional(),
  dashboard: section({
    client_id: text('the id of a public client: 1 to 200 visible ASCII characters', (id) =>
      /^[\x21-\x7e]{1,200}$/.test(id),
    ),
    scopes: list(
      text('a scope of the issuer, such as openid', (scope) => /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/.test(scope)),
      1,
      MAX_NAMES,
      'scopes, as in [openid, offline_access, admin]',
    ).optional(),
    audience_parameter: value<AudienceParameter>(AUDIENCE_PARAMETERS.join(', '), (name) =>
      (AUDIENCE_PARAMETERS as readonly unknown[]).includes(name),
    ).optional(),
  }).optional(),
});

/** All that latchkey.yaml may say. docs/configuration.md says what it means. */
export const fileSchema = section({
  auth: section({
    api_keys: section({
      enabled: value<boolean>('true or false', (input) => typeof input === 'boolean').optional(),
      keys: list(key, 0, MAX_CONFIGURED_KEYS, 'keys, each with key, name and roles').optional(),
    }).optional(),
    oidc: oidc.optional(),
  }).optional(),
  roles: z
    .record(
      text(ROLE, (name) => ROLE_PATTERN.test(name)),
      scopes,
      { error: fault(`a map of at most ${MAX_NAMES} roles, each with its scopes; ${ROLE}`) },
    )
    .refine((roles) => Object.keys(roles).length <= MAX_NAMES, {
      error: fault(`a map of at most ${MAX_NAMES} roles, each with its scopes`),
    })
    .optional(),
  key_types: each<KeyType, typeof keyType>(KEY_TYPES, keyType).optional(),
  tiers: each<Tier, typeof tier>(TIERS, tier).optional(),
});

export type FileContent = z.output<typeof fileSchema>;
