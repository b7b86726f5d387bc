import { NO_CONFIGURATION, type Configuration } from '../../core/auth/configuration.js';
import { ConfiguredEntry, faultOfKey } from '../../core/auth/configuredEntry.js';
import { oidcConfiguration, type OidcConfiguration } from '../../core/auth/oidc/oidcConfiguration.js';
import type { OperatorKey } from '../../core/auth/operator.js';
import { CATEGORIES } from '../../core/limits/category.js';
import { tierTable, type TierDefinition } from '../../core/limits/tierTable.js';
import { defaultTierOf, TIER_LIMITS, type TierLimits, type TierTable } from '../../core/limits/tiers.js';
import type { Credits, Quota } from '../../core/quotas/quota.js';
import { Ceilings, ceilingInWords, withinCeiling } from '../../core/scopes/ceilings.js';
import { expandBundles } from '../../core/scopes/bundles.js';
import { Roles } from '../../core/scopes/roles.js';
import { KEY_TYPES, type KeyType, type Tier } from '../../core/store/records.js';
import { SettingsError } from '../../shared/settings/error.js';
import { isQuoted } from '../../shared/settings/quotes.js';
import { readFile, type ReadFile } from './configFile.js';
import { REMOVED, type GatewayKey, type TierSection } from './fileSchema.js';

/** The content of the configuration file, with defaults. */
export interface FileConfiguration extends Configuration {
  /** The path of the file; null if there is none. */
  readonly path: string | null;
  readonly tiers: TierTable;
  /** The tier of new workspaces. `DEFAULT_TIER` overrides it. */
  readonly defaultTier: Tier;
  /** Whether the built-in domain is served. */
  readonly demo: boolean;
  /** The texts of the section `gateway`. */
  readonly gateway: Readonly<Partial<Record<GatewayKey, string>>>;
  /** Files named by `NAME_FILE`, from which the value of a `${NAME}` was read. */
  readonly secretFiles: readonly string[];
  /** Warnings to log at startup and at a reload. They contain no secret. */
  readonly warnings: readonly string[];
}

/** The configuration if there is no file. */
export const NO_FILE: FileConfiguration = Object.freeze({
  ...NO_CONFIGURATION,
  path: null,
  tiers: TIER_LIMITS,
  defaultTier: defaultTierOf(TIER_LIMITS),
  demo: true,
  gateway: Object.freeze({}),
  secretFiles: Object.freeze([]),
  warnings: Object.freeze([]),
});

/** Returns the part of the content that the library takes. */
export function keyConfiguration(content: FileConfiguration): Configuration {
  const { apiKeys, keys, roles, oidc, prefixes, ceilings, rateLimitHeaders, quotaStatus } = content;
  return {
    ...{ apiKeys, keys, roles, oidc, prefixes, ceilings },
    ...(rateLimitHeaders !== undefined && { rateLimitHeaders }),
    ...(quotaStatus !== undefined && { quotaStatus }),
  };
}

/** A key with fewer characters could be guessed. `openssl rand -base64 32` prints 44 characters. */
const SHORT = 20;

/**
 * Reads and checks the configuration file.
 * @param operator the operator's key, which no configured key may equal
 * @param publicUrl the public address of the server, without a trailing slash; null if unknown
 * @throws SettingsError with all faults of the file, one in each line: see {@link readFile}
 */
