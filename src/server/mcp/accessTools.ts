import type { GraphQLSchema } from 'graphql';
import { z } from 'zod';
import { foretell, worse } from '../../management/access/outlook.js';
import { costReasons, limitReasons } from '../../management/access/resolvers.js';
import type { Explainer } from '../../core/guard/explain.js';
import { limitsOf } from '../../core/limits/bounds.js';
import type { Limits } from '../../core/limits/limits.js';
import { subjectOfKey } from '../../core/limits/subjects.js';
import type { Meters } from '../../core/quotas/meters.js';
import { nameOfMeter } from '../../core/quotas/quotaFields.js';
import type { MeterState } from '../../core/quotas/meterState.js';
import { told } from './toolResult.js';
import { LOOKS, operationInput, tool, type Tool } from './tool.js';

interface AccessToolOptions {
  readonly schema: GraphQLSchema;
  readonly explainer: Explainer;
  readonly limiter: Pick<Limits, 'peek' | 'tiers'>;
  readonly meters: Pick<Meters, 'read'>;
}

/** Returns the tools about the caller's own credential. */
export function accessTools({ schema, explainer, limiter, meters }: AccessToolOptions): Tool[] {
  return [
    tool({
      name: 'explain_access',
      title: 'Explain access',
      description:
        'Shows whether this credential may run an operation, without running it: all reasons for a refusal, missing scopes, the requirements of each guarded field, and the cost in requests.',
      input: operationInput,
      annotations: LOOKS,
      async call({ document, operationName = null, variables }, caller) {
        const { principal } = caller;
        const question = { document, operationName, variables };
        const { objections, tokens, units, ...explained } = explainer.explain(schema, principal, question, {
          reader: principal,
        });
        const { windows, quotas } = await foretell({ limiter, meters }, principal, { ...explained, tokens, units });
        const { outcome: _, ...wait } = worse(windows, quotas);
        const own = limitsOf(subjectOfKey(principal, limiter.tiers), limiter.tiers);
        const reasons = [
          ...objections,
          ...costReasons(explained.estimate, own.cost?.max ?? null),
          ...limitReasons(windows, quotas),
        ];
        return told({ allowed: reasons.length === 0, reasons, ...explained, ...wait });
      },
    }),
    tool({
      name: 'whoami',
      title: 'Who am I',
      description:
        'Returns the credential of these tools: its kind and ID, its workspace and project, its scopes, its tier, and its remaining limits.',
      input: z.strictObject({}),
      annotations: LOOKS,
      async call(_, caller) {
        const { kind, keyId, workspaceId, projectId, tier, scopes, trustedDocuments } = caller.principal;
        const subject = subjectOfKey(caller.principal, limiter.tiers);
        const { rate, burst } = await limiter.peek(subject);
        const states = subject.meters === undefined ? [] : await meters.read(subject.meters);
        return told({
          credential: { kind, id: keyId },
          workspaceId,
          projectId,
          scopes,
          tier,
          limits: { perMinute: rate, perSecond: burst, ...(states.length > 0 && { quotas: states.map(shownMeter) }) },
          trustedDocuments: trustedDocuments && [...trustedDocuments],
        });
      },
    }),
  ];
}

/** Returns a quota or a balance under its name in the RateLimit fields. */
function shownMeter({ meter, limit, remaining, resetsAt }: MeterState): object {
  return { name: nameOfMeter(meter), limit, remaining, resetsAt: resetsAt === null ? null : new Date(resetsAt) };
}
