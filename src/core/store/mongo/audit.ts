import type { AuditFilter, AuditStore } from '../auditStore.js';
import { openArchive } from './archive.js';
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
  const headOf = (workspaceId: string): Promise<AuditHeadDocument | null> => heads.findOne({ _id: eq(workspaceId) });

  /** Returns entries of a workspace in the order of the chain, forward or backward. */
  const inChain = (
    workspaceId: string,
    conditions: Filter,
    { by, limit }: { readonly by: 1 | -1; readonly limit: number },
  ): Promise<AuditDocument[]> =>
    entries.find({ workspaceId: eq(workspaceId), ...conditions }, { sort: { seq: by }, limit });

  /**
   * Returns the newest entries before a position. Positions have no gaps, so the range of the page is known before
   * reading it, and even an engine that sorts in memory reads only this page. A chain from which entries were deleted
   * does have gaps.
   */
  const unfiltered = async (workspaceId: string, before: number | null, first: number): Promise<AuditDocument[]> => {
    const end = before ?? ((await headOf(workspaceId))?.seq ?? 0) + 1;
    const start = end - first;
    const newest = { seq: where({ $gte: start, ...(before !== null && { $lt: before }) }) };
    const page = await inChain(workspaceId, newest, { by: -1, limit: first });
    if (page.length === first || start <= 1) return page;
    const older = { seq: where({ $lt: start }) };
    return [...page, ...(await inChain(workspaceId, older, { by: -1, limit: first - page.length }))];
  };

  /**
   * Returns the newest entries in a range of times, by time and then by position. An index can't return a range of
   * times in the order of the chain.
   */
  const dated = async (
    workspaceId: string,
    { from, to, ...filter }: AuditFilter,
    { first, before }: { readonly first: number; readonly before: number | null },
  ): Promise<AuditDocument[]> => {
    const range = { ...(from !== undefined && { $gte: from }), ...(to !== undefined && { $lt: to }) };
    // The cursor is the position of an entry. If there is no such entry, the cursor is invented, and the list starts at
    // the newest entry.
    const place = before === null ? {} : { workspaceId: eq(workspaceId), seq: eq(before) };
    const last = before === null ? null : await entries.findOne(place);
    const conditions = { workspaceId: eq(workspaceId), ...conditionsOf(filter) };
    const order = { sort: { at: -1, seq: -1 }, limit: first } as const;
    if (last === null) return entries.find({ ...conditions, at: where(range) }, order);
    const { at, seq } = last;
    return entries.find(
      {
        ...conditions,
        at: where({ ...range, $lte: at }),
        $or: where([{ at: where({ $lt: at }) }, { seq: where({ $lt: seq }) }]),
      },
      order,
    );
  };

  return {
    ...openArchive(entries, heads, ledger, intents),
    async append(draft) {
      await ledger.append(draft);
    },
    async list(workspaceId, { first, before, filter }) {
      await intents.finishIn(workspaceId);
      const found = await (isDated(filter)
        ? dated(workspaceId, filter, { first, before })
        : isFiltered(filter)
          ? inChain(
              workspaceId,
              { ...conditionsOf(filter), ...(before !== null && { seq: where({ $lt: before }) }) },
              { by: -1, limit: first },
            )
          : unfiltered(workspaceId, before, first));
      return found.map(fromDocument);
    },
    async read(workspaceId, after, first) {
      await intents.finishIn(workspaceId);
      const page = await inChain(
        workspaceId,
        { seq: where({ $gt: after, $lte: after + first }) },
        { by: 1, limit: first },
      );
      // Nothing follows the end of the chain, but entries may follow a gap.
      const left = first - page.length;
      const more =
        left === 0 ? [] : await inChain(workspaceId, { seq: where({ $gt: after + first }) }, { by: 1, limit: left });
      return [...page, ...more].map(fromDocument);
    },
    async head(workspaceId) {
      const head = await headOf(workspaceId);
      return head === null || head.seq === 0 ? null : { seq: head.seq, hash: head.hash };
    },
    async heads(after, first) {
      const begun = { _id: where({ $gt: after }), seq: where({ $gt: 0 }) };
      const page = await heads.find(begun, { sort: { _id: 1 }, limit: first });
      return page.map(({ _id: workspaceId, seq, hash }) => ({ workspaceId, seq, hash }));
    },
  };
}

function isDated({ from, to }: AuditFilter): boolean {
  return from !== undefined || to !== undefined;
}

function isFiltered(filter: AuditFilter): boolean {
  return Object.values(filter).some((value) => value !== undefined);
}

function conditionsOf({ actions, subject, actor, projectId }: AuditFilter): Filter {
  return {
    ...(actions !== undefined && { action: actions.length === 1 ? eq(actions[0] ?? '') : where({ $in: actions }) }),
    ...(subject !== undefined && { subject: eq(subject) }),
    ...(actor !== undefined && { actor: eq(actor) }),
    ...(projectId !== undefined && { projectId: eq(projectId) }),
  };
}
