import { randomInt } from 'node:crypto';
import { Duplicate } from '../errors.js';
import { isAlive } from '../records.js';
import { placeKindOf } from '../places.js';
import type { PlaceKind } from '../store.js';
import { eq, unchanged, where, type Documents, type Filter } from './documents.js';
import type { KeyDocument } from './schemas.js';

/**
 * Places without transactions. A key of each family holds a slot, a number unique in the workspace by index, until the family
 * is known to be dead; a limit of n is the rule that every living family's slot is below n. So the index, not a count, keeps
 * the limit: of calls that run at once only one can have a slot.
 *
 * A family made without a limit holds a slot beyond any limit. It moves below the limit, as does one from before a
 * downgrade, when the next key is inserted under a limit; as long as they do not all fit, the answer is `full`.
 *
 * Families that only administer hold slots in a range of their own, which begins at {@link ADMIN_BASE}. A key whose scopes
 * move its family to the other kind takes a slot of that kind itself, in the write that changes its scopes. What its family
 * holds of the former kind is released by whoever looks for a place next, who also moves families from before there were two
 * kinds.
 */

const KEY_SLOT = 'key.slot';
export const KEY_UNIQUE = { _id: 'key.id', lookupId: 'key.lookupId', 'workspaceId,slot': KEY_SLOT };

type Keys = Pick<Documents<KeyDocument>, 'find' | 'update' | 'updateMany'>;

/** Where the slots of families begin that only administer; those of the others end before it. */
const ADMIN_BASE = 2 ** 48;

const BASES: Readonly<Record<PlaceKind, number>> = { keys: 0, adminKeys: ADMIN_BASE };

/** Beyond any number of places; random, because nobody needs to know the next free one. */
export function unlimitedSlot(kind: PlaceKind): number {
  return BASES[kind] + randomInt(2 ** 32, 2 ** 47);
}

function kindOfSlot(slot: number): PlaceKind {
  return slot >= ADMIN_BASE ? 'adminKeys' : 'keys';
}

/** @returns what `write` answered, or null where another process was quicker with the slot. */
export async function unlessTaken<T>(write: () => Promise<T>): Promise<T | null> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof Duplicate && error.what === KEY_SLOT) return null;
    throw error;
  }
}

/**
 * A slot of that kind below `places` that was free a moment ago. Releases those of dead families, and moves the living into
 * the range.
 * @returns the number of living families in place of a slot where there is none.
 */
export async function freeSlot(
  keys: Keys,
  workspaceId: string,
  kind: PlaceKind,
  places: number,
  now: number,
): Promise<{ readonly slot: number } | { readonly living: number }> {
  for (;;) {
    const { living, dead } = await families(keys, workspaceId, now);
    if (dead.length > 0) {
      // Death is for good (nothing revives a key), so nothing can have changed since it was seen.
      await keys.updateMany({ _id: where({ $in: dead.map((root) => root._id) }) }, { $unset: { slot: '' } });
    }
    if (!(await settle(keys, living))) continue;
    const held = living.flatMap((family) => (family.kind === kind ? family.roots : []));
    if (held.length >= places) return { living: held.length };
    const end = BASES[kind] + places;
    const taken = held.map(({ slot }) => slot - BASES[kind]).filter((slot) => slot < places);
    const draw = (): number => {
      const slot = randomFree(taken, places);
      taken.push(slot);
      return BASES[kind] + slot;
    };

    let moved = true;
    for (const root of held.filter(({ slot }) => slot >= end)) moved &&= await move(keys, root, draw());
    if (moved) return { slot: draw() };
  }
}

/**
 * Leaves each family one slot, of its own kind. Of several the one of the last key stays, whoever looks.
 * @returns whether all families were so already
 */
async function settle(keys: Keys, living: readonly Family[]): Promise<boolean> {
  let settled = true;
  for (const { kind, roots } of living) {
    const right = roots.filter(({ slot }) => kindOfSlot(slot) === kind).sort((a, b) => (a._id < b._id ? 1 : -1));
    const [kept = roots[0]] = right;
    for (const root of roots) {
      if (root !== kept) {
        await keys.update(asSeen(root), { $unset: { slot: '' } });
        settled = false;
      } else if (right.length === 0) {
        await move(keys, root, unlimitedSlot(kind));
        settled = false;
      }
    }
  }
  return settled;
}

async function move(keys: Keys, root: Root, slot: number): Promise<boolean> {
  return (await unlessTaken(() => keys.update(asSeen(root), { $set: { slot } }))) !== null;
}

/** The kind of a family was seen by its keys' scopes: with others it may have taken another slot. */
function asSeen(root: Root): Filter {
  return { ...unchanged(root, ['_id', 'slot']), scopes: where({ $eq: [...root.scopes] }) };
}

/** Living families of a workspace, of one kind or of both. */
export async function countFamilies(
  keys: Keys,
  workspaceId: string,
  now: number,
  kind: PlaceKind | undefined,
): Promise<number> {
  const { living } = await families(keys, workspaceId, now);
  return living.filter((family) => kind === undefined || family.kind === kind).length;
}

