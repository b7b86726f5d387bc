import { randomInt } from 'node:crypto';
import { Duplicate } from '../storeErrors.js';
import { isAlive } from '../records.js';
import { placeKindOf } from '../places.js';
import type { PlaceKind } from '../keyStore.js';
import { eq, parts, where, type Documents } from './documents.js';
import {
  asSeen,
  BASES,
  HOLDER_FIELDS,
  INDEXES,
  kindAt,
  kindOfSlot,
  livingOf,
  releaseDead,
  unlimitedSlot,
  type Holder,
  type Keys,
} from './families.js';
import type { KeyDocument } from './schemas.js';

/**
 * Limits the number of keys in a workspace without transactions. One key of each family has a slot, a number that is unique in the workspace by index,
 * until the family is known to have ended. With a limit of n, the slot of every active family must be below n. So the
 * index enforces the limit, not a count: only one of several concurrent calls can get a slot.
 *
 * A family created without a limit has a slot above any limit. It moves below the limit, like families from before a
 * downgrade, when the next key is inserted under a limit; while not all of them fit, the result is `full`.
 *
 * Families of admin keys have slots in a separate range, which starts at ADMIN_BASE. A key whose scopes change
 * the kind of its family takes a slot of the new kind with the write that changes its scopes. The family's slot of the
 * former kind is released when the change is finished. A family that changes its kind because a key expires moves when
 * the next place is needed.
 */

const KEY_SLOT = 'key.slot';
export const KEY_UNIQUE = { _id: 'key.id', lookupId: 'key.lookupId', 'workspaceId,slot': KEY_SLOT };

/** Number of keys that are inserted with one command. It takes a fraction of the time limit of a command. */
export const INSERTED = 250;

/** Number of families that are moved or released at a time. */
const BATCH = 100;

/** @returns the result of `write`, or null if another process took the slot first */
export async function unlessTaken<T>(write: () => Promise<T>): Promise<T | null> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof Duplicate && error.what === KEY_SLOT) return null;
    throw error;
  }
}

/**
 * Returns a slot of this kind below `places`, after moving the active families of the kind below it. Takes two
 * commands, whatever the number of families, unless some must be moved.
 *
 * @param wasTaken whether the slot returned by the previous call was taken: if so, the slot is searched for instead of chosen at random
 * @returns the number of active families instead of a slot if there is none
 */
export async function freeSlot(
  keys: Keys,
  range: Range,
  wasTaken: boolean,
): Promise<{ readonly slot: number } | { readonly living: number }> {
  const { workspaceId, kind, places, now } = range;
  for (let searches = wasTaken; ; searches = true) {
    const [living, strays] = await Promise.all([
      keys.count(livingOf(workspaceId, kind, now), INDEXES[kind]),
      straysOf(keys, range),
    ]);
    if (living >= places) return { living };
    if (strays.length === 0 && !searches) return { slot: BASES[kind] + randomInt(places) };
    const free = await freeIn(keys, range);
    const moved = await Promise.all(strays.slice(0, free.length).map((stray, i) => move(keys, stray, free[i] ?? NaN)));
    const [slot] = free.slice(strays.length);
    if (slot !== undefined && moved.every(Boolean)) return { slot };
  }
}

/**
 * Inserts keys of one workspace and kind, each with a free slot. Takes a few commands, unless other processes insert keys at
 * the same time.
 *
 * @param keys their slots are replaced
 * @returns the inserted keys, and the number of active families if not all of them have a place; null: all have
 * @throws Duplicate if an ID or lookup ID exists
 */
export async function insertAtPlaces(
  keys: Keys & Pick<Documents<KeyDocument>, 'insertNew'>,
  many: readonly KeyDocument[],
  { kind, places, now }: { readonly kind: PlaceKind; readonly places: number | null; readonly now: number },
): Promise<{ readonly documents: readonly KeyDocument[]; readonly living: number | null }> {
  const documents: KeyDocument[] = [];
  let left = many;
  while (left[0] !== undefined) {
    const { workspaceId } = left[0];
    const slots =
      places === null
        ? left.map(() => unlimitedSlot(kind))
        : await freeSlots(keys, { workspaceId, kind, places, now }, left.length);
    if ('living' in slots) return { documents, living: slots.living };
    const slotted = left.map((key, i) => ({ ...key, slot: slots[i] ?? unlimitedSlot(kind) }));
    const refused = new Set<KeyDocument>();
    for (const part of parts(slotted, INSERTED)) {
      const taken = new Set(await keys.insertNew(part));
      documents.push(...part.filter((key) => !taken.has(key)));
      for (const key of taken) refused.add(key);
    }
    left = [...refused];
    if (left.length > 0) await assertNew(keys, left);
  }
  return { documents, living: null };
}

/** @throws Duplicate if the ID or lookup ID of a key exists, so that another slot would not help */
async function assertNew(keys: Keys, many: readonly KeyDocument[]): Promise<void> {
  const [ids, lookupIds] = [many.map(({ _id }) => _id), many.map(({ lookupId }) => lookupId)];
  const known = { $or: where([{ _id: where({ $in: ids }) }, { lookupId: where({ $in: lookupIds }) }]) };
  const [other] = await keys.find(known, { limit: 1, fields: ['_id'] });
  if (other !== undefined) throw new Duplicate(ids.includes(other._id) ? 'key.id' : 'key.lookupId', undefined);
}

