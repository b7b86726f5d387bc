import type { GraphQLResolveInfo } from 'graphql';
import type { AuthenticatedPrincipal } from '../credentials/principal.js';
import type { Explainer, Explanation, Objection } from '../guard/explain.js';
import type { Actor, ActorContext } from '../keys/actor.js';
import type { AnyKey } from '../keys/configured.js';
import type { KeyService } from '../keys/service.js';
import type { Limits } from '../limits/limits.js';
import { statusOf, type Tier } from '../store/records.js';
import { Turns } from '../turns.js';
import { foretell, type Outlook } from './outlook.js';

export interface AccessResolverOptions {
  readonly explainer: Explainer;
  readonly keys: Pick<KeyService, 'find'>;
  /** Who holds the key at the moment; `left`: it belongs to somebody who has left. */
  readonly holderOf: (actor: Actor, key: AnyKey) => Promise<Holder>;
  readonly limiter: Pick<Limits, 'peek' | 'tiers'>;
  readonly now: () => number;
}

interface ExplainArguments {
  readonly keyId: string;
  readonly document: string;
  readonly operationName?: string | null;
  readonly variables?: unknown;
}

export interface Holder {
  readonly principal: AuthenticatedPrincipal;
  readonly left: boolean;
}

type Reason = Objection | 'KEY_REVOKED' | 'KEY_EXPIRED' | 'USER_LEFT' | 'COST_EXCEEDS_BURST' | 'RATE_LIMITED';

interface Explained extends Omit<Explanation, 'objections'> {
  readonly reasons: readonly Reason[];
  /** Whose limits they are. */
  readonly room: { readonly familyId: string; readonly tier: Tier };
  readonly outlook: Outlook;
}

/** GraphQL's Int ends here, and a fan-out of fragments costs more. */
const MAX_INT = 2 ** 31 - 1;

/** Resolvers of explainAccess. It looks and takes nothing: no use is noted of the key, and nothing is counted for it. */
export function accessResolvers({ explainer, keys, holderOf, limiter, now }: AccessResolverOptions) {
  // A document takes as long to validate as a request's own, and one operation can ask about many.
  const turns = new Turns();
  return {
    Query: {
      explainAccess: async (
        _: unknown,
        { keyId, document, operationName = null, variables }: ExplainArguments,
        { principal }: ActorContext,
        { schema }: GraphQLResolveInfo,
      ): Promise<Explained | null> => {
        const key = await keys.find(principal, keyId);
        if (key === null) return null;
        const holder = await holderOf(principal, key);
        const { tier } = holder.principal;
        const question = { document, operationName, variables };
        const { objections, ...explained } = await turns.run(principal.workspaceId, () =>
          explainer.explain(schema, holder.principal, question, principal),
        );
        const room = { familyId: key.familyId, tier };
        const foretold = await foretell(
          limiter,
          { family: key.familyId, tier, workspaceId: key.workspaceId },
          explained,
        );
        const status = statusOf(key, now());
        const reasons: Reason[] = [];
        if (status === 'REVOKED') reasons.push('KEY_REVOKED');
        if (status === 'EXPIRED') reasons.push('KEY_EXPIRED');
        if (holder.left) reasons.push('USER_LEFT');
        reasons.push(...objections);
        if (foretold.outcome === 'never') reasons.push('COST_EXCEEDS_BURST');
        if (foretold.outcome === 'refused') reasons.push('RATE_LIMITED');
        return { ...explained, reasons, room, outlook: foretold };
      },
    },
    AccessExplanation: {
      allowed: ({ reasons }: Explained) => reasons.length === 0,
      cost: ({ cost }: Explained) => cost && Math.min(cost, MAX_INT),
      limited: ({ outlook: { outcome } }: Explained) => outcome !== 'admitted',
      retryAfter: ({ outlook: foretold }: Explained) => (foretold.outcome === 'refused' ? foretold.retryAfterMs : null),
    },
  };
}
