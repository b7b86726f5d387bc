import { DEFAULT_PREFIXES } from '../keys/token.js';
import type { RateLimitHeaders } from '../limits/fields.js';
import { OWN_CEILINGS, type Ceilings } from '../scopes/ceilings.js';
import { Roles } from '../scopes/roles.js';
import type { KeyType } from '../store/records.js';
import type { ConfiguredEntry } from './configuredEntry.js';
import type { OidcConfiguration } from './oidc/configuration.js';

/** What an installation decides of its own, and may decide anew while it runs: as a whole, or not at all. */
export interface Configuration {
  /** Whether API keys are let in, stored and configured ones alike. The operator's key is in any case. */
  readonly apiKeys: boolean;
  /** At most {@link MAX_CONFIGURED_KEYS}. */
  readonly keys: readonly ConfiguredEntry[];
  readonly roles: Roles;
  /** Whose access tokens are let in beside keys; null: nobody's. */
  readonly oidc: OidcConfiguration | null;
  /** Prefixes of new tokens by key type. */
  readonly prefixes: Readonly<Record<KeyType, string>>;
  /** The most that keys of a type may hold. */
  readonly ceilings: Ceilings;
  /** Which header fields report a key's limits. Default: `draft`. */
  readonly rateLimitHeaders?: RateLimitHeaders;
}

/** Each costs a bcrypt run when it is read. */
export const MAX_CONFIGURED_KEYS = 200;

/** Nothing decided: no keys but stored ones, built-in roles, the types' own ceilings and prefixes. */
export const NO_CONFIGURATION: Configuration = Object.freeze({
  apiKeys: true,
  keys: Object.freeze([]),
  roles: new Roles(),
  oidc: null,
  prefixes: DEFAULT_PREFIXES,
  ceilings: OWN_CEILINGS,
});
