import type { GraphQLSchema } from 'graphql';
import { z } from 'zod';
import { foretell } from '../../management/access/outlook.js';
import { costReasons } from '../../management/access/resolvers.js';
import type { Explainer } from '../../core/guard/explain.js';
import { limitsOf } from '../../core/limits/bounds.js';
import type { Limits } from '../../core/limits/limits.js';
import { subjectOfKey } from '../../core/limits/subjects.js';
import { told } from './toolResult.js';
import { LOOKS, operationInput, tool, type Tool } from './tool.js';

interface AccessToolOptions {
  readonly schema: GraphQLSchema;
  readonly explainer: Explainer;
  readonly limiter: Pick<Limits, 'peek' | 'tiers'>;
}

/** Returns the tools about the caller's own credential. */
export function accessTools({ schema, explainer, limiter }: AccessToolOptions): Tool[] {
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
        const { objections, tokens, ...explained } = explainer.explain(schema, principal, question, {
          reader: principal,
        });
        const { outcome, ...more } = await foretell(limiter, principal, { ...explained, tokens });
        const own = limitsOf(subjectOfKey(principal, limiter.tiers), limiter.tiers);
        const reasons = [
          ...objections,
          ...costReasons(explained.estimate, own.cost?.max ?? null),
          ...(outcome === 'never' ? ['COST_EXCEEDS_BURST'] : outcome === 'refused' ? ['RATE_LIMITED'] : []),
        ];
        return told({ allowed: reasons.length === 0, reasons, ...explained, ...more });
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
        const { rate, burst } = await limiter.peek(subjectOfKey(caller.principal, limiter.tiers));
        return told({
          credential: { kind, id: keyId },
          workspaceId,
          projectId,
          scopes,
          tier,
          limits: { perMinute: rate, perSecond: burst },
          trustedDocuments: trustedDocuments && [...trustedDocuments],
        });
      },
    }),
  ];
}
