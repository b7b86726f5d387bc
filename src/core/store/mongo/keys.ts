import { setTimeout as delay } from 'node:timers/promises';
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
import { keyChanged, keyCreated } from '../entries.js';
import { Duplicate } from '../storeErrors.js';
import { GRANT_FIELDS } from '../keyFields.js';
import { NEWEST_FIRST, ORDERED_BY, readInOrder, type KeyOrder, type KeyPosition } from '../ordering.js';
import { FOREIGN, subjectsOf, type KeyRecord, type KeyStatus, type Tier } from '../records.js';
import { firstById } from '../firstById.js';
import type { KeyChange, KeyClues, KeyFilter, KeyStore, KeyWithTier, Places } from '../keyStore.js';
import { shown } from '../../../shared/optionChecks.js';
import { fold } from '../../../shared/text/fold.js';
import { eq, parts, unchanged, where, type Condition, type Documents, type Filter, type Update } from './documents.js';
import { SUMMARY_PROJECTION, toDocument, toDocuments, toRecord, toSummary, toUser, type Intents } from './intents.js';
import { findOverrides } from './limitOverrides.js';
import { limitOf, placeKindOf } from '../places.js';
import { toDocument as toEntry, withJudged, withoutEntry } from './ledger.js';
import { changedEnds, countFamilies, endsOf, RELEASE, unlimitedSlot } from './families.js';
import { OneByOne } from './oneByOne.js';
import { freeSlot, insertAtPlaces, slotFor, unlessTaken } from './places.js';
import { removeEnded } from './removal.js';
import {
  FOLDING,
  FOREIGN_END,
  type KeyDocument,
  type OverrideDocument,
  type UserDocument,
  type WorkspaceDocument,
} from './schemas.js';
import type { ReadConcern } from './sessions.js';

/** The number of keys that are revoked with one call. */
const REVOKED = 100;

/** The reason of a revocation of keys that were created with others, if not all of them could be. */
const WITHDRAWN = 'Not all keys of the call could be created.';

/** How often the insertion of several keys is tried if there are too few places, and the pause in between, in ms. */
const [ATTEMPTS, PAUSE] = [3, 50];

/** The same if there are places for all of them, which concurrent calls took and gave up. */
const MAX_ATTEMPTS = 12;

interface ChangeOptions {
  /**
   * Returns the successor to write with the change and to issue. Nothing is written if the owner or the author no
   * longer allows it.
   */
  readonly handOut?: (old: KeyRecord) => Promise<{ readonly successor: KeyDocument }>;
  /** The places that a change of scopes may take one of. Default: any number. */
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

  /** Revokes keys that no other change is under way for. Leaves out keys that somebody changes in the meantime. */
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

  // Compatible engines need a second or more to notice that concurrent insertions of the same key, or at the same place, wait
  // for each other.
  const sameKey = new OneByOne();
  const samePlace = new OneByOne();

  /**
   * Inserts a key at a free place.
   *
   * @returns the number of active families instead of the document if there is no place
   */
  const place = async (
    key: KeyRecord,
    limit: number | null,
    now: number,
    more: Pick<KeyDocument, 'entry' | 'unconfirmed'>,
  ): Promise<{ readonly document: KeyDocument } | { readonly living: number }> => {
    const { workspaceId, lookupId } = key;
    const kind = placeKindOf(key);
    for (let wasTaken = false; ; wasTaken = true) {
      const free =
        limit === null
          ? { slot: unlimitedSlot(kind) }
          : await freeSlot(keys, { workspaceId, kind, places: limit, now }, wasTaken);
      if ('living' in free) return free;
      const document = { ...toDocument(key, free.slot), ...more };
      const inserted = await sameKey.run(lookupId, () =>
        samePlace.run(`${workspaceId} ${free.slot}`, () => unlessTaken(() => keys.insert(document))),
      );
      if (inserted !== null) return { document };
    }
  };