/**
 * The slot that a key needs to hold other scopes.
 * @param limit places of the kind that it will be of; null: any number
 * @returns nothing where it needs none; the number of living families where there is none
 */
export async function slotFor(
  keys: Keys,
  key: KeyDocument,
  scopes: readonly string[],
  limit: number | null,
  now: number,
): Promise<{ readonly slot?: number } | { readonly living: number }> {
  const kind = placeKindOf({ scopes });
  if (kind === placeKindOf(key)) return {};
  const family = await keys.find(
    { workspaceId: eq(key.workspaceId), familyId: eq(key.familyId), _id: where({ $ne: key._id }) },
    { fields: ['scopes', 'revokedAt', 'expiresAt'] },
  );
  const doesMore = family.some((other) => isAlive(other, now) && placeKindOf(other) === 'keys');
  // Another key of the family holds it among the others, until it ends.
  if (kind === 'adminKeys' && doesMore) return {};
  if (key.slot !== undefined && kindOfSlot(key.slot) === kind) return {};
  if (limit === null || doesMore) return { slot: unlimitedSlot(kind) };
  return freeSlot(keys, key.workspaceId, kind, limit, now);
}

interface Root {
  readonly _id: string;
  readonly familyId: string;
  readonly slot: number;
  readonly scopes: readonly string[];
}

/** A living family, with those of its keys that hold a slot. */
interface Family {
  readonly kind: PlaceKind;
  readonly roots: readonly Root[];
}

type Member = Pick<KeyDocument, '_id' | 'familyId' | 'scopes' | 'revokedAt' | 'expiresAt' | 'replacedBy' | 'successor'>;

const MEMBER_FIELDS = ['familyId', 'scopes', 'revokedAt', 'expiresAt', 'replacedBy', 'successor'];

/** At random, so that calls that run at once seldom want the same one. */
function randomFree(held: readonly number[], places: number): number {
  let slot = randomInt(places - held.length);
  for (const other of held.toSorted((a, b) => a - b)) if (other <= slot) slot++;
  return slot;
}

/** The families that hold a slot; the others are known to be dead. */
async function families(keys: Keys, workspaceId: string, now: number): Promise<{ living: Family[]; dead: Root[] }> {
  const roots = (await keys.find(
    { workspaceId: eq(workspaceId), slot: where({ $gte: 0 }) },
    { fields: ['familyId', 'slot', 'scopes'] },
  )) as unknown as Root[];

  const ended = new Map<string, 'dead' | 'gone'>();
  const kinds = new Map<string, PlaceKind>();
  let open = [...new Set(roots.map((root) => root.familyId))];
  // What is still torn after a few readings counts as living: the limit is never exceeded for it.
  for (let readings = 0; open.length > 0 && readings < 4; readings++) {
    const members: Member[] = await keys.find(
      { workspaceId: eq(workspaceId), familyId: where({ $in: open }) },
      { fields: MEMBER_FIELDS },
    );
    const byFamily = new Map<string, Member[]>(open.map((id) => [id, []]));
    for (const key of members) byFamily.get(key.familyId)?.push(key);
    const states = new Map([...byFamily].map(([id, family]) => [id, stateOf(family, now)]));
    for (const [id, state] of states) if (state === 'dead' || state === 'gone') ended.set(id, state);
    for (const [id, family] of byFamily) kinds.set(id, kindOfFamily(family, now));
    open = open.filter((id) => states.get(id) === 'torn');
  }
  const living = new Map<string, Root[]>();
  for (const root of roots) {
    if (!ended.has(root.familyId)) living.set(root.familyId, [...(living.get(root.familyId) ?? []), root]);
  }
  return {
    living: [...living].map(([id, held]) => ({ kind: kinds.get(id) ?? 'keys', roots: held })),
    dead: roots.filter((root) => ended.get(root.familyId) === 'dead'),
  };
}

/** A family counts among those that administer where all its living keys do. */
function kindOfFamily(family: readonly Member[], now: number): PlaceKind {
  const living = family
    .flatMap((key) => [key, ...(key.successor ? [key.successor] : [])])
    .filter((key) => isAlive(key, now));
  const judged = living.length > 0 ? living : family;
  return judged.every((key) => placeKindOf(key) === 'adminKeys') ? 'adminKeys' : 'keys';
}

/**
 * `torn`: the reading saw a key after a rotation but not its successor, which was written while it went on. Such a family
 * looks dead where the overlap is zero, though it lives.
 *
 * `gone`: the only key was withdrawn before its creation was confirmed (see intents.ts). Its slot is free already, and must
 * not be released: the creation may be on its way again, under the same id.
 */
function stateOf(family: readonly Member[], now: number): 'living' | 'dead' | 'torn' | 'gone' {
  if (family.length === 0) return 'gone';
  const keys = family.flatMap((key) => (key.successor ? [key, key.successor] : [key]));
  if (keys.some((key) => isAlive(key, now))) return 'living';
  const seen = new Set(keys.map((key) => key._id));
  return keys.every((key) => key.replacedBy === null || seen.has(key.replacedBy)) ? 'dead' : 'torn';
}