export function readConfiguration(
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
  operator: OperatorKey | null,
  publicUrl: string | null,
): FileConfiguration {
  const file = readFile(path, environment);
  const { faults, faulty } = file;
  const warnings: string[] = [];
  const production = environment.NODE_ENV === 'production';
  const roles = faults.run(() => rolesOf(file)) ?? null;
  // Otherwise a fault of the table could only follow from one of its sections.
  const hasTiers = !faulty.has('tiers') && !faulty.has('published_tiers');
  const tiers = (hasTiers ? faults.run(() => tiersOf(file)) : undefined) ?? TIER_LIMITS;
  const rules = {
    roles: faulty.has('roles') ? null : roles,
    ...{ operator, production, warn: (text: string) => warnings.push(text) },
  };
  const keys = keysOf(file, rules);
  const prefixes = faults.run(() => prefixesOf(file)) ?? NO_CONFIGURATION.prefixes;
  const ceilings = faults.run(() => ceilingsOf(file)) ?? NO_CONFIGURATION.ceilings;
  const oidc = faults.run(() => oidcOf(file, publicUrl, (text) => warnings.push(text))) ?? null;
  faults.assertNone();
  return Object.freeze({
    path,
    apiKeys: file.content.auth?.api_keys?.enabled ?? true,
    roles: roles ?? NO_CONFIGURATION.roles,
    keys: Object.freeze(keys),
    prefixes: Object.freeze(prefixes),
    ceilings,
    oidc,
    tiers,
    defaultTier: defaultTierOf(tiers),
    demo: file.content.demo ?? true,
    gateway: Object.freeze({ ...file.content.gateway }) as FileConfiguration['gateway'],
    secretFiles: Object.freeze([...file.secretFiles]),
    ...(file.content.rate_limit_headers !== undefined && { rateLimitHeaders: file.content.rate_limit_headers }),
    ...(file.content.quota_status !== undefined && { quotaStatus: file.content.quota_status }),
    warnings: Object.freeze(warnings),
  });
}

function rolesOf({ content: { roles = {} }, fault }: ReadFile): Roles {
  if (Object.hasOwn(roles, 'admin')) {
    throw fault('roles.admin is not allowed, because it is a built-in role. Choose another name.');
  }
  return new Roles(roles);
}

interface KeyRules {
  /** null if they are invalid, so that it is unknown which roles exist. */
  readonly roles: Roles | null;
  readonly operator: OperatorKey | null;
  readonly production: boolean;
  readonly warn: (text: string) => void;
}

function keysOf(file: ReadFile, rules: KeyRules): ConfiguredEntry[] {
  const entries: ConfiguredEntry[] = [];
  (file.content.auth?.api_keys?.keys ?? []).forEach((item, i) => {
    const at = `auth.api_keys.keys[${i}]`;
    file.faults.run(() => checkRoles(at, item, file, rules));
    const entry = file.faults.run(() => entryOf(at, item, file, rules));
    if (entry === undefined) return;
    const same = sameIn(entries, entry);
    if (same !== null) file.faults.add(file.fault(`${at}.${same}`));
    entries.push(entry);
  });
  return entries;
}

type KeyItem = NonNullable<NonNullable<NonNullable<ReadFile['content']['auth']>['api_keys']>['keys']>[number];

function checkRoles(at: string, item: KeyItem, { fault }: ReadFile, { roles }: KeyRules): void {
  if (roles === null) return;
  const unknown = item.roles.findIndex((role) => !roles.has(role));
  if (unknown < 0) return;
  throw fault(`${at}.roles[${unknown}] is an unknown role. Known: ${roles.names.join(', ')}. Define it under roles.`);
}

/** @throws SettingsError if the key itself can't be used */
function entryOf(
  at: string,
  item: KeyItem,
  { inClear, fault }: ReadFile,
  { operator, production, warn }: KeyRules,
): ConfiguredEntry {
  const wrong = operator?.matches(item.key) === true ? 'is that of ADMIN_API_KEY' : faultOfKey(item.key);
  if (wrong !== null) throw fault(`${at}.key ${wrong}. Choose another value: openssl rand -base64 32 prints one.`);
  if (inClear.has(`${at}.key`)) {
    const advice = `${at}.key is in plain text in the file. Put it into an environment variable, and write \${NAME}.`;
    if (production) throw fault(advice);
    warn(advice);
  }
  if (isQuoted(item.key)) {
    warn(
      `${at}.key has quotes around it, and they are part of the key. If this is a mistake, remove them where its variable is set.`,
    );
  }
  if (item.key.length < SHORT) {
    warn(`${at}.key has fewer than ${SHORT} characters and may be guessed. Choose one from openssl rand -base64 32.`);
  }
  return new ConfiguredEntry(item);
}

