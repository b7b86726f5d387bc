import type { ActorContext } from '../../core/keys/actor.js';
import { badInput } from '../../core/errors/refusal.js';
import type { AuditAction, AuditEntry } from '../../core/store/audit.js';
import { connectionOf } from '../schema/pageConnection.js';
import { listing, pageRows, SEARCH } from '../schema/listing.js';
import type { AuditService } from './auditService.js';

interface AuditArguments {
  readonly first?: number | null;
  readonly after?: string | null;
  readonly filter?: {
    readonly actions?: readonly string[] | null;
    readonly subject?: string | null;
    readonly actor?: string | null;
    readonly projectId?: string | null;
    readonly from?: number | null;
    readonly to?: number | null;
  } | null;
}

/** Resolvers of the audit log. */
export function auditResolvers(audit: AuditService) {
  return {
    Query: {
      auditHead: (_: unknown, __: unknown, { principal }: ActorContext) => audit.head(principal),
      auditLog: listing(
        ({ first, after, filter }: AuditArguments, { principal }: ActorContext) => {
          const { actions, subject, actor, projectId, from, to } = filter ?? {};
          return audit.list(principal, first ?? 50, after == null ? null : placeIn(after), {
            ...(actions != null && { actions: actions.map(actionOf) }),
            ...(subject != null && { subject }),
            ...(actor != null && { actor }),
            ...(projectId != null && { projectId }),
            ...(from != null && { from }),
            ...(to != null && { to }),
          });
        },
        ({ first, filter }) => pageRows(first, 50) + (filter == null ? 0 : SEARCH),
      ),
    },
    AuditHead: {
      archived: (_: unknown, __: unknown, { principal }: ActorContext) => audit.base(principal),
    },
    AuditConnection: connectionOf<AuditEntry>(({ seq }) => String(seq)),
    AuditEntry: {
      action: ({ action }: AuditEntry) => nameOf(action),
      actorKind: ({ actorKind }: AuditEntry) => actorKind.toUpperCase(),
    },
  };
}

/** `key.sent_in_clear` is KEY_SENT_IN_CLEAR in the schema. */
function nameOf(action: AuditAction): string {
  return action.replace('.', '_').toUpperCase();
}

function actionOf(name: string): AuditAction {
  return name.toLowerCase().replace('_', '.') as AuditAction;
}

function placeIn(cursor: string): number {
  if (!/^[1-9]\d{0,14}$/.test(cursor)) {
    throw badInput(['after'], 'Invalid cursor. Use endCursor of the previous page.');
  }
  return Number(cursor);
}
