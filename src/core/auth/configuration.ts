import { DEFAULT_PREFIXES } from '../keys/token.js';
import type { RateLimitHeaders } from '../limits/limitFields.js';
import type { QuotaStatus } from '../quotas/quotaRefusal.js';
import { OWN_CEILINGS, type Ceilings } from '../scopes/ceilings.js';
import { Roles } from '../scopes/roles.js';
import type { KeyType } from '../store/records.js';
import type { ConfiguredEntry } from './configuredEntry.js';
import type { OidcConfiguration } from './oidc/oidcConfiguration.js';

/**
 * The part of the configuration that can be replaced while the server runs. A reload replaces all of it or nothing.
 *
 * @example
 * ```ts
 * import { NO_CONFIGURATION, Roles, type Configuration } from 'latchkey';
 *
 * export const configuration: Configuration = {
 *   ...NO_CONFIGURATION,
 *   roles: new Roles({ shipper: ['read:orders', 'write:shipments'] }),
 * };
 * ```
 */
export interface Configuration {
  /** Whether stored and configured API keys are accepted. The operator's key is always accepted. */
  readonly apiKeys: boolean;
  /** Keys of the configuration, at most 200. */
  readonly keys: readonly ConfiguredEntry[];
  readonly roles: Roles;
  /** The issuer whose access tokens are accepted; null if access tokens are not accepted. */
  readonly oidc: OidcConfiguration | null;
  /** Prefixes of new tokens by key type. */
  readonly prefixes: Readonly<Record<KeyType, string>>;
  /** The maximum scopes by key type. */
  readonly ceilings: Ceilings;
  /** Which header fields report a key's limits. Default: `draft`. */
  readonly rateLimitHeaders?: RateLimitHeaders;
  /** The status of requests that a quota refuses. Default: 429. */
  readonly quotaStatus?: QuotaStatus;
}

/** The maximum number of configured keys. Each costs a bcrypt run at startup and at each reload. */
export const MAX_CONFIGURED_KEYS = 200;

/**
 * The default: only stored keys, and the built-in roles, ceilings and prefixes.
 *
 * @example
 * ```ts
 * import { NO_CONFIGURATION } from 'latchkey';
 *
 * export const configuration = { ...NO_CONFIGURATION, rateLimitHeaders: 'both' } as const;
 * ```
 */
export const NO_CONFIGURATION: Configuration = Object.freeze({
  apiKeys: true,
  keys: Object.freeze([]),
  roles: new Roles(),
  oidc: null,
  prefixes: DEFAULT_PREFIXES,
  ceilings: OWN_CEILINGS,
});
