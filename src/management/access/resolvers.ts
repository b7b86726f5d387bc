import type { GraphQLResolveInfo, GraphQLSchema } from 'graphql';
import type { AuthenticatedPrincipal, Principal } from '../../core/auth/principal.js';
import { jsonSize } from '../../core/guard/answer/size.js';
import { WorkBudgets } from '../../core/guard/answer/work.js';
import type { Explainer, Explanation, Objection, ParsedDocuments } from '../../core/guard/explain.js';
import type { SchemaRegistry } from '../../core/guard/schemaRegistry.js';
import { countTokens } from '../../core/guard/tokens.js';
import type { Actor, ActorContext } from '../../core/keys/actor.js';
import type { WholeKey } from '../../core/keys/configured.js';
import type { KeyService } from '../../core/keys/keyService.js';
import { limitsOf } from '../../core/limits/bounds.js';
import { subjectOfKey } from '../../core/limits/subjects.js';
import type { Limits } from '../../core/limits/limits.js';
import type { Meters } from '../../core/quotas/meters.js';
import type { Limited } from '../../core/limits/subjects.js';
import { statusOf } from '../../core/store/records.js';
import { Turns } from '../../core/util/turns.js';
import { foretell, worse, type Outlook } from './outlook.js';

interface AccessResolverOptions {
  /** The schemas that a document can be for. */
  readonly schemas: Pick<SchemaRegistry, 'besides'>;
  readonly explainer: Explainer;
  readonly keys: Pick<KeyService, 'find'>;
  /** Returns the current holder of the key; `left` if its user was removed. */
  readonly holderOf: (actor: Actor, key: WholeKey) => Promise<Holder>;
  readonly limiter: Pick<Limits, 'peek' | 'tiers'>;
  readonly meters: Pick<Meters, 'read'>;
  readonly now: () => number;
}

interface ExplainArguments {
  readonly keyId: string;
  readonly document: string;
  readonly operationName?: string | null;
  readonly variables?: unknown;
}

/** The operation to explain. */
interface Asked {
  readonly document: string;
  readonly operationName: string | null;
  readonly variables: unknown;
}

interface Principals {
  /** The caller of the operation. */
  readonly holder: AuthenticatedPrincipal;
  /** The caller who receives the explanation. */
  readonly reader: Principal;
}

export interface Holder {
  readonly principal: AuthenticatedPrincipal;
  readonly left: boolean;
}

type Reason = Objection | 'KEY_REVOKED' | 'KEY_EXPIRED' | 'USER_LEFT' | CostReason | LimitReason;

type LimitReason = 'COST_EXCEEDS_BURST' | 'RATE_LIMITED' | 'QUOTA_EXCEEDED';

type CostReason = 'COST_EXCEEDED' | 'LIST_SIZE_REQUIRED';

interface Explained extends Omit<Explanation, 'objections'> {
  readonly reasons: readonly Reason[];
  /** The key family whose limits apply. */
  readonly room: Limited;
  readonly outlook: Outlook;
}

/**
 * The maximum number of tokens in all documents of one operation: three of the largest. A valid document counts once,
 * even if it is explained for several keys. An invalid document counts each time, because its errors are computed each
 * time.
 */
const MAX_TOKENS = 2_100;

/** Bytes of variables, and characters of a document, that count as one token: long names and texts also take time. */
const BYTES_PER_TOKEN = 256;
const CHARACTERS_PER_TOKEN = 128;

/** The maximum of GraphQL's Int. Fragments that fan out can cost more. */
const MAX_INT = 2 ** 31 - 1;

/** Returns the size of a document in tokens. Stops counting at `most`. */
function sizeOf(document: string, most: number): number {
  const size = Math.ceil(document.length / CHARACTERS_PER_TOKEN);
  return Math.max(1, size, size < most ? countTokens(document, most) : 0);
}

/** Returns why the cost of an operation would refuse it. @param max the most that one operation may cost; null if unlimited */
export function costReasons(estimate: Explanation['estimate'], max: number | null): readonly CostReason[] {
  if (estimate === null || max === null || !estimate.isEnforced) return [];
  if (estimate.unsized !== null) return ['LIST_SIZE_REQUIRED'];
  return estimate.cost > max ? ['COST_EXCEEDED'] : [];
}

/** Returns why the limits would refuse an operation. */
export function limitReasons(windows: Outlook, quotas: Outlook): readonly LimitReason[] {
  const reasons: LimitReason[] = [];
  if (windows.outcome === 'never') reasons.push('COST_EXCEEDS_BURST');
  if (windows.outcome === 'refused') reasons.push('RATE_LIMITED');
  if (quotas.outcome !== 'admitted') reasons.push('QUOTA_EXCEEDED');
  return reasons;
}

