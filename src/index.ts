export { createLatchkey, type Latchkey, type LatchkeyOptions } from './latchkey.js';
export { openSqliteStore, type SqliteOptions } from './store/sqlite/open.js';
export { guardSchema, assertGuarded } from './guard/guard.js';
export { GuardError, type RuleOptions, type SchemaRules } from './guard/rules.js';
export { directiveTypeDefs, keyTypeDefs } from './schema/typeDefs.js';
export { NO_CONFIGURATION, type Configuration } from './credentials/configuration.js';
export { ConfiguredEntry, type ConfiguredEntryOptions } from './credentials/configuredEntry.js';
export { oidcConfiguration, type OidcConfiguration, type OidcOptions } from './credentials/oidc/configuration.js';
export type { ProtectedResource } from './credentials/oidc/protectedResource.js';
export { WELL_KNOWN as PROTECTED_RESOURCE_PATH } from './credentials/oidc/wellKnown.js';
export { Roles } from './scopes/roles.js';
export { Ceilings } from './scopes/ceilings.js';
export { createContextBuilder, type ContextBuilder, type ContextSource } from './credentials/context.js';
export { createPlugin, type PluginOptions } from './http/plugin.js';
export { ANONYMOUS, type LatchkeyContext, type Principal } from './credentials/principal.js';
export { Refusal, type RefusalCode, type RefusalDetails } from './refusals/refusal.js';
export { Limiter } from './limits/limiter.js';
export type { Admission, Bound, CategoryRoom, Limits, Subject } from './limits/limits.js';
export {
  TIER_LIMITS,
  tierTable,
  type TierLimits,
  type TierOverrides,
  type TierTable,
  type WindowLimits,
} from './limits/tiers.js';
export type { RateLimitHeaders } from './limits/fields.js';
export type { Category } from './limits/category.js';
export type { Change, ChangeFeed } from './keys/changes.js';
export { TOKEN_PATTERN, isToken } from './keys/token.js';
export type { Lookup, Observer, StoreOutcome, Verification } from './metrics/observer.js';
export type { Store } from './store/store.js';
export type { Tier, KeyType, KeyStatus, Environment } from './store/records.js';