/** Returns this number of free slots below the limit, or the number of active families if there are not enough. */
async function freeSlots(
  keys: Keys,
  range: Range,
  needed: number,
): Promise<readonly number[] | { readonly living: number }> {
  const { workspaceId, kind, places, now } = range;
  for (;;) {
    const [living, strays] = await Promise.all([
      keys.count(livingOf(workspaceId, kind, now), INDEXES[kind]),
      straysOf(keys, range),
    ]);
    if (living + needed > places) return { living };
    const free = await freeIn(keys, range, strays.length + needed);
    const moved = await Promise.all(strays.slice(0, free.length).map((stray, i) => move(keys, stray, free[i] ?? NaN)));
    const slots = free.slice(strays.length, strays.length + needed);
    if (slots.length === needed && moved.every(Boolean)) return slots;
  }
}

interface Range {
  readonly workspaceId: string;
  readonly kind: PlaceKind;
  readonly places: number;
  readonly now: number;
}

/** Returns active families whose slots are not below the limit. */
async function straysOf(keys: Keys, { workspaceId, kind, places, now }: Range): Promise<Holder[]> {
  const [from, to] = [BASES[kind], BASES[kind] + places];
  const found = await keys.find(
    {
      ...livingOf(workspaceId, kind, now),
      $or: where([{ slot: where({ $lt: from }) }, { slot: where({ $gte: to }) }]),
    },
    { limit: Math.min(BATCH, places) || 1, fields: HOLDER_FIELDS, hint: INDEXES[kind] },
  );
  return found as unknown as Holder[];
}

/**
 * Returns the free slots below the limit, in random order. If there are fewer than needed, releases the slots of ended
 * families, and returns none.
 *
 * @param needed default: 1
 */
async function freeIn(keys: Keys, range: Range, needed = 1): Promise<number[]> {
  const { workspaceId, kind, places, now } = range;
  const [from, to] = [BASES[kind], BASES[kind] + places];
  const held = (await keys.find(
    { workspaceId: eq(workspaceId), slot: where({ $gte: from, $lt: to }) },
    { limit: places, fields: HOLDER_FIELDS },
  )) as unknown as Holder[];
  const taken = new Set(held.map(({ slot }) => slot));
  const free: number[] = [];
  for (let slot = from; slot < to; slot++) if (!taken.has(slot)) free.push(slot);
  if (free.length >= needed) return shuffled(free);
  const kinds = held.map((holder) => [holder, kindAt({ keysEnd: 0, adminEnd: 0, ...holder }, now)] as const);
  const dead = kinds.flatMap(([holder, its]) => (its === null ? [holder] : []));
  if (dead.length > 0) await releaseDead(keys, workspaceId, dead.slice(0, BATCH), now);
  for (const [holder, its] of kinds) {
    if (its !== null && its !== kind) await move(keys, holder, unlimitedSlot(its));
  }
  return [];
}

/** Shuffles slots, so that concurrent calls rarely choose the same one. */
function shuffled(slots: number[]): number[] {
  for (let i = slots.length - 1; i > 0; i--) {
    const j = randomInt(i + 1);
    [slots[i], slots[j]] = [slots[j] ?? NaN, slots[i] ?? NaN];
  }
  return slots;
}

async function move(keys: Keys, holder: Holder, slot: number): Promise<boolean> {
  const update = { $set: { slot, turn: (holder.turn ?? 0) + 1 } };
  return (await unlessTaken(() => keys.update(asSeen(holder), update))) !== null;
}

/**
 * Returns the slot that a key needs for new scopes.
 *
 * @param limit places of its new kind; null for any number
 * @returns an empty object if it needs none; the number of active families if there is no place
 */
export async function slotFor(
  keys: Keys,
  key: KeyDocument,
  scopes: readonly string[],
  { limit, now }: { readonly limit: number | null; readonly now: number },
): Promise<{ readonly slot?: number } | { readonly living: number }> {
  const kind = placeKindOf({ scopes });
  if (kind === placeKindOf(key)) return {};
  const family = await keys.find(
    { workspaceId: eq(key.workspaceId), familyId: eq(key.familyId), _id: where({ $ne: key._id }), revokedAt: eq(null) },
    { fields: ['scopes', 'revokedAt', 'expiresAt'] },
  );
  const doesMore = family.some((other) => isAlive(other, now) && placeKindOf(other) === 'keys');
  // Until it ends, another key of the family keeps the family in the other kind.
  if (kind === 'adminKeys' && doesMore) return {};
  if (key.slot !== undefined && kindOfSlot(key.slot) === kind) return {};
  if (limit === null || doesMore) return { slot: unlimitedSlot(kind) };
  return freeSlot(keys, { workspaceId: key.workspaceId, kind, places: limit, now }, true);
}
