import type { DerivedTokens } from '../core/auth/signing/derivedTokens.js';
import type { AnswerLimits } from '../core/guard/answer/answerLimits.js';
import type { DocumentBounds } from '../core/guard/document/documentBounds.js';
import { Explainer } from '../core/guard/explain.js';
import type { SchemaRegistry } from '../core/guard/schemaRegistry.js';
import { MAX_LINES } from '../core/guard/lines.js';
import type { KnownScopes } from '../core/keys/knownScopes.js';
import type { Meters } from '../core/quotas/meters.js';
import type { Limits } from '../core/limits/limits.js';
import { accessResolvers } from '../management/access/resolvers.js';
import { scopeResolvers } from '../management/access/scopeResolvers.js';
import { suggestionResolvers } from '../management/access/suggestions.js';
import { AuditService } from '../management/audit/auditService.js';
import { auditResolvers } from '../management/audit/resolvers.js';
import { derivedResolvers } from '../management/keys/derivedResolvers.js';
import { keyResolvers } from '../management/keys/resolvers.js';
import { quotaResolvers } from '../management/quotas/resolvers.js';
import { Count } from '../management/scalars/count.js';
import { DateTime } from '../management/scalars/dateTime.js';
import { Duration } from '../management/scalars/duration.js';
import { JSONValue } from '../management/scalars/json.js';
import { Scope } from '../management/scalars/scope.js';
import { limitResolvers } from '../management/limits/resolvers.js';
import { SubjectLimits } from '../management/limits/subjectLimits.js';
import { failingClosed } from '../management/schema/failingClosed.js';
import { reportResolvers } from '../management/usage/reportResolvers.js';
import { usageResolvers } from '../management/usage/resolvers.js';
import { UsageReports } from '../management/usage/usageReports.js';
import { workspaceResolvers } from '../management/workspaces/resolvers.js';
import type { Foundation } from './foundation.js';
import type { ResolverMap } from './libraryApi.js';
import type { Services } from './services.js';

interface AllResolversOptions {
  readonly limiter: Limits;
  readonly meters: Meters;
  readonly knownScopes: KnownScopes;
  readonly schemas: SchemaRegistry;
  readonly answer: AnswerLimits;
  readonly bounds: DocumentBounds;
  readonly derivedTokens: DerivedTokens;
}

/** Returns the resolvers of the administration API. */
export function allResolvers(
  { options, store, now, configured }: Foundation,
  { keys, workspaces, projects, users, limits, credits, holderOf }: Services,
  { limiter, meters, knownScopes, schemas, answer, bounds, derivedTokens }: AllResolversOptions,
): ResolverMap {
  const { introspection = 'authenticated', cost = 'enforce', document } = options;
  const { roles, ceilings } = configured;
  const explainer = new Explainer({ bounds, introspection, cost, maxLines: document?.lines ?? MAX_LINES });
  return {
    ...failingClosed(
      merge(
        keyResolvers({ keys, projects, users, overrides: store.limits, limiter, answer, roles, now }),
        derivedResolvers(derivedTokens),
        limitResolvers({
          limits,
          subjects: new SubjectLimits({ store, configured: configured.keys, now }),
          limiter,
          now,
        }),
        workspaceResolvers({ workspaces, projects, users, keys, tiers: limiter.tiers }),
        quotaResolvers({ credits, meters, tiers: limiter.tiers }),
        auditResolvers(new AuditService(store.audit)),
        usageResolvers({ usage: store.usage, now }),
        reportResolvers({
          reports: new UsageReports({ usage: store.usage, workspaceOf: (actor, id) => keys.workspace(actor, id), now }),
          keys: (actor, ids) => keys.findMany(actor, ids),
          projects: (actor, ids) => projects.findMany(actor, ids),
          owners: (actor, ids) => users.ownersOf(actor, ids),
        }),
        suggestionResolvers({ keys, usage: store.usage, knownScopes, schemas, now }),
        scopeResolvers({ knownScopes, ceilings }),
        accessResolvers({ explainer, schemas, keys, holderOf, limiter, meters, now }),
      ),
    ),
    ...{ Count, DateTime, Duration, JSON: JSONValue, Scope },
  };
}

function merge(...maps: readonly Readonly<Record<string, object>>[]): Record<string, object> {
  const merged: Record<string, object> = {};
  for (const map of maps)
    for (const [type, fields] of Object.entries(map)) merged[type] = { ...merged[type], ...fields };
  return merged;
}
