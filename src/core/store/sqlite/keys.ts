import type { AuditAction, Author, Occasion } from '../audit.js';
import {
  amendment,
  asJudged,
  expiry,
  heirOf,
  isOwner,
  isRetired,
  keyOf,
  firstRevocation,
  revocation,
  rotation,
  unjudged,
  type Forfeit,
  type Rule,
} from '../changes.js';
import { countsByKind, limitOf, placeKindOf } from '../places.js';
import { firstById } from '../firstById.js';
import { keyChanged, keyCreated } from '../entries.js';
import { KEY_SUMMARY_FIELDS, PATCHED_FIELDS } from '../keyFields.js';
import { FOREIGN, subjectsOf, type KeyRecord, type Tier } from '../records.js';
import type { KeyChange, KeyStore, KeyWithTier, PlaceKind, Places } from '../keyStore.js';
import type { Audit } from './audit.js';
import type { Connection, Params } from './connection.js';
import type { FindOverrides } from './overrideRows.js';
import { openKeyRemoval } from './keyRemoval.js';
import {
  ALIVE,
  COLUMNS,
  SUMMARY,
  toDocuments,
  toRecord,
  toRow,
  toSummary,
  type KeyDocumentsRow,
  type KeyRow,
  type KeySummaryRow,
} from './keyRows.js';
import type { Sliced } from './sliced.js';
import { fold } from '../../../shared/text/fold.js';
import type { FindUser } from './userRows.js';

/** The key operations, and the functions that other operations use. */
export interface SqliteKeys extends Omit<KeyStore, keyof Sliced['keys']> {
  /** Writes a key, without checking places or adding an entry, in the current transaction. */
  add(key: KeyRecord): void;
  /**
   * Returns why a key with this owner must not be created by this author, in the current transaction; null if it may be.
   */
  forfeitOf(key: Pick<KeyRecord, 'workspaceId' | 'userId'>, author: Author | undefined): Forfeit | null;
  /** Returns why this author must not change anything; null if there is no reason. Only checks authors with `judged`. */
  judgedForfeit(author: Author | undefined): 'authorEnded' | null;
}

/** The columns that a change writes. Trusted documents are in their own table. */
const PATCHED = PATCHED_FIELDS.filter((field) => field !== 'trustedDocuments');
const REACHED = `($workspaceId IS NULL OR workspaceId = $workspaceId) AND ($projectId IS NULL OR projectId = $projectId)`;
/** Sorts after every lookup ID with a prefix: `z` is the last character that occurs in lookup IDs. */
const END = '{';

/**
 * A creation reads at most this many active keys for each place of the tier, and this many more. Families rarely have
 * more than two active keys.
 */
const KEYS_BY_PLACE = 4;
const KEYS_COUNTED = 10_000;

interface Family {
  readonly familyId: string;
  readonly administers: number;
}