  /** Inserts keys of one workspace, each at a free place, or none. @throws Duplicate */
  const placeMany = async (
    many: readonly KeyDocument[],
    places: Places,
    tier: Tier,
    now: number,
  ): Promise<{ readonly documents: readonly KeyDocument[] } | { readonly living: number }> => {
    const documents: KeyDocument[] = [];
    try {
      for (const kind of ['keys', 'adminKeys'] as const) {
        const ofKind = many.filter((key) => placeKindOf(key) === kind);
        const placed = await insertAtPlaces(keys, ofKind, { kind, places: limitOf(places, tier, kind), now });
        documents.push(...placed.documents);
        if (placed.living !== null) return { living: placed.living };
      }
      return { documents };
    } catch (error) {
      if (error instanceof Duplicate) await withdraw(many);
      throw error;
    }
  };

  /** Returns whether a workspace currently has places for several keys. */
  const fit = async (many: readonly KeyDocument[], places: Places, tier: Tier, now: number): Promise<boolean> => {
    const workspaceId = many[0]?.workspaceId ?? '';
    const fits = (['keys', 'adminKeys'] as const).map(async (kind) => {
      const [needed, limit] = [many.filter((key) => placeKindOf(key) === kind).length, limitOf(places, tier, kind)];
      return needed === 0 || limit === null || (await countFamilies(keys, workspaceId, now, kind)) + needed <= limit;
    });
    return (await Promise.all(fits)).every(Boolean);
  };

  /** Removes keys that were inserted here and not confirmed yet. */
  const withdraw = (documents: readonly KeyDocument[]): Promise<void> =>
    keys.removeMany({
      _id: where({ $in: documents.map(({ _id }) => _id) }),
      'entry._id': where({ $in: documents.flatMap(({ entry }) => entry?._id ?? []) }),
      unconfirmed: where({ $exists: true }),
    });

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

  const bulks = new OneByOne();

  const insertAll: KeyStore['insertMany'] = async (many, places, now, author) => {
    const [first] = many;
    if (first === undefined) return { outcome: 'inserted' };
    /**
     * Removes the keys of this call. Those that another process has confirmed in the meantime are revoked.
     *
     * @returns whether all were removed, so that they can be inserted again
     */
    const giveUp = async (documents: readonly KeyDocument[]): Promise<boolean> => {
      await withdraw(documents);
      const left = await keys.find({ _id: where({ $in: documents.map(({ _id }) => _id) }) }, { fields: ['_id'] });
      const ids = left.map(({ _id }) => _id);
      for (const part of parts(ids, REVOKED)) await revokeMany(part, first.workspaceId, WITHDRAWN, { at: now });
      return ids.length === 0;
    };
    for (let attempts = 1; ; attempts++) {
      const workspace = await intents.workspace(first.workspaceId);
      if (workspace === null) throw new Error(`There is no workspace ${first.workspaceId}.`);
      const forfeit = await intents.forfeitOfAny(many, author);
      if (forfeit !== null) return { outcome: forfeit };
      const { tier } = workspace;
      const drafts = many.map((key) => ({
        ...toDocument(key, 0),
        entry: withJudged(toEntry(keyCreated(key, { at: now, author })), author),
        unconfirmed: tier,
      }));
      const placed = await placeMany(drafts, places, tier, now);
      if ('documents' in placed && (await intents.finishInsertions(placed.documents, many, author))) {
        return { outcome: 'inserted' };
      }
      const isClean = await giveUp(drafts);
      // Each call gives up its places before it looks, so the last of several concurrent calls finds those of all others.
      const mayFit = attempts < ATTEMPTS || (attempts < MAX_ATTEMPTS && (await fit(drafts, places, tier, now)));
      if (!isClean || !mayFit) {
        const living = 'living' in placed ? placed.living : await countFamilies(keys, first.workspaceId, now, 'keys');
        const late = await intents.forfeitOfAny(many, author);
        return late === null ? { outcome: 'full', living } : { outcome: late };
      }
      // Keys of a process that crashed, or of calls that will be withdrawn, take places until then.
      await delay(Math.random() * attempts * PAUSE);
      await intents.finishIn(first.workspaceId);
    }
  };

