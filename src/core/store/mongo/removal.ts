import { KEY_FIELDS } from '../keyFields.js';
import { isAlive } from '../records.js';
import type { Removal } from '../keyStore.js';
import { eq, unchanged, where, type Documents, type Filter, type Update } from './documents.js';
import { endsOf, kindAt, mayLive, MEMBER_FIELDS, membersOf, settleFamily, unlimitedSlot } from './families.js';
import type { Intents } from './intents.js';
import { withoutEntry } from './ledger.js';
import { unlessTaken } from './places.js';
import { ENDED, FOLDING, type KeyDocument } from './schemas.js';

/**
 * Removes ended keys. The document keeps only `_id` and `lookupId`, so that the unique indexes reserve both. They
 * also stop a late insertion by a process that was paused while it finished a rotation: it would bring back a removed key as
 * active. The document has no `workspaceId`, so no list, count or index of a workspace contains it.
 *
 * One key of each family stores the family's place (see families.ts). If this key is removed while another key of the family is
 * active, the place is first given to that key. Between the two writes the family counts twice, so a creation at the limit may be refused,
 * but the limit is never exceeded.
 */
export async function removeEnded(
  keys: Documents<KeyDocument>,
  intents: Pick<Intents, 'finishKey'>,
  before: number,
  limit: number,
): Promise<Removal> {
  const found = await endedKeys(keys, before, limit);
  const ready = await finished(keys, intents, found, before);
  const families = await activeFamilies(keys, ready, before);
  const alone = ready.filter((key) => !families.has(key));
  let removed = alone.length === 0 ? 0 : await keys.bulkWrite(alone.map((key) => ({ updateOne: removalOf(key) })));
  for (const [key, family] of families) removed += (await removeFromFamily(keys, key, family, before)) ? 1 : 0;
  return { removed, isDone: found.length < limit };
}

const LEFT_OUT = [...KEY_FIELDS, 'nameFolded', 'slot', 'keysEnd', 'adminEnd', 'turn', 'unconfirmed'].filter(
  (field) => !['id', 'lookupId'].includes(field),
);
/** With `folding`, so that a start, which searches for names that are not folded, does not read all removed keys. */
const REMOVE: Update = {
  $set: { removed: true, folding: FOLDING },
  $unset: Object.fromEntries(LEFT_OUT.map((field) => [field, ''])),
};

async function endedKeys(keys: Documents<KeyDocument>, before: number, limit: number): Promise<KeyDocument[]> {
  const revoked = await keys.find({ revokedAt: where({ $lte: before }) }, { limit, hint: ENDED });
  if (revoked.length >= limit) return revoked;
  const expired = { revokedAt: eq(null), expiresAt: where({ $lte: before }) };
  return [...revoked, ...(await keys.find(expired, { limit: limit - revoked.length, hint: ENDED }))];
}

/** Finishes changes that a process left unfinished, and returns the resulting keys. */
async function finished(
  keys: Documents<KeyDocument>,
  intents: Pick<Intents, 'finishKey'>,
  found: readonly KeyDocument[],
  before: number,
): Promise<readonly KeyDocument[]> {
  const underWay = found.filter(isUnderWay);
  if (underWay.length === 0) return found;
  for (const key of underWay) await intents.finishKey(key);
  const now = await keys.find({ _id: where({ $in: found.map(({ _id }) => _id) }) });
  return now.filter((key) => key.removed !== true && !isUnderWay(key) && !isAlive(key, before));
}

function isUnderWay({ entry, successor }: KeyDocument): boolean {
  return entry !== undefined || successor !== undefined;
}

/** Returns the keys that store the place of a family that is active at `before`, each with the other keys of the family. */
async function activeFamilies(
  keys: Documents<KeyDocument>,
  ended: readonly KeyDocument[],
  before: number,
): Promise<ReadonlyMap<KeyDocument, readonly KeyDocument[]>> {
  const holders = ended.filter(({ slot }) => slot !== undefined);
  if (holders.length === 0) return new Map();
  const workspaceIds = [...new Set(holders.map(({ workspaceId }) => workspaceId))];
  const familyIds = [...new Set(holders.map(({ familyId }) => familyId))];
  const members = await keys.find(
    { workspaceId: where({ $in: workspaceIds }), familyId: where({ $in: familyIds }), ...mayLive(before) },
    { fields: [...MEMBER_FIELDS, 'slot', 'turn'] },
  );
  const families = holders.map((holder) => {
    const family = members.filter(({ _id, familyId }) => familyId === holder.familyId && _id !== holder._id);
    return [holder, family] as const;
  });
  return new Map(families.filter(([, family]) => kindAt(endsOf(membersOf(family)), before) !== null));
}

/**
 * Removes the key that stores the place of an active family, after it gave the place to another key.
 *
 * @returns false if the family was changed at the same time: the next pass tries again
 */
async function removeFromFamily(
  keys: Documents<KeyDocument>,
  key: KeyDocument,
  family: readonly KeyDocument[],
  before: number,
): Promise<boolean> {
  const settle = () => settleFamily(keys, key.workspaceId, key.familyId, before);
  // An earlier call gave the place away and did not get further.
  if (family.some(({ slot }) => slot !== undefined)) {
    await settle();
    return false;
  }
  const ends = endsOf(membersOf(family));
  const kind = kindAt(ends, before);
  const [heir] = family.toSorted((a, b) => (b.expiresAt ?? Infinity) - (a.expiresAt ?? Infinity));
  if (kind === null || heir === undefined) return false;
  const place = { slot: unlimitedSlot(kind), ...ends, turn: (heir.turn ?? 0) + 1 };
  if ((await unlessTaken(() => keys.update(asRead(heir), { $set: place }))) === null) return false;
  const { filter, update } = removalOf(key);
  if ((await keys.update(filter, update)) !== null) return true;
  // The family was changed after it was read here, so the end times written to its remaining key may be outdated.
  await settle();
  return false;
}

function removalOf(key: KeyDocument): { readonly filter: Filter; readonly update: Update } {
  return { filter: { ...asRead(key), 'successor._id': eq(null), ...withoutEntry() }, update: REMOVE };
}

/** The key, if its end, its scopes and its family's place are as they were read. */
function asRead(key: KeyDocument): Filter {
  const { _id, slot = null, turn = null } = key;
  return { _id: eq(_id), ...unchanged(key, ['revokedAt', 'expiresAt', 'scopes']), slot: eq(slot), turn: eq(turn) };
}
