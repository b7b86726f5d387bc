import {
  amendment,
  asJudged,
  expiry,
  heirOf,
  JUDGED_FIELDS,
  firstRevocation,
  revocation,
  rotation,
  unjudged,
  type KeyPatch,
  type Rule,
} from '../changes.js';
import type { AuditAction, Occasion } from '../audit.js';
import { keyChanged } from '../entries.js';
import { Duplicate } from '../storeErrors.js';
import { GRANT_FIELDS } from '../keyFields.js';
import { NEWEST_FIRST, ORDERED_BY, readInOrder } from '../ordering.js';
import { subjectsOf, type KeyRecord, type Tier } from '../records.js';
import { firstById } from '../firstById.js';
import type { KeyChange, KeyStore, KeyWithTier, Places } from '../keyStore.js';
import { fold } from '../../../shared/text/fold.js';
import { eq, unchanged, where, type Documents, type Filter, type Update } from './documents.js';
import { SUMMARY_PROJECTION, toDocument, toDocuments, toRecord, toSummary, toUser, type Intents } from './intents.js';
import { findOverrides } from './limitOverrides.js';
import { limitOf, placeKindOf } from '../places.js';
import { toDocument as toEntry, withJudged, withoutEntry } from './ledger.js';
import { changedEnds, countFamilies, endsOf, RELEASE } from './families.js';
import { insertionInto } from './insertion.js';
import { byId, byIds, cluesOf, conditions, inRange } from './keyFilters.js';
import { slotFor, unlessTaken } from './places.js';
import { removeEnded } from './removal.js';
import {
  FOLDING,
  type KeyDocument,
  type OverrideDocument,
  type UserDocument,
  type WorkspaceDocument,
} from './schemas.js';
import type { ReadConcern } from './sessions.js';

interface ChangeOptions {
  /**
   * Returns the successor to write with the change and to issue. Nothing is written if the owner or the author no
   * longer allows it.
   */
  readonly handOut?: (old: KeyRecord) => Promise<{ readonly successor: KeyDocument }>;
  /** The places from which a change of scopes may take one. Default: any number. */
  readonly places?: Places;
}

interface KeysOptions {
  readonly keys: Documents<KeyDocument>;
  readonly workspaces: Documents<WorkspaceDocument>;
  readonly users: Documents<UserDocument>;
  readonly overrides: Documents<OverrideDocument>;
  readonly intents: Intents;
  readonly lookUps: ReadConcern;
}