/** Resolvers of explainAccess. It only reads: it records no use of the key and counts nothing for it. */
export function accessResolvers(options: AccessResolverOptions) {
  const { explainer, schemas, keys, holderOf, limiter, meters, now } = options;
  // Validating a document takes as long as validating the request itself, and one operation can explain many documents.
  const turns = new Turns();
  const budgets = new WorkBudgets({
    limit: MAX_TOKENS,
    path: ['document'],
    message: `The documents in this operation have more than ${MAX_TOKENS} tokens in total (${CHARACTERS_PER_TOKEN} characters count as at least one). Send some of them in another operation.`,
  });
  // Keyed by the variables object, because graphql-js creates one for each execution.
  const documents = new WeakMap<object, Map<GraphQLSchema, ParsedDocuments>>();
  const documentsOf = ({ variableValues }: GraphQLResolveInfo, schema: GraphQLSchema): ParsedDocuments => {
    const bySchema = documents.get(variableValues) ?? new Map<GraphQLSchema, ParsedDocuments>();
    documents.set(variableValues, bySchema);
    const parsed = bySchema.get(schema) ?? (new Map() as ParsedDocuments);
    bySchema.set(schema, parsed);
    return parsed;
  };
  const spend = ({ document, variables }: Asked, info: GraphQLResolveInfo, schema: GraphQLSchema): void => {
    const known = documentsOf(info, schema).get(document);
    const left = budgets.left(info);
    const tokens = known?.errors.length === 0 ? 1 : sizeOf(document, left + 1);
    const more =
      variables == null ? 0 : Math.floor(jsonSize(variables, (left + 1) * BYTES_PER_TOKEN) / BYTES_PER_TOKEN);
    budgets.spend(info, tokens + more);
  };
  /** Explains a document for the first of the schemas in which it is valid, or else for the first. */
  const explain = (asked: Asked, principals: Principals, info: GraphQLResolveInfo): Explanation => {
    const explainFor = (schema: GraphQLSchema): Explanation => {
      spend(asked, info, schema);
      const { holder, reader } = principals;
      return explainer.explain(schema, holder, asked, { reader, parsed: documentsOf(info, schema) });
    };
    const [first = info.schema, ...others] = schemas.besides(info.schema);
    const explained = explainFor(first);
    if (!explained.objections.includes('INVALID_DOCUMENT')) return explained;
    const valid = others.map(explainFor).find(({ objections }) => !objections.includes('INVALID_DOCUMENT'));
    return valid ?? explained;
  };
  return {
    Query: {
      explainAccess: async (
        _: unknown,
        { keyId, document, operationName = null, variables }: ExplainArguments,
        { principal }: ActorContext,
        info: GraphQLResolveInfo,
      ): Promise<Explained | null> => {
        const key = await keys.find(principal, keyId);
        if (key === null) return null;
        const holder = await holderOf(principal, key);
        const question = { document, operationName, variables };
        const principals = { holder: holder.principal, reader: principal };
        const { objections, ...explained } = await turns.run(principal.workspaceId, () =>
          explain(question, principals, info),
        );
        const room = holder.principal;
        const { windows, quotas } = await foretell({ limiter, meters }, holder.principal, explained);
        const status = statusOf(key, now());
        const reasons: Reason[] = [];
        if (status === 'REVOKED') reasons.push('KEY_REVOKED');
        if (status === 'EXPIRED') reasons.push('KEY_EXPIRED');
        if (holder.left) reasons.push('USER_LEFT');
        reasons.push(...objections);
        const max = limitsOf(subjectOfKey(room, limiter.tiers), limiter.tiers).cost?.max ?? null;
        reasons.push(...costReasons(explained.estimate, max));
        reasons.push(...limitReasons(windows, quotas));
        const estimate = explained.estimate && { ...explained.estimate, max };
        return { ...explained, estimate, reasons, room, outlook: worse(windows, quotas) };
      },
    },
    AccessExplanation: {
      allowed: ({ reasons }: Explained) => reasons.length === 0,
      cost: ({ cost }: Explained) => cost && Math.min(cost, MAX_INT),
      limited: ({ outlook: { outcome } }: Explained) => outcome !== 'admitted',
      retryAfter: ({ outlook: foretold }: Explained) =>
        foretold.outcome === 'refused' && Number.isFinite(foretold.retryAfterMs) ? foretold.retryAfterMs : null,
    },
  };
}
