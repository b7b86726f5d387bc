import { randomInt } from 'node:crypto';
import { placeKindOf } from '../places.js';
import { isAlive } from '../records.js';
import type { PlaceKind } from '../keyStore.js';
import { eq, where, type Documents, type Filter, type Update } from './documents.js';
import { LIVING_ADMIN, LIVING_KEYS, type KeyDocument } from './schemas.js';

/**
 * Stores when families end, so that one command can count them. One key of each family has its slot (see places.ts).
 * This key also stores two times: when the family's last active key with other scopes than `admin` and `platform` ends,
 * and when its last active key with only these scopes ends. They determine whether and how a family counts, so an expiry needs no write.
 *
 * A change in a family with one key writes both times together with the change. After any other change, the process
 * that finishes it reads the family and writes the times before it removes the entry of the change (see intents.ts). If
 * it crashes in between, the next reader does this. `turn` counts these writes: if two processes read the family at the
 * same time, the second one to write reads it again, so outdated times are never kept.
 */

/** The end of a family that never ends. */
const NEVER = Number.MAX_SAFE_INTEGER;

/** The first slot of families that only administer. Slots of other families are lower. */
const ADMIN_BASE = 2 ** 48;
export const BASES: Readonly<Record<PlaceKind, number>> = { keys: 0, adminKeys: ADMIN_BASE };

export type Keys = Pick<Documents<KeyDocument>, 'find' | 'update' | 'updateMany' | 'bulkWrite' | 'count'>;

/** When a family ends. Stored on the key that has its slot. */
interface FamilyEnds {
  /** When the last key with other scopes ends, in ms since the epoch; 0 if there is none. */
  readonly keysEnd: number;
  /** When the last key that only administers ends; 0 if there is none, or it ends earlier. */
  readonly adminEnd: number;
}

export type Member = Pick<KeyDocument, 'scopes' | 'revokedAt' | 'expiresAt'>;

/** Returns the ends of a family of these keys. */
export function endsOf(members: readonly Member[]): FamilyEnds {
  let [keysEnd, adminEnd] = [0, 0];
  for (const { scopes, revokedAt, expiresAt } of members) {
    if (revokedAt !== null) continue;
    const end = expiresAt ?? NEVER;
    if (placeKindOf({ scopes }) === 'keys') keysEnd = Math.max(keysEnd, end);
    else adminEnd = Math.max(adminEnd, end);
  }
  return { keysEnd, adminEnd: adminEnd > keysEnd ? adminEnd : 0 };
}

/** Returns the kind that a family counts as; null if it has ended. */
export function kindAt({ keysEnd, adminEnd }: FamilyEnds, now: number): PlaceKind | null {
  if (keysEnd > now) return 'keys';
  return adminEnd > now ? 'adminKeys' : null;
}

/** A slot beyond any number of places; random, because nobody needs to know the next free one. */
export function unlimitedSlot(kind: PlaceKind): number {
  return BASES[kind] + randomInt(2 ** 32, 2 ** 47);
}

export function kindOfSlot(slot: number): PlaceKind {
  return slot >= ADMIN_BASE ? 'adminKeys' : 'keys';
}

/** The condition for active families of a kind in a workspace. It includes `slot` because the index contains only keys with a slot. */
export function livingOf(workspaceId: string, kind: PlaceKind, now: number): Filter {
  return {
    workspaceId: eq(workspaceId),
    slot: where({ $gte: 0 }),
    ...(kind === 'keys'
      ? { keysEnd: where({ $gt: now }) }
      : { adminEnd: where({ $gt: now }), keysEnd: where({ $lte: now }) }),
  };
}

