import {
  amendment,
  expiry,
  foldCase,
  heirOf,
  JUDGED_FIELDS,
  revocation,
  rotation,
  type KeyPatch,
  type Rule,
} from '../changes.js';
import { Duplicate } from '../errors.js';
import type { KeyRecord, KeyStatus, Tier } from '../records.js';
import type { KeyChange, KeyFilter, KeyStore } from '../store.js';
import { eq, where, type Condition, type Documents, type Filter } from './documents.js';
import { toDocument, toRecord, type Intents } from './intents.js';
import { countFamilies, freeSlot, unlessTaken, unlimitedSlot } from './places.js';
import type { KeyDocument, WorkspaceDocument } from './schemas.js';

export function openKeys(
  keys: Documents<KeyDocument>,
  workspaces: Documents<WorkspaceDocument>,
  intents: Intents,
): KeyStore {
  const change = async (
    id: string,
    workspaceId: string | null,
    rule: Rule,
    alongside: (old: KeyRecord) => Promise<{ readonly successor: KeyDocument } | null> = async () => null,
  ): Promise<KeyChange> => {
    for (;;) {
      const document = await keys.findOne(byId(id, workspaceId));
      if (document === null) return { outcome: 'unknown' };
      await intents.finishRotation(document);
      const key = toRecord(document);
      const verdict = rule(key);
      if (verdict.outcome !== 'changed') return { outcome: verdict.outcome, key };
      if (Object.keys(verdict.patch).length === 0) return { outcome: 'changed', key };
      const changed = await keys.update(
        { _id: eq(id), ...asJudged(key) },
        { $set: { ...withFolded(verdict.patch), ...(await alongside(key)) } },
      );
      if (changed !== null) {
        await intents.finishRotation(changed);
        return { outcome: 'changed', key: toRecord(changed) };
      }
      // Another process changed what the rule judged by: it has to judge anew.
    }
  };

  return {
    async insert(key, places, now) {
      if (!(await intents.finishIn(key.workspaceId))) throw new Error(`There is no workspace ${key.workspaceId}.`);
      for (;;) {
        const place = places === null ? { slot: unlimitedSlot() } : await freeSlot(keys, key.workspaceId, places, now);
        if ('living' in place) return { outcome: 'full', living: place.living };
        const inserted = await unlessTaken(async () => {
          await keys.insert(toDocument(key, place.slot));
          return true;
        });
        if (inserted !== null) return { outcome: 'inserted' };
      }
    },
    async findForVerification(lookupId) {
      const [found] = await keys.aggregate<KeyDocument & { workspace: { tier: Tier }[] }>([
        { $match: { lookupId: eq(lookupId) } },
        {
          $lookup: {
            from: workspaces.collectionName,
            localField: 'workspaceId',
            foreignField: '_id',
            as: 'workspace',
          },
        },
      ]);
      const workspace = found?.workspace[0];
      return found && workspace ? { key: toRecord(found), tier: workspace.tier } : null;
    },
    async find(id, workspaceId) {
      const document = await keys.findOne(byId(id, workspaceId));
      if (document === null) return null;
      await intents.finishRotation(document);
      return toRecord(document);
    },
    async countFamilies(workspaceId, now) {
      await intents.finishIn(workspaceId);
      return countFamilies(keys, workspaceId, now);
    },
    async list(workspaceId, { first, after, filter, now }) {
      await intents.finishIn(workspaceId);
      const matching = [{ workspaceId: eq(workspaceId) }, ...conditions(filter, now)];
      const older = after && {
        $or: where([
          { createdAt: where({ $lt: after.createdAt }) },
          { createdAt: eq(after.createdAt), _id: where({ $lt: after.id }) },
        ]),
      };
      const [rows, total] = await Promise.all([
        keys.find(
          { $and: where(older ? [...matching, older] : matching) },
          { sort: { createdAt: -1, _id: -1 }, limit: first + 1 },
        ),
        keys.count({ $and: where(matching) }),
      ]);
      return { keys: rows.slice(0, first).map(toRecord), hasNextPage: rows.length > first, total };
    },
    async rotate(id, workspaceId, successor, overlapEnd, now) {
      return change(id, workspaceId, rotation(successor.id, overlapEnd, now), async (old) => {
        const taken = await intents.taken(successor);
        if (taken !== null) throw new Duplicate(taken, undefined);
        return { successor: toDocument(heirOf(old, successor)) };
      });
    },
    async expire(id, workspaceId, at, now) {
      return change(id, workspaceId, expiry(at, now));
    },
    async revoke(id, workspaceId, reason, now) {
      return change(id, workspaceId, revocation(reason, now));
    },
    async update(id, workspaceId, amended, now) {
      return change(id, workspaceId, amendment(amended, now));
    },
    async saveDigest(id, digest) {
      await keys.update({ _id: eq(id) }, { $set: { digest } });
    },
    async touch(uses) {
      if (uses.size === 0) return;
      await keys.bulkWrite(
        [...uses].map(([id, at]) => ({
          updateOne: { filter: { _id: eq(id) }, update: { $max: { lastUsedAt: at } } },
        })),
      );
    },
  };
}

function byId(id: string, workspaceId: string | null): Filter {
  return { _id: eq(id), ...(workspaceId !== null && { workspaceId: eq(workspaceId) }) };
}

function asJudged(key: KeyRecord): Filter {
  return Object.fromEntries(JUDGED_FIELDS.map((field) => [field, eq(key[field])]));
}

function withFolded(patch: KeyPatch): object {
  return patch.name === undefined ? patch : { ...patch, nameFolded: foldCase(patch.name) };
}

function conditions(filter: KeyFilter, now: number): Filter[] {
  const { status, type, environment, nameContains, scope } = filter;
  return [
    ...(status === undefined ? [] : [ofStatus(status, now)]),
    ...(type === undefined ? [] : [{ type: eq(type) }]),
    ...(environment === undefined ? [] : [{ environment: eq(environment) }]),
    ...(scope === undefined ? [] : [{ scopes: eq(scope) }]),
    ...(nameContains === undefined ? [] : [{ $expr: contains('$nameFolded', foldCase(nameContains)) }]),
  ];
}

/** A search for a literal and not a pattern: nothing to escape, and nothing that a caller could make slow. */
function contains(field: string, part: string): Condition {
  return where({ $gte: [{ $indexOfCP: [field, { $literal: part }] }, 0] });
}

/** statusOf of records.ts, for queries. */
function ofStatus(status: KeyStatus, now: number): Filter {
  switch (status) {
    case 'REVOKED':
      return { revokedAt: where({ $ne: null }) };
    case 'EXPIRED':
      return { revokedAt: eq(null), expiresAt: where({ $lte: now }) };
    case 'ACTIVE':
      return { revokedAt: eq(null), $or: where([{ expiresAt: eq(null) }, { expiresAt: where({ $gt: now }) }]) };
  }
}