export function openKeys(
  connection: Connection,
  audit: Audit,
  { findUser, findOverrides }: { readonly findUser: FindUser; readonly findOverrides: FindOverrides },
): SqliteKeys {
  const insert = connection.prepare(
    `INSERT INTO keys (${KEY_SUMMARY_FIELDS.join(', ')}, nameFolded, administers)
     VALUES (${KEY_SUMMARY_FIELDS.map((field) => `$${field}`).join(', ')}, $nameFolded, $administers)`,
  );
  const saveDocuments = connection.prepare(
    `INSERT INTO keyDocuments VALUES ($id, $documents)
     ON CONFLICT (keyId) DO UPDATE SET documents = excluded.documents`,
  );
  const dropDocuments = connection.prepare('DELETE FROM keyDocuments WHERE keyId = $id');
  const findWithTier = (condition: string) =>
    connection.prepare<KeyRow & { readonly tier: Tier }>(
      `SELECT ${COLUMNS}, workspaces.tier FROM keys JOIN workspaces ON workspaces.id = keys.workspaceId
       WHERE ${condition}`,
    );
  const findForVerification = findWithTier('keys.lookupId = $lookupId');
  const findForDerived = findWithTier('keys.id = $id');
  const withUser = (row: (KeyRow & { readonly tier: Tier }) | null): KeyWithTier | null => {
    if (row === null) return null;
    const { tier, ...columns } = row;
    const key = toRecord(columns);
    const user = key.userId === null ? null : findUser(key.userId);
    const overrides = findOverrides(key.workspaceId, subjectsOf(key, user));
    return { key, tier, user, ...(overrides.length > 0 && { overrides }) };
  };
  const nextLookupId = connection.prepare<Pick<KeyRecord, 'lookupId'>>(
    'SELECT lookupId FROM keys WHERE lookupId >= $from ORDER BY lookupId LIMIT 1',
  );
  const find = connection.prepare<KeyRow>(
    `SELECT ${COLUMNS} FROM keys WHERE id = $id AND ($workspaceId IS NULL OR workspaceId = $workspaceId)`,
  );
  const findSummary = connection.prepare<KeySummaryRow>(`SELECT ${SUMMARY} FROM keys WHERE id = $id`);
  const findMany = connection.prepare<KeySummaryRow>(
    `SELECT ${SUMMARY} FROM keys WHERE id IN (SELECT value FROM json_each($ids)) AND ($workspaceId IS NULL OR workspaceId = $workspaceId)`,
  );
  const documentsOf = connection.prepare<KeyDocumentsRow>(
    `SELECT id, documents AS trustedDocuments FROM keys LEFT JOIN keyDocuments ON keyId = id
     WHERE id IN (SELECT value FROM json_each($ids)) AND ($workspaceId IS NULL OR workspaceId = $workspaceId)`,
  );
  const living = (end: string) =>
    connection.prepare<Family>(
      `SELECT familyId, administers FROM keys INDEXED BY keysLiving
       WHERE workspaceId = $workspaceId AND revokedAt IS NULL AND ${end} LIMIT $most`,
    );
  const [endless, ending] = [living('expiresAt IS NULL'), living('expiresAt > $now')];
  const counted = (end: string): string =>
    `SELECT count(*) FROM (SELECT 1 FROM keys INDEXED BY keysLiving
       WHERE workspaceId = $workspaceId AND revokedAt IS NULL AND ${end} LIMIT $most)`;
  const countLiving = connection.prepare<{ readonly living: number }>(
    `SELECT (${counted('expiresAt IS NULL')}) + (${counted('expiresAt > $now')}) AS living`,
  );
  const familyOf = connection.prepare<Pick<KeyRow, 'id' | 'scopes'>>(
    `SELECT id, scopes FROM keys WHERE workspaceId = $workspaceId AND familyId = $familyId AND ${ALIVE}`,
  );
  const tier = connection.prepare<{ readonly tier: Tier }>('SELECT tier FROM workspaces WHERE id = $id');
  const byLookupIds = connection.prepare<KeySummaryRow>(
    `SELECT ${SUMMARY} FROM keys WHERE lookupId IN (SELECT value FROM json_each($ids)) AND ${REACHED} LIMIT $limit`,
  );
  const byBeginning = connection.prepare<KeySummaryRow>(
    `SELECT ${SUMMARY} FROM keys INDEXED BY sqlite_autoindex_keys_2
     WHERE lookupId >= $beginning AND lookupId < $end AND ${REACHED} ORDER BY lookupId LIMIT $limit`,
  );
  const FOREIGN_PREFIX = `tokenPrefix = $prefix AND lookupId >= '${FOREIGN}' AND lookupId < 'foreign;'`;
  const byForeignPrefix = connection.prepare<KeySummaryRow>(
    `SELECT ${SUMMARY} FROM keys INDEXED BY keysByPrefix WHERE ${FOREIGN_PREFIX} AND workspaceId = $workspaceId
       AND ($projectId IS NULL OR projectId = $projectId) ORDER BY lookupId LIMIT $limit`,
  );
  const byForeignPrefixAnywhere = connection.prepare<KeySummaryRow>(
    `SELECT ${SUMMARY} FROM keys INDEXED BY keysByPrefix WHERE ${FOREIGN_PREFIX} LIMIT $limit`,
  );
  const rewrite = connection.prepare(
    `UPDATE keys SET ${PATCHED.map((field) => `${field} = $${field}`).join(', ')}, nameFolded = $nameFolded, administers = $administers
     WHERE id = $id`,
  );
  const saveDigest = connection.prepare('UPDATE keys SET digest = $digest WHERE id = $id');
  const touch = connection.prepare(
    `UPDATE keys SET lastUsedAt = used.at FROM (SELECT key AS id, value AS at FROM json_each($uses)) AS used
     WHERE keys.id = used.id AND (lastUsedAt IS NULL OR lastUsedAt < used.at)`,
  );

  const removal = openKeyRemoval(connection);

  const writeDocuments = ({ id, trustedDocuments }: Pick<KeyRecord, 'id' | 'trustedDocuments'>): void => {
    if (trustedDocuments === null) dropDocuments.run({ id });
    else saveDocuments.run({ id, documents: JSON.stringify(trustedDocuments) });
  };
  const add = (key: KeyRecord): void => {
    removal.assertUnused(key);
    insert.run(params(key));
    if (key.trustedDocuments !== null) writeDocuments(key);
  };
  /**
   * Counts the active families of a kind. If there are too many keys to read, for example after a change to a lower
   * tier, returns their number.
   */
  const taken = (workspaceId: string, now: number, kind: PlaceKind, limit: number): number => {
    // There are never more families than keys, so counting keys is enough unless the workspace is near its limit.
    const living = countLiving.one({ workspaceId, now, most: limit })?.living ?? limit;
    if (living < limit) return living;
    const families = new Map<string, boolean>();
    const most = KEYS_COUNTED + KEYS_BY_PLACE * limit;
    const keys = [...endless.all({ workspaceId, most }), ...ending.all({ workspaceId, now, most })];
    if (keys.length >= most) return most;
    for (const { familyId, administers } of keys) {
      // A family only administers if all its active keys do.
      families.set(familyId, administers === 1 && families.get(familyId) !== false);
    }
    return [...families.values()].filter((administer) => administer === (kind === 'adminKeys')).length;
  };
  /** Returns the kind of a key's family, with the given state of the key. */
  const kindOf = (key: KeyRecord, now: number): PlaceKind => {
    const others = familyOf.all({ workspaceId: key.workspaceId, familyId: key.familyId, now });
    const scopes = others.filter(({ id }) => id !== key.id).map((row) => JSON.parse(row.scopes) as string[]);
    return [key.scopes, ...scopes].every((each) => placeKindOf({ scopes: each }) === 'adminKeys')
      ? 'adminKeys'
      : 'keys';
  };
  /** Returns the number of active families that take all places of a family's new kind; null if there is a place. */
  const inTheWay = (before: KeyRecord, after: KeyRecord, places: Places, now: number): number | null => {
    if (placeKindOf(before) === placeKindOf(after)) return null;
    const kind = kindOf(after, now);
    if (kind === kindOf(before, now)) return null;
    const limit = limitOf(places, tier.one({ id: after.workspaceId })?.tier, kind);
    if (limit === null) return null;
    const others = taken(after.workspaceId, now, kind, limit);
    return others >= limit ? others : null;
  };

  const forfeitOf = (key: Pick<KeyRecord, 'workspaceId' | 'userId'>, author: Author | undefined): Forfeit | null => {
    if (key.userId !== null && !isOwner(findUser(key.userId), key)) return 'userLeft';
    return authorForfeit(author);
  };
  const authorForfeit = (author: Author | undefined): 'authorEnded' | null => {
    const keyId = keyOf(author);
    const row = keyId === null ? null : findSummary.one({ id: keyId });
    if (row === null) return keyId !== null && removal.wasRemoved(keyId) ? 'authorEnded' : null;
    const user = row.userId === null ? null : findUser(row.userId);
    return isRetired(toSummary(row), user, author?.judged) ? 'authorEnded' : null;
  };

  const judgedForfeit = (author: Author | undefined): 'authorEnded' | null =>
    author?.judged === undefined ? null : authorForfeit(author);

  const change = (
    { id, workspaceId }: { readonly id: string; readonly workspaceId: string | null },
    rule: Rule,
    entry: Occasion & { readonly action: AuditAction },
    { handOut, places = null }: { readonly handOut?: (old: KeyRecord) => void; readonly places?: Places } = {},
  ): KeyChange =>
    connection.transaction(() => {
      const row = find.one({ id, workspaceId });
      if (row === null) return { outcome: 'unknown' };
      const key = toRecord(row);
      const verdict = rule(key);
      if (verdict.outcome !== 'changed') return { outcome: verdict.outcome, key };
      const changed = { ...key, ...verdict.patch };
      if (Object.keys(verdict.patch).length === 0) return { outcome: 'changed', key };
      const forfeit = handOut === undefined ? judgedForfeit(entry.author) : forfeitOf(key, entry.author);
      if (forfeit !== null) return { outcome: forfeit, key };
      const others = inTheWay(key, changed, places, entry.at);
      if (others !== null) return { outcome: 'full', key, living: others };
      rewrite.run(params(changed));
      if (verdict.patch.trustedDocuments !== undefined) writeDocuments(changed);
      handOut?.(key);
      audit.add(keyChanged(entry.action, key, changed, entry));
      return { outcome: 'changed', key: changed };
    });

  return {
    add,
    forfeitOf,
    judgedForfeit,
    async insert(key, places, now, author) {
      return connection.transaction(() => {
        const forfeit = forfeitOf(key, author);
        if (forfeit !== null) return { outcome: forfeit };
        const kind = placeKindOf(key);
        const limit = limitOf(places, tier.one({ id: key.workspaceId })?.tier, kind);
        const living = limit === null ? 0 : taken(key.workspaceId, now, kind, limit);
        if (limit !== null && living >= limit) return { outcome: 'full', living };
        add(key);
        audit.add(keyCreated(key, { at: now, author }));
        return { outcome: 'inserted' };
      });
    },
    async insertMany(many, places, now, author) {
      return connection.transaction(() => {
        const [first] = many;
        if (first === undefined) return { outcome: 'inserted' };
        const owners = new Map(many.map((key) => [key.userId, key]));
        for (const key of owners.values()) {
          const forfeit = forfeitOf(key, author);
          if (forfeit !== null) return { outcome: forfeit };
        }
        const workspaceTier = tier.one({ id: first.workspaceId })?.tier;
        for (const [kind, needed] of countsByKind(many)) {
          const limit = limitOf(places, workspaceTier, kind);
          if (limit === null) continue;
          // With fewer places, so that the quick count of keys of both kinds is only used if it leaves room for all.
          const living = taken(first.workspaceId, now, kind, Math.max(1, limit - needed + 1));
          if (living + needed > limit) return { outcome: 'full', living };
        }
        for (const key of many) add(key);
        audit.addMany(many.map((key) => keyCreated(key, { at: now, author })));
        return { outcome: 'inserted' };
      });
    },
    async findForVerification(lookupId) {
      return withUser(findForVerification.one({ lookupId }));
    },
    async findForDerived(id) {
      return withUser(findForDerived.one({ id }));
    },
    async nextLookupId(from) {
      const [kept, removed] = [nextLookupId.one({ from })?.lookupId ?? null, removal.nextLookupId(from)];
      return kept === null || (removed !== null && removed < kept) ? removed : kept;
    },
    async find(id, workspaceId) {
      const row = find.one({ id, workspaceId });
      return row && toRecord(row);
    },
    async findMany(ids, workspaceId) {
      return findMany.all({ ids: JSON.stringify(ids), workspaceId }).map(toSummary);
    },
    async documentsOf(ids, workspaceId) {
      return documentsOf.all({ ids: JSON.stringify(ids), workspaceId }).map(toDocuments);
    },
    async search({ lookupIds, beginning, foreignPrefix: prefix }, { workspaceId, projectId }, limit) {
      const reach = { workspaceId, projectId, limit };
      const found = lookupIds.length === 0 ? [] : byLookupIds.all({ ...reach, ids: JSON.stringify(lookupIds) });
      if (beginning !== null) found.push(...byBeginning.all({ ...reach, beginning, end: beginning + END }));
      if (prefix !== null) {
        found.push(
          ...(workspaceId === null
            ? byForeignPrefixAnywhere.all({ prefix, limit })
            : byForeignPrefix.all({ prefix, workspaceId, projectId, limit })),
        );
      }
      return firstById(found.map(toSummary), limit);
    },
    async rotate(id, workspaceId, { successor, overlapEnd }, { judged, ...occasion }) {
      const entry = { action: 'key.rotated', ...occasion } as const;
      return change({ id, workspaceId }, asJudged(judged, rotation(successor.id, overlapEnd, entry.at)), entry, {
        handOut: (old) => add(heirOf(old, successor)),
      });
    },
    async expire(id, workspaceId, end, { judged, ...occasion }) {
      const rule = asJudged(judged, expiry(end, occasion.at));
      return change({ id, workspaceId }, rule, { action: 'key.expired', ...occasion });
    },
    async revoke(id, workspaceId, reason, occasion) {
      return change({ id, workspaceId }, revocation(reason, occasion.at), { action: 'key.revoked', ...occasion });
    },
    async revokeMany(ids, workspaceId, reason, { at, author }) {
      const entry = { action: 'key.revoked', at, author: unjudged(author) } as const;
      return connection.transaction(() =>
        ids.flatMap((id) => {
          const key = change({ id, workspaceId }, firstRevocation(reason, at), entry);
          return key.outcome === 'changed' ? key.key : [];
        }),
      );
    },
    async update(id, workspaceId, amended, { judged, places = null, ...occasion }) {
      const rule = asJudged(judged, amendment(amended, occasion.at));
      return change({ id, workspaceId }, rule, { action: 'key.updated', ...occasion }, { places });
    },
    async saveDigest(id, digest) {
      saveDigest.run({ id, digest });
    },
    async touch(uses) {
      connection.swiftly(() => touch.run({ uses: JSON.stringify(Object.fromEntries(uses)) }));
    },
    removeEnded: (before, limit) => removal.removeEnded(before, limit),
  };
}

function params(key: KeyRecord): Params {
  return {
    ...toRow(key),
    nameFolded: fold(key.name),
    administers: placeKindOf(key) === 'adminKeys' ? 1 : 0,
  };
}