export function openKeys({ keys, workspaces, users, overrides, intents, lookUps }: KeysOptions): KeyStore {
  const change = async (
    { id, workspaceId }: { readonly id: string; readonly workspaceId: string | null },
    rule: Rule,
    entry: Occasion & { readonly action: AuditAction },
    { handOut, places = null }: ChangeOptions = {},
  ): Promise<KeyChange> => {
    for (;;) {
      const document = await keys.findOne(byId(id, workspaceId));
      if (document === null) return { outcome: 'unknown' };
      if (!(await intents.finishKey(document)) && document.unconfirmed !== undefined) continue;
      const key = toRecord(document);
      const verdict = rule(key);
      if (verdict.outcome !== 'changed') return { outcome: verdict.outcome, key };
      if (Object.keys(verdict.patch).length === 0) return { outcome: 'changed', key };
      const taken = await placeFor(document, verdict.patch, places, entry.at);
      const handed = await handOut?.(key);
      // Last, to keep the time before the write short.
      const forfeit = await (handOut === undefined
        ? intents.judgedForfeit(entry.author)
        : intents.forfeitOf(key, entry.author));
      if (forfeit !== null) return { outcome: forfeit, key };
      if ('living' in taken) return { outcome: 'full', key, living: taken.living };
      const draft = keyChanged(entry.action, key, { ...key, ...verdict.patch }, entry);
      const written = {
        ...withFolded(verdict.patch),
        ...handed,
        ...taken,
        entry: withJudged(toEntry(draft), entry.author),
      };
      const changed = await unlessTaken(() => keys.update(asReadBefore(document, key), withEnds(document, written)));
      if (changed !== null) {
        if (await intents.finishKey(changed)) return { outcome: 'changed', key: toRecord(changed) };
        return { outcome: (await intents.forfeitOf(key, entry.author)) ?? 'userLeft', key: toRecord(changed) };
      }
      // Another process changed fields that affect the verdict or the entry: the rule must be applied again.
    }
  };

  /** @param filter matches at most one key, by a unique index */
  const findWithTier = async (filter: Filter): Promise<KeyWithTier | null> => {
    const [found] = await keys.aggregate<KeyDocument & { workspace: { tier: Tier; hasOverrides?: boolean }[] }>(
      [
        { $match: filter },
        {
          $lookup: {
            from: workspaces.collectionName,
            localField: 'workspaceId',
            foreignField: '_id',
            as: 'workspace',
          },
        },
      ],
      { readConcern: lookUps },
    );
    const workspace = found?.workspace[0];
    if (found === undefined || found.removed === true || workspace === undefined) return null;
    const key = toRecord(found);
    // A separate read instead of a second $lookup, which would slow down all lookups.
    const user = key.userId === null ? null : await users.findOne({ _id: eq(key.userId) }, lookUps);
    const owner = user && toUser(user);
    const subjects = workspace.hasOverrides === true ? subjectsOf(key, owner) : [];
    const current = subjects.length === 0 ? [] : await findOverrides(overrides, key.workspaceId, subjects, lookUps);
    return { key, tier: workspace.tier, user: owner, ...(current.length > 0 && { overrides: current }) };
  };

  /** Revokes keys for which no other change is in progress. Skips keys that another caller changes in the meantime. */
  const revokeReady = async (
    ready: readonly KeyDocument[],
    reason: string | null,
    entry: Occasion & { readonly action: AuditAction },
  ): Promise<KeyRecord[]> => {
    const [first] = ready;
    if (first === undefined) return [];
    const patch = { revokedAt: entry.at, revokedReason: reason };
    const entryIds = new Set<string>();
    const writes = ready.map((document) => {
      const key = toRecord(document);
      const written = { ...patch, entry: toEntry(keyChanged(entry.action, key, { ...key, ...patch }, entry)) };
      entryIds.add(written.entry._id);
      return { updateOne: { filter: asReadBefore(document, key), update: withEnds(document, written) } };
    });
    await keys.bulkWrite(writes);
    const after = await keys.find({ _id: where({ $in: ready.map(({ _id }) => _id) }) });
    const own = after.filter((document) => document.entry !== undefined && entryIds.has(document.entry._id));
    await intents.finishRevocations(first.workspaceId, own, entry.at);
    // Another process may have finished a revocation already.
    return after.filter(({ revokedAt }) => revokedAt === entry.at).map(toRecord);
  };

  /** Returns the slot that a change of a key's scopes needs; often it needs none. */
  const placeFor = async (
    document: KeyDocument,
    { scopes }: KeyPatch,
    places: Places,
    now: number,
  ): Promise<{ readonly slot?: number } | { readonly living: number }> => {
    if (scopes === undefined || placeKindOf({ scopes }) === placeKindOf(document)) return {};
    const workspace = await workspaces.findOne({ _id: eq(document.workspaceId) });
    const limit = limitOf(places, workspace?.tier, placeKindOf({ scopes }));
    return slotFor(keys, document, scopes, { limit, now });
  };

  const revokeMany: KeyStore['revokeMany'] = async (ids, workspaceId, reason, { at, author }) => {
    const entry = { action: 'key.revoked', at, author: unjudged(author) } as const;
    const documents = await keys.find(byIds(ids, workspaceId));
    const isUnderWay = (key: KeyDocument): boolean => key.entry !== undefined || key.successor !== undefined;
    const ready = documents.filter((key) => key.revokedAt === null && !isUnderWay(key));
    const revoked = await revokeReady(ready, reason, entry);
    // Changes that another process has committed are finished first.
    for (const { _id } of documents.filter(isUnderWay)) {
      const changed = await change({ id: _id, workspaceId }, firstRevocation(reason, at), entry);
      if (changed.outcome === 'changed') revoked.push(changed.key);
    }
    return revoked;
  };

  return {
    ...insertionInto({ keys, intents, revokeMany }),
    findForVerification: (lookupId) => findWithTier({ lookupId: eq(lookupId) }),
    findForDerived: (id) => findWithTier({ _id: eq(id) }),
    async nextLookupId(from) {
      const [found] = await keys.find(
        { lookupId: where({ $gte: from }) },
        { sort: { lookupId: 1 }, limit: 1, fields: ['lookupId'] },
      );
      return found?.lookupId ?? null;
    },
    async find(id, workspaceId) {
      const document = await keys.findOne(byId(id, workspaceId));
      if (document === null) return null;
      const holds = await intents.finishKey(document);
      return holds || document.unconfirmed === undefined ? toRecord(document) : null;
    },
    async findMany(ids, workspaceId) {
      return intents.finishSummaries(await keys.find(byIds(ids, workspaceId), { fields: SUMMARY_PROJECTION }));
    },
    async documentsOf(ids, workspaceId) {
      const found = await keys.find(byIds(ids, workspaceId), { fields: ['trustedDocuments'] });
      return found.map(toDocuments);
    },
    async search(clues, { workspaceId, projectId }, limit) {
      if (workspaceId !== null) await intents.finishIn(workspaceId);
      const reach = {
        ...(workspaceId !== null && { workspaceId: eq(workspaceId) }),
        ...(projectId !== null && { projectId: eq(projectId) }),
        removed: eq(null),
      };
      const found = await Promise.all(
        cluesOf(clues).map((clue) =>
          keys.find({ ...clue, ...reach }, { sort: { lookupId: 1 }, limit, fields: SUMMARY_PROJECTION }),
        ),
      );
      return firstById(await intents.finishSummaries(found.flat()), limit);
    },
    async countFamilies(workspaceId, now, kind) {
      await intents.finishIn(workspaceId);
      return countFamilies(keys, workspaceId, now, kind);
    },
    async list(workspaceId, { first, after, filter, order = NEWEST_FIRST, now }) {
      await intents.finishIn(workspaceId);
      const matching = [{ workspaceId: eq(workspaceId) }, ...conditions(filter, now)];
      const by = order.direction === 'ASC' ? 1 : -1;
      const rows = await readInOrder(order.field, after, first + 1, (range, from, limit) =>
        keys.find(
          { $and: where([...matching, inRange(order, range, from)]) },
          { sort: { [ORDERED_BY[order.field]]: by, _id: by }, limit, fields: SUMMARY_PROJECTION },
        ),
      );
      return { keys: rows.slice(0, first).map(toSummary), hasNextPage: rows.length > first };
    },
    async count(workspaceId, filter, now) {
      await intents.finishIn(workspaceId);
      return keys.count({ $and: where([{ workspaceId: eq(workspaceId) }, ...conditions(filter, now)]) });
    },
    async rotate(id, workspaceId, { successor, overlapEnd }, { judged, ...occasion }) {
      const entry = { action: 'key.rotated', ...occasion } as const;
      const handOut = async (old: KeyRecord) => {
        const taken = await intents.taken(successor);
        if (taken !== null) throw new Duplicate(taken, undefined);
        return { successor: toDocument(heirOf(old, successor)) };
      };
      const rule = asJudged(judged, rotation(successor.id, overlapEnd, entry.at));
      return change({ id, workspaceId }, rule, entry, { handOut });
    },
    async expire(id, workspaceId, end, { judged, ...occasion }) {
      const rule = asJudged(judged, expiry(end, occasion.at));
      return change({ id, workspaceId }, rule, { action: 'key.expired', ...occasion });
    },
    async revoke(id, workspaceId, reason, occasion) {
      return change({ id, workspaceId }, revocation(reason, occasion.at), { action: 'key.revoked', ...occasion });
    },
    revokeMany,
    async update(id, workspaceId, amended, { judged, places = null, ...occasion }) {
      const rule = asJudged(judged, amendment(amended, occasion.at));
      return change({ id, workspaceId }, rule, { action: 'key.updated', ...occasion }, { places });
    },
    async saveDigest(id, digest) {
      await keys.update(byId(id, null), { $set: { digest } });
    },
    async touch(uses) {
      if (uses.size === 0) return;
      await keys.bulkWrite(
        [...uses].map(([id, at]) => ({
          updateOne: { filter: byId(id, null), update: { $max: { lastUsedAt: at } } },
        })),
      );
    },
    removeEnded: (before, limit) => removeEnded(keys, intents, before, limit),
  };
}

/** Matches a key without a pending change, whose fields that affect a verdict or an entry are as they were read. */
function asReadBefore(document: KeyDocument, key: KeyRecord): Filter {
  return {
    _id: eq(document._id),
    ...unchanged(key, [...JUDGED_FIELDS, ...GRANT_FIELDS]),
    slot: eq(document.slot ?? null),
    turn: eq(document.turn ?? null),
    ...withoutEntry(),
  };
}

/** Returns the update for a change of a key, including its family's ends. See families.ts. */
function withEnds(document: KeyDocument, written: Partial<KeyDocument>): Update {
  if (document.slot === undefined && written.slot === undefined) return { $set: written };
  const after = { ...document, ...written };
  const ends = changedEnds(document, after, written.successor);
  if (ends === null) {
    // It takes a slot in addition to others of its family. Stores its own ends until the change is finished.
    return { $set: written.slot === undefined ? written : { ...written, ...endsOf([after]) } };
  }
  if (after.revokedAt === null) return { $set: { ...written, ...ends } };
  return { $set: { ...written, turn: ends.turn }, ...RELEASE };
}

function withFolded(patch: KeyPatch): object {
  return patch.name === undefined ? patch : { ...patch, nameFolded: fold(patch.name), folding: FOLDING };
}