/** Returns the value that an entry shares with an earlier entry; null if there is none. */
function sameIn(entries: readonly ConfiguredEntry[], entry: ConfiguredEntry): string | null {
  const sameName = entries.findIndex(({ id }) => id === entry.id);
  if (sameName >= 0) return `name is that of keys[${sameName}]. Names must be unique.`;
  const sameKey = entries.findIndex((other) => other.hasKeyOf(entry));
  return sameKey >= 0 ? `key is that of keys[${sameKey}]. Keys must be unique.` : null;
}

function oidcOf(
  { content, fault }: ReadFile,
  publicUrl: string | null,
  warn: KeyRules['warn'],
): OidcConfiguration | null {
  const given = content.auth?.oidc;
  if (given === undefined) return null;
  if (given.workspace !== undefined && given.workspace_claim !== undefined) {
    throw fault('auth.oidc.workspace_claim is not allowed together with auth.oidc.workspace. Remove one of them.');
  }
  if (given.enabled === false) return null;
  const resource = given.resource ?? (publicUrl === null ? undefined : `${publicUrl}/graphql`);
  if (resource === undefined) {
    warn('auth.oidc has no resource, so clients cannot find its issuer. Set PUBLIC_URL, or auth.oidc.resource.');
  }
  return oidcConfiguration({
    issuer: given.issuer,
    audience: given.audience,
    algorithms: given.algorithms,
    scopesClaim: given.scopes_claim,
    rolesClaim: given.roles_claim,
    workspace: given.workspace,
    workspaceClaim: given.workspace_claim,
    clockTolerance: given.clock_tolerance,
    jwksUri: given.jwks_uri,
    resource,
    // In the same path as the API's public address.
    mcpResource: resource && new URL('mcp', resource).href,
    dashboard: given.dashboard && {
      clientId: given.dashboard.client_id,
      scopes: given.dashboard.scopes,
      audienceParameter: given.dashboard.audience_parameter,
    },
  });
}

function prefixesOf({ content: { key_types: types = {} }, fault }: ReadFile): Record<KeyType, string> {
  const prefixes = { ...NO_CONFIGURATION.prefixes };
  for (const type of KEY_TYPES) prefixes[type] = types[type]?.prefix ?? prefixes[type];
  if (new Set(Object.values(prefixes)).size < KEY_TYPES.length) {
    const all = KEY_TYPES.map((type) => `${type} ${prefixes[type]}`).join(', ');
    throw fault(`key_types gives two types the same prefix: ${all}. Prefixes must be unique.`);
  }
  return prefixes;
}

function ceilingsOf({ content: { key_types: types = {} }, fault, faults }: ReadFile): Ceilings {
  const lowered: Partial<Record<KeyType, readonly string[]>> = {};
  for (const type of KEY_TYPES) {
    const scopes = types[type]?.scopes;
    if (scopes === undefined) continue;
    const beyond = scopes.findIndex((scope) => expandBundles([scope]).some((one) => !withinCeiling(type, one)));
    if (beyond >= 0) {
      faults.add(fault(`key_types.${type}.scopes[${beyond}] is not allowed. Allowed: ${ceilingInWords(type)}.`));
    } else {
      lowered[type] = scopes;
    }
  }
  return new Ceilings(lowered);
}

function tiersOf({ content: { tiers = {}, published_tiers: published = true }, fault }: ReadFile): TierTable {
  const sections = Object.entries(tiers as Readonly<Record<string, TierSection | typeof REMOVED | undefined>>);
  const definitions = sections.flatMap(([tier, section]) =>
    section === undefined ? [] : [[tier, section === REMOVED ? null : definitionOf(section)] as const],
  );
  try {
    return tierTable(Object.fromEntries(definitions), { published });
  } catch (error) {
    // The table checks rules that concern several fields, for example that no category exceeds its tier.
    if (!(error instanceof TypeError)) throw error;
    const others = faultsWithout(error.message, definitions, published);
    throw new SettingsError([error.message, ...others].map((message) => fault(inWordsOfTheFile(message)).message));
  }
}

