import type { AuditStore } from '../store.js';
import { eq, where, type Documents, type Filter } from './documents.js';
import type { Intents } from './intents.js';
import { fromDocument, type Ledger } from './ledger.js';
import type { AuditDocument, AuditHeadDocument } from './schemas.js';

export function openAudit(
  entries: Documents<AuditDocument>,
  heads: Documents<AuditHeadDocument>,
  ledger: Ledger,
  intents: Intents,
): AuditStore {
  return {
    async append(draft) {
      await ledger.append(draft);
    },
    async list(workspaceId, { first, before, filter }) {
      await intents.finishIn(workspaceId);
      const { actions, subject, actor, projectId, from, to } = filter;
      const conditions: Filter = {
        workspaceId: eq(workspaceId),
        ...(before !== null && { seq: where({ $lt: before }) }),
        ...(actions !== undefined && { action: where({ $in: actions }) }),
        ...(subject !== undefined && { subject: eq(subject) }),
        ...(actor !== undefined && { actor: eq(actor) }),
        ...(projectId !== undefined && { projectId: eq(projectId) }),
        ...((from !== undefined || to !== undefined) && {
          at: where({ ...(from !== undefined && { $gte: from }), ...(to !== undefined && { $lt: to }) }),
        }),
      };
      return (await entries.find(conditions, { sort: { seq: -1 }, limit: first })).map(fromDocument);
    },
    async read(workspaceId, after, first) {
      await intents.finishIn(workspaceId);
      const rows = await entries.find(
        { workspaceId: eq(workspaceId), seq: where({ $gt: after }) },
        { sort: { seq: 1 }, limit: first },
      );
      return rows.map(fromDocument);
    },
    async head(workspaceId) {
      const head = await heads.findOne({ _id: eq(workspaceId) });
      return head && { seq: head.seq, hash: head.hash };
    },
    async heads(after, first) {
      const page = await heads.find({ _id: where({ $gt: after }) }, { sort: { _id: 1 }, limit: first });
      return page.map(({ _id: workspaceId, seq, hash }) => ({ workspaceId, seq, hash }));
    },
  };
}
