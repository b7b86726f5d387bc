import { randomInt } from 'node:crypto';
import { Duplicate } from '../errors.js';
import { isAlive } from '../records.js';
import { eq, where, type Documents } from './documents.js';
import type { KeyDocument } from './schemas.js';

/**
 * Places without transactions. The first key of each family holds a slot, a number unique in the workspace by index, until
 * the family is known to be dead; a limit of n is the rule that every living family's slot is below n. So the index, not a
 * count, keeps the limit: of calls that run at once only one can have a slot.
 *
 * A family made without a limit holds a slot beyond any limit. It moves below the limit, as does one from before a
 * downgrade, when the next key is inserted under a limit; as long as they do not all fit, the answer is `full`.
 */

const KEY_SLOT = 'key.slot';
export const KEY_UNIQUE = { _id: 'key.id', lookupId: 'key.lookupId', 'workspaceId,slot': KEY_SLOT };

type Keys = Pick<Documents<KeyDocument>, 'find' | 'update' | 'updateMany'>;

/** Beyond any number of places; random, because nobody needs to know the next free one. */
export function unlimitedSlot(): number {
  return randomInt(2 ** 32, 2 ** 47);
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
 * A slot below `places` that was free a moment ago. Releases those of dead families, and moves the living into the range.
 * @returns the number of living families in place of a slot where there is none.
 */
export async function freeSlot(
  keys: Keys,
  workspaceId: string,
  places: number,
  now: number,
): Promise<{ readonly slot: number } | { readonly living: number }> {
  for (;;) {
    const { living, dead } = await families(keys, workspaceId, now);
    if (living.length >= places) return { living: living.length };
    if (dead.length > 0) {
      // Death is for good (nothing revives a key), so nothing can have changed since it was seen.
      await keys.updateMany({ _id: where({ $in: dead.map((root) => root._id) }) }, { $unset: { slot: '' } });
    }
    const held = living.map((root) => root.slot).filter((slot) => slot < places);
    const draw = (): number => {
      const slot = randomFree(held, places);
      held.push(slot);
      return slot;
    };

    let moved = true;
    for (const root of living.filter(({ slot }) => slot >= places)) {
      const from = { _id: eq(root._id), slot: eq(root.slot) };
      moved &&= (await unlessTaken(() => keys.update(from, { $set: { slot: draw() } }))) !== null;
    }
    if (moved) return { slot: draw() };
  }
}

/** Living families of a workspace. */
export async function countFamilies(keys: Keys, workspaceId: string, now: number): Promise<number> {
  return (await families(keys, workspaceId, now)).living.length;
}

interface Root {
  readonly _id: string;
  readonly familyId: string;
  readonly slot: number;
}

type Member = Pick<KeyDocument, '_id' | 'familyId' | 'revokedAt' | 'expiresAt' | 'replacedBy' | 'successor'>;

const MEMBER_FIELDS = ['familyId', 'revokedAt', 'expiresAt', 'replacedBy', 'successor'];

/** At random, so that calls that run at once seldom want the same one. */
function randomFree(held: readonly number[], places: number): number {
  let slot = randomInt(places - held.length);
  for (const other of held.toSorted((a, b) => a - b)) if (other <= slot) slot++;
  return slot;
}

/** The families that hold a slot; the others are known to be dead. */
async function families(keys: Keys, workspaceId: string, now: number): Promise<{ living: Root[]; dead: Root[] }> {
  const roots = (await keys.find(
    { workspaceId: eq(workspaceId), slot: where({ $gte: 0 }) },
    { fields: ['familyId', 'slot'] },
  )) as unknown as Root[];

  const dead = new Set<string>();
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
    for (const [id, state] of states) if (state === 'dead') dead.add(id);
    open = open.filter((id) => states.get(id) === 'torn');
  }
  return {
    living: roots.filter((root) => !dead.has(root.familyId)),
    dead: roots.filter((root) => dead.has(root.familyId)),
  };
}

/**
 * `torn`: the reading saw a key after a rotation but not its successor, which was written while it went on. Such a family
 * looks dead where the overlap is zero, though it lives.
 */
function stateOf(family: readonly Member[], now: number): 'living' | 'dead' | 'torn' {
  const keys = family.flatMap((key) => (key.successor ? [key, key.successor] : [key]));
  if (keys.some((key) => isAlive(key, now))) return 'living';
  const seen = new Set(keys.map((key) => key._id));
  return keys.every((key) => key.replacedBy === null || seen.has(key.replacedBy)) ? 'dead' : 'torn';
}