/** Counts the living families of a workspace, of one kind or of both. */
export async function countFamilies(
  keys: Keys,
  workspaceId: string,
  now: number,
  kind: PlaceKind | undefined,
): Promise<number> {
  if (kind !== undefined) return keys.count(livingOf(workspaceId, kind, now), INDEXES[kind]);
  const counts = (['keys', 'adminKeys'] as const).map((each) => countFamilies(keys, workspaceId, now, each));
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

export const INDEXES: Readonly<Record<PlaceKind, string>> = { keys: LIVING_KEYS, adminKeys: LIVING_ADMIN };

/**
 * Returns the ends to write with a change, if the key is the only one of its family or gets its first successor; null if the family must
 * be read.
 */
export function changedEnds(
  { replaces, replacedBy, turn = 0 }: Pick<KeyDocument, 'replaces' | 'replacedBy' | 'turn'>,
  after: Member,
  successor?: Member,
): (FamilyEnds & { readonly turn: number }) | null {
  if (replaces !== null || replacedBy !== null) return null;
  return { ...endsOf(successor === undefined ? [after] : [after, successor]), turn: turn + 1 };
}

/** Returns whether the stored ends of the family already include the change that the key carries. */
export function isSettled(document: KeyDocument): boolean {
  const { entry, replaces, replacedBy, successor, slot, keysEnd, adminEnd } = document;
  if (entry === undefined) return true;
  const { action, after } = entry;
  if (action === 'key.updated' && !(after ?? '').includes('"scopes"')) return true;
  if (replaces !== null || (replacedBy !== null && successor === undefined)) return false;
  const ends = endsOf(successor === undefined ? [document] : [document, successor]);
  if (slot === undefined) return kindAt(ends, 0) === null;
  const kind = kindAt(ends, entry.at);
  return ends.keysEnd === keysEnd && ends.adminEnd === adminEnd && (kind === null || kindOfSlot(slot) === kind);
}

export type Holder = Pick<KeyDocument, '_id' | 'familyId'> & {
  readonly slot: number;
  readonly turn?: number;
} & Partial<FamilyEnds>;

export const HOLDER_FIELDS = ['familyId', 'slot', 'turn', 'keysEnd', 'adminEnd'];
export const MEMBER_FIELDS = ['familyId', 'scopes', 'revokedAt', 'expiresAt', 'successor'];

/** Writes the slot of a family, of the right kind, and its ends. A family that has ended gets no slot. */
export async function settleFamily(keys: Keys, workspaceId: string, familyId: string, now: number): Promise<void> {
  const family = { workspaceId: eq(workspaceId), familyId: eq(familyId) };
  for (;;) {
    // Read before the keys: the writes below succeed only if nothing was written in between.
    const holders = (await keys.find(
      { ...family, slot: where({ $gte: 0 }) },
      { fields: HOLDER_FIELDS },
    )) as unknown as Holder[];
    const members = await keys.find({ ...family, ...mayLive(now) }, { fields: MEMBER_FIELDS });
    const living = membersOf(members);
    const ends = endsOf(living);
    const kind = kindAt(ends, now);
    if (await write(keys, { holders, members, kind, ends })) return;
  }
}

/**
 * Like {@link settleFamily} for several families, with two reads and one write. Families that another caller changes at the same time, or
 * whose slot has to move, are then settled one by one.
 */
export async function settleFamilies(
  keys: Keys,
  workspaceId: string,
  familyIds: readonly string[],
  now: number,
): Promise<void> {
  const families = { workspaceId: eq(workspaceId), familyId: where({ $in: [...familyIds] }) };
  // Read before the keys, as for one family.
  const holders = (await keys.find(
    { ...families, slot: where({ $gte: 0 }) },
    { fields: HOLDER_FIELDS },
  )) as unknown as Holder[];
  const members = await keys.find({ ...families, ...mayLive(now) }, { fields: MEMBER_FIELDS });
  const writes: { readonly familyId: string; readonly filter: Filter; readonly update: Update }[] = [];
  const others: string[] = [];
  for (const familyId of familyIds) {
    const [holder, ...more] = holders.filter((one) => one.familyId === familyId);
    const ends = endsOf(membersOf(members.filter((one) => one.familyId === familyId)));
    const kind = kindAt(ends, now);
    if (more.length > 0 || (kind !== null && (holder === undefined || kindOfSlot(holder.slot) !== kind))) {
      others.push(familyId);
    } else if (holder !== undefined) {
      const update = kind === null ? RELEASE : { $set: { ...ends, turn: (holder.turn ?? 0) + 1 } };
      writes.push({ familyId, filter: asSeen(holder), update });
    }
  }
  const updates = writes.map(({ filter, update }) => ({ updateOne: { filter, update } }));
  const written = updates.length === 0 ? 0 : await keys.bulkWrite(updates);
  if (written < updates.length) others.push(...writes.map(({ familyId }) => familyId));
  for (const familyId of others) await settleFamily(keys, workspaceId, familyId, now);
}

/** A family as it was read, and the kind and ends that it should have. */
interface Family {
  readonly holders: readonly Holder[];
  readonly members: readonly KeyDocument[];
  readonly kind: PlaceKind | null;
  readonly ends: FamilyEnds;
}

/** @returns whether everything was written; false if the family has changed since it was read */
async function write(keys: Keys, { holders, members, kind, ends }: Family): Promise<boolean> {
  if (kind === null) return released(keys, holders);
  const last = (all: readonly Holder[]) => all.toSorted((a, b) => (a._id < b._id ? 1 : -1))[0];
  // If several keys have a slot, every process chooses the last one.
  const kept = last(holders.filter(({ slot }) => kindOfSlot(slot) === kind)) ?? last(holders);
  if (kept === undefined) {
    // Its slot was released by a process whose clock is ahead.
    const [first] = members.toSorted((a, b) => (a._id < b._id ? -1 : 1));
    const update = { $set: { slot: unlimitedSlot(kind), ...ends, turn: 1 } };
    return first === undefined || (await keys.update({ _id: eq(first._id), slot: eq(null) }, update)) !== null;
  }
  const slot = kindOfSlot(kept.slot) === kind ? kept.slot : unlimitedSlot(kind);
  const update = { $set: { slot, ...ends, turn: (kept.turn ?? 0) + 1 } };
  if ((await keys.update(asSeen(kept), update)) === null) return false;
  return released(
    keys,
    holders.filter((holder) => holder !== kept),
  );
}

async function released(keys: Keys, holders: readonly Holder[]): Promise<boolean> {
  for (const holder of holders) if ((await keys.update(asSeen(holder), RELEASE)) === null) return false;
  return true;
}

/** `turn` is kept, in case the key gets a slot again. */
export const RELEASE = { $unset: { slot: '', keysEnd: '', adminEnd: '' } } as const;

/** The key, if its slot and its family's ends were not written since. */
export function asSeen({ _id, slot, turn }: Holder): Filter {
  return { _id: eq(_id), slot: eq(slot), turn: eq(turn ?? null) };
}

/** Active keys, and keys that may have a successor that is not written yet. */
export function mayLive(now: number): Filter {
  return {
    revokedAt: eq(null),
    $or: where([
      { expiresAt: eq(null) },
      { expiresAt: where({ $gt: now }) },
      { 'successor._id': where({ $exists: true }) },
    ]),
  };
}

export function membersOf(documents: readonly KeyDocument[]): Member[] {
  return documents.flatMap((document) =>
    document.successor === undefined ? [document] : [document, document.successor],
  );
}

/** Releases the slots of families that seem to have ended. Corrects those that have not. */
export async function releaseDead(
  keys: Keys,
  workspaceId: string,
  dead: readonly Holder[],
  now: number,
): Promise<void> {
  const ids = dead.map(({ familyId }) => familyId);
  const found = await keys.find(
    { workspaceId: eq(workspaceId), familyId: where({ $in: ids }), ...mayLive(now) },
    { fields: MEMBER_FIELDS },
  );
  const alive = new Set(
    found.filter((key) => membersOf([key]).some((one) => isAlive(one, now))).map((key) => key.familyId),
  );
  const sure = dead.filter(({ familyId }) => !alive.has(familyId)).map(({ _id }) => _id);
  if (sure.length > 0) {
    await keys.updateMany(
      { _id: where({ $in: sure }), keysEnd: where({ $lte: now }), adminEnd: where({ $lte: now }) },
      RELEASE,
    );
  }
  for (const familyId of alive) await settleFamily(keys, workspaceId, familyId, now);
}