  return {
    async insert(key, places, now, author) {
      const entry = withJudged(toEntry(keyCreated(key, { at: now, author })), author);
      for (let isFinished = false; ;) {
        const workspace = await intents.workspace(key.workspaceId);
        if (workspace === null) throw new Error(`There is no workspace ${key.workspaceId}.`);
        const forfeit = await intents.forfeitOf(key, author);
        if (forfeit !== null) return { outcome: forfeit };
        const { tier } = workspace;
        const inserted = await place(key, limitOf(places, tier, placeKindOf(key)), now, { entry, unconfirmed: tier });
        if ('living' in inserted) {
          if (isFinished) return { outcome: 'full', living: inserted.living };
          // A crashed process may have left a key that will be withdrawn, and takes a place until then.
          await intents.finishIn(key.workspaceId);
          isFinished = true;
          continue;
        }
        if (await intents.finishKey(inserted.document)) return { outcome: 'inserted' };
        // A condition of its insertion has changed meanwhile, so it was withdrawn.
      }
    },
    // Concurrent calls would take places from each other, give them up, and try again.
    insertMany: (many, places, now, author) =>
      places === null
        ? insertAll(many, places, now, author)
        : bulks.run(many[0]?.workspaceId ?? '', () => insertAll(many, places, now, author)),
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

/**
 * Matches keys after a position in one range of an order. Comparisons match only values of the operand's type, so never
 * null. The first condition bounds the index; the second excludes keys with the same value that come before.
 */
function inRange({ field, direction }: KeyOrder, range: 'valued' | 'empty', after: KeyPosition | null): Filter {
  const column = ORDERED_BY[field];
  const beyond = direction === 'ASC' ? '$gt' : '$lt';
  if (range === 'empty') {
    return { [column]: eq(null), ...(after !== null && { _id: where({ [beyond]: after.id }) }) };
  }
  if (after === null) return { [column]: where({ $gte: field === 'NAME' ? '' : -Number.MAX_SAFE_INTEGER }) };
  const { value, id } = after;
  return {
    [column]: where({ [`${beyond}e`]: value }),
    $or: where([{ [column]: where({ [beyond]: value }) }, { _id: where({ [beyond]: id }) }]),
  };
}

function cluesOf({ lookupIds, beginning, foreignPrefix }: KeyClues): Filter[] {
  return [
    ...(lookupIds.length === 0 ? [] : [{ lookupId: where({ $in: [...lookupIds] }) }]),
    // `z` is the last character that occurs in lookup IDs, and `{` follows it.
    ...(beginning === null ? [] : [{ lookupId: where({ $gte: beginning, $lt: `${beginning}{` }) }]),
    ...(foreignPrefix === null
      ? []
      : [{ tokenPrefix: eq(foreignPrefix), lookupId: where({ $gte: FOREIGN, $lt: FOREIGN_END }) }]),
  ];
}

function byId(id: string, workspaceId: string | null): Filter {
  return { _id: eq(id), removed: eq(null), ...(workspaceId !== null && { workspaceId: eq(workspaceId) }) };
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

function byIds(ids: readonly string[], workspaceId: string | null): Filter {
  return {
    _id: where({ $in: [...ids] }),
    removed: eq(null),
    ...(workspaceId !== null && { workspaceId: eq(workspaceId) }),
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

function conditions(filter: KeyFilter, now: number): Filter[] {
  const { status, type, environment, nameContains, scope, projectId, userId, externalId } = filter;
  return [
    ...(status === undefined ? [] : [ofStatus(status, now)]),
    ...(type === undefined ? [] : [{ type: eq(type) }]),
    ...(environment === undefined ? [] : [{ environment: eq(environment) }]),
    ...(scope === undefined ? [] : [{ scopes: eq(scope) }]),
    ...(projectId === undefined ? [] : [{ projectId: eq(projectId) }]),
    ...(userId === undefined ? [] : [{ userId: eq(userId) }]),
    ...(externalId === undefined ? [] : [{ externalId: eq(externalId) }]),
    ...(nameContains === undefined ? [] : [{ $expr: contains('$nameFolded', fold(nameContains)) }]),
  ];
}

/** Matches literal text instead of a pattern, so nothing must be escaped, and a caller can't make it slow. */
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
    // An empty filter would match every key.
    default:
      throw new TypeError(`There is no key status ${shown(status)}.`);
  }
}
