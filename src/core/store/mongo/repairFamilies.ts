import { eq, parts, where, type Filter, type Update } from './documents.js';
import {
  type Keys,
  type Holder,
  HOLDER_FIELDS,
  MEMBER_FIELDS,
  type Member,
  mayLive,
  membersOf,
  endsOf,
  kindAt,
  kindOfSlot,
  settleFamily,
  asSeen,
  RELEASE,
} from './families.js';
import { SLOTS, type KeyDocument } from './schemas.js';

/** How many families are repaired at the same time. */
const BATCH = 1_000;

/**
 * How many slots are read at once, after the first batch. The number is large, because an engine whose indexes have no order reads and
 * sorts all later slots each time. A slow disk must be able to read them within the time limit.
 */
const SLOTS_READ = 5_000;

/** Before every end, because a repair must not depend on this process' clock. */
const ANY_TIME = 0;

const HELD_FIELDS = [...HOLDER_FIELDS, 'workspaceId', 'replaces', 'replacedBy', 'scopes', 'revokedAt', 'expiresAt'];

/** The key with a family's slot. */
type HeldDocument = Holder & Pick<KeyDocument, 'workspaceId' | 'replaces' | 'replacedBy'> & Member;

/**
 * The number of workspaces whose families are read at once. Compatible engines look up each family in each workspace, so a read
 * of 1,000 families in as many workspaces would exceed the time limit.
 */
const WORKSPACES_READ = 100;

/** A repair that continues after the start. */
export interface Repair {
  /**
   * Settles when all families are read, or when the store is closed or unavailable: the next start begins again. Never
   * rejects.
   */
  readonly done: Promise<void>;
}

/**
 * Reads all families, and corrects the slots and ends that differ from what the keys of the family say. An earlier release causes such a
 * difference, before an upgrade or while it runs next to this one.
 *
 * @returns after the first families, or, if an earlier release wrote any of them, after all families
 */
export async function repairFamilies(keys: Keys): Promise<Repair> {
  const batches = heldFamilies(keys);
  const next = async (): Promise<{ readonly goesOn: boolean; readonly wasMissing: boolean }> => {
    const { value: holders = [], done = false } = await batches.next();
    await repairThese(keys, holders);
    return { goesOn: !done, wasMissing: holders.some(({ keysEnd }) => keysEnd === undefined) };
  };
  let { goesOn, wasMissing } = await next();
  while (goesOn && wasMissing) ({ goesOn, wasMissing } = await next());
  const rest = async (): Promise<void> => {
    while (goesOn) ({ goesOn } = await next());
  };
  return { done: rest().catch(() => undefined) };
}

/** Reads the keys with slots, in batches, by workspace and slot. Families that have ended have no slot and are not read. */
async function* heldFamilies(keys: Keys): AsyncGenerator<HeldDocument[], undefined> {
  const read = async (filter: Filter, limit: number): Promise<HeldDocument[]> =>
    (await keys.find(filter, {
      sort: { workspaceId: 1, slot: 1 },
      limit,
      fields: HELD_FIELDS,
      hint: SLOTS,
    })) as unknown as HeldDocument[];
  let holders = await read({ slot: where({ $gte: 0 }) }, BATCH);
  let isEnd = holders.length < BATCH;
  yield holders;
  for (let last = holders.at(-1); last !== undefined && !isEnd; last = holders.at(-1)) {
    // Two ranges of the index. A condition for both would read the earlier slots of the workspace, too.
    const { workspaceId, slot } = last;
    holders = await read({ workspaceId: eq(workspaceId), slot: where({ $gte: slot + 1 }) }, SLOTS_READ);
    if (holders.length < SLOTS_READ) {
      const others = await read({ workspaceId: where({ $gt: workspaceId }), slot: where({ $gte: 0 }) }, SLOTS_READ);
      holders.push(...others);
      isEnd = others.length < SLOTS_READ;
    }
    yield* parts(holders, BATCH);
  }
}

async function repairThese(keys: Keys, holders: readonly HeldDocument[]): Promise<void> {
  const families = new Map<string, HeldDocument[]>();
  for (const holder of holders) families.set(holder.familyId, [...(families.get(holder.familyId) ?? []), holder]);
  const members = await membersByFamily(keys, holders);
  const repairs: { readonly filter: Filter; readonly update: Update }[] = [];
  for (const [familyId, [holder, ...more]] of families) {
    if (holder === undefined) continue;
    const ends = endsOf(members.get(familyId) ?? []);
    const kind = kindAt(ends, ANY_TIME);
    const { slot, keysEnd, adminEnd, turn = 0 } = holder;
    const isOfKind = (kindOfSlot(slot) === 'keys' ? ends.keysEnd : ends.adminEnd) > 0;
    if (more.length > 0 || (kind !== null && !isOfKind)) {
      await settleFamily(keys, holder.workspaceId, familyId, ANY_TIME);
      continue;
    }
    const isRight = kind !== null && ends.keysEnd === keysEnd && ends.adminEnd === adminEnd;
    const update = kind === null ? RELEASE : { $set: { ...ends, turn: turn + 1 } };
    // Families written by other processes in the meantime are correct.
    if (!isRight) repairs.push({ filter: asSeen(holder), update });
  }
  if (repairs.length > 0) await keys.bulkWrite(repairs.map((updateOne) => ({ updateOne })));
}

/** Returns the keys of families. A key without a predecessor and a successor is the only one of its family. */
async function membersByFamily(keys: Keys, holders: readonly HeldDocument[]): Promise<ReadonlyMap<string, Member[]>> {
  const members = new Map<string, Member[]>();
  const rotated = new Map<string, string[]>();
  for (const holder of holders) {
    const { workspaceId, familyId, replaces, replacedBy } = holder;
    if (replaces === null && replacedBy === null) members.set(familyId, [holder]);
    else rotated.set(workspaceId, [...(rotated.get(workspaceId) ?? []), familyId]);
  }
  for (const some of parts([...rotated], WORKSPACES_READ)) {
    const workspaceId = where({ $in: some.map(([workspace]) => workspace) });
    const familyId = where({ $in: some.flatMap(([, families]) => families) });
    const found = await keys.find({ workspaceId, familyId, ...mayLive(ANY_TIME) }, { fields: MEMBER_FIELDS });
    for (const key of found) members.set(key.familyId, [...(members.get(key.familyId) ?? []), ...membersOf([key])]);
  }
  return members;
}
