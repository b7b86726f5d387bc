export { createLatchkey } from './latchkey.js';
export type { LatchkeyOptions } from './assembly/latchkeyOptions.js';
export type { Latchkey } from './assembly/libraryApi.js';
export { openSqliteStore, type SqliteOptions } from './core/store/sqlite/open.js';
export { guardSchema, assertGuarded } from './core/guard/guard.js';
export { GuardError, type RuleOptions, type SchemaRules } from './core/guard/rules.js';
export { directiveTypeDefs, keyTypeDefs } from './management/schema/typeDefs.js';
export { NO_CONFIGURATION, type Configuration } from './core/auth/configuration.js';
export { ConfiguredEntry, type ConfiguredEntryOptions } from './core/auth/configuredEntry.js';
export { oidcConfiguration, type OidcConfiguration, type OidcOptions } from './core/auth/oidc/oidcConfiguration.js';
export type { ProtectedResource } from './core/auth/oidc/protectedResource.js';
export { WELL_KNOWN as PROTECTED_RESOURCE_PATH } from './core/auth/oidc/wellKnown.js';
export { Roles } from './core/scopes/roles.js';
export { Ceilings } from './core/scopes/ceilings.js';
export { createContextBuilder, type ContextBuilder, type ContextSource } from './core/auth/context.js';
export { createPlugin, type PluginOptions } from './adapters/apollo/plugin.js';
export { ANONYMOUS, type LatchkeyContext, type Principal } from './core/auth/principal.js';
export { Refusal, type RefusalCode, type RefusalDetails } from './core/errors/refusal.js';
export { Limiter } from './core/limits/limiter.js';
export type { Admission, Bound, CategoryRoom, Limits, Subject } from './core/limits/limits.js';
export {
  TIER_LIMITS,
  tierTable,
  type TierLimits,
  type TierOverrides,
  type TierTable,
  type WindowLimits,
} from './core/limits/tiers.js';
export type { RateLimitHeaders } from './core/limits/limitFields.js';
export type { Category } from './core/limits/category.js';
export type { Change, ChangeFeed } from './core/keys/changeFeed.js';
export { TOKEN_PATTERN, isToken } from './core/keys/token.js';
export type { Lookup, Observer, StoreOutcome, Verification } from './core/observer/observer.js';
export type { Store } from './core/store/store.js';
export type { Tier, KeyType, KeyStatus, Environment } from './core/store/records.js';