/**
 * Returns the first fault of each other tier. Leaves out those that only follow from another one, because a tier starts from a tier with
 * a fault.
 *
 * @param first the message of the first fault
 */
function faultsWithout(
  first: string,
  definitions: readonly (readonly [string, TierDefinition | null])[],
  published: boolean,
): string[] {
  const found: string[] = [];
  const left = new Map(definitions);
  const removed: string[] = [];
  for (let message = first; ;) {
    const name = /^tiers\.([A-Z][A-Z0-9_]*)/.exec(message)?.[1];
    if (name === undefined || !left.delete(name)) return found;
    removed.push(name);
    try {
      tierTable(Object.fromEntries(left), { published });
      return found;
    } catch (error) {
      message = (error as Error).message;
      if (!removed.some((other) => message.includes(` is "${other}"`))) found.push(message);
    }
  }
}

function definitionOf({
  from,
  was,
  keys,
  admin_keys: adminKeys,
  per_minute: rate,
  per_second: burst,
  streams,
  categories,
  owner,
  project,
  workspace,
  cost,
  quotas,
  credits,
}: TierSection): TierDefinition {
  return {
    ...(from !== undefined && { from }),
    ...(was !== undefined && { was }),
    ...(keys !== undefined && { keys: keys === 'unlimited' ? null : keys }),
    ...(rate !== undefined && { rate }),
    ...(burst !== undefined && { burst }),
    ...(adminKeys !== undefined && { adminKeys: adminKeys === 'unlimited' ? null : adminKeys }),
    ...(streams !== undefined && { streams }),
    ...(categories !== undefined && { categories: categoriesOf(categories) }),
    ...(owner !== undefined && { owner: pairOf(owner) }),
    ...(project !== undefined && { project: pairOf(project) }),
    ...(workspace !== undefined && { workspace: pairOf(workspace) }),
    ...(cost !== undefined && { cost: { max: cost.max, ...pairOf(cost) } }),
    ...(quotas !== undefined && { quotas: quotas.map(quotaOf) }),
    ...(credits !== undefined && { credits: creditsOf(credits) }),
  };
}

function pairOf({ per_minute: rate, per_second: burst }: { readonly per_minute: number; readonly per_second: number }) {
  return { rate, burst };
}

function categoriesOf(categories: NonNullable<TierSection['categories']>): TierLimits['categories'] {
  return Object.fromEntries(
    CATEGORIES.flatMap((category) => {
      const given = categories[category];
      return given === undefined ? [] : [[category, { rate: given.per_minute, burst: given.per_second }]];
    }),
  );
}

function quotaOf(quota: NonNullable<TierSection['quotas']>[number]): Quota {
  const { window, unit = 'requests', subject = 'key', limit, anchor_day: anchorDay } = quota;
  return {
    window,
    unit,
    subject,
    limit: limit === 'unlimited' ? null : limit,
    ...(anchorDay !== undefined && { anchorDay }),
  };
}

function creditsOf({ unit = 'requests', subject = 'key', refill }: NonNullable<TierSection['credits']>): Credits {
  if (refill === undefined) return { unit, subject, refill: null };
  const { amount, every, anchor_day: anchorDay } = refill;
  return { unit, subject, refill: { amount, every, ...(anchorDay !== undefined && { anchorDay }) } };
}

function inWordsOfTheFile(message: string): string {
  return message
    .replace(/\.rate\b/g, '.per_minute')
    .replace(/\.burst\b/g, '.per_second')
    .replace(/\.adminKeys\b/g, '.admin_keys')
    .replace(/\.anchorDay\b/g, '.anchor_day');
}
