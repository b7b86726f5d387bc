export { createLatchkey } from './latchkey.js';
export type { LatchkeyOptions } from './assembly/latchkeyOptions.js';
export type { Latchkey, ResolverMap } from './assembly/libraryApi.js';
export { openSqliteStore, type SqliteOptions } from './core/store/sqlite/open.js';
export { guardSchema, assertGuarded } from './core/guard/guard.js';
export type { CostMode } from './core/guard/cost/costMode.js';
export type { ListSizeExtension, RuleExtension } from './core/guard/ruleExtensions.js';
export { GuardError, type RuleOptions, type SchemaRules } from './core/guard/rules.js';
export { directiveTypeDefs } from './management/schema/typeDefs.js';
export { NO_CONFIGURATION, type Configuration } from './core/auth/configuration.js';
export { ConfiguredEntry, type ConfiguredEntryOptions } from './core/auth/configuredEntry.js';
export { oidcConfiguration, type OidcConfiguration, type OidcOptions } from './core/auth/oidc/oidcConfiguration.js';
export type { KeySet } from './core/auth/signing/publishedKeys.js';
export type { ProtectedResource } from './core/auth/oidc/protectedResource.js';
export { Roles } from './core/scopes/roles.js';
export { Ceilings } from './core/scopes/ceilings.js';
export { ANONYMOUS, type LatchkeyContext, type Principal } from './core/auth/principal.js';
export { Refusal } from './core/errors/refusal.js';
export type { RefusalCode, RefusalDetails } from './core/errors/refusalDetails.js';
export { Limiter } from './core/limits/limiter.js';
export type { Admission, Limits, SharedWindows, Subject } from './core/limits/limits.js';
export {
  tierTable,
  type TierDefinition,
  type TierDefinitions,
  type TierOverrides,
  type TierTableOptions,
} from './core/limits/tierTable.js';
export { type PublishedTiers, type TierLimits, type TierTable } from './core/limits/tiers.js';
export type { RateLimitHeaders } from './core/limits/limitFields.js';
export type { Change, ChangeFeed } from './core/keys/changeFeed.js';
export { isToken, TOKEN_PATTERN } from './shared/text/wholeToken.js';
export type { Observer } from './core/observer/observer.js';
export type { Store } from './core/store/store.js';
export type { KeyType, Tier } from './core/store/records.js';
