import { setTimeout as delay } from 'node:timers/promises';
import { keyCreated } from '../entries.js';
import type { KeyStore, Places } from '../keyStore.js';
import { limitOf, placeKindOf } from '../places.js';
import type { KeyRecord, Tier } from '../records.js';
import { Duplicate } from '../storeErrors.js';
import { parts, where, type Documents } from './documents.js';
import { countFamilies, unlimitedSlot } from './families.js';
import { toDocument, type Intents } from './intents.js';
import { toDocument as toEntry, withJudged } from './ledger.js';
import { OneByOne } from './oneByOne.js';
import { freeSlot, insertAtPlaces, unlessTaken } from './places.js';
import type { KeyDocument } from './schemas.js';

/** The number of keys that are revoked with one call. */
const REVOKED = 100;

/** The reason of a revocation of keys that were created with others, if not all of them could be. */
const WITHDRAWN = 'Not all keys of the call could be created.';

/** How often the insertion of several keys is tried if there are too few places, and the pause in between, in ms. */
const [ATTEMPTS, PAUSE] = [3, 50];

/** The same if there are places for all of them, which concurrent calls took and gave up. */
const MAX_ATTEMPTS = 12;

interface InsertionOptions {
  readonly keys: Documents<KeyDocument>;
  readonly intents: Intents;
  readonly revokeMany: KeyStore['revokeMany'];
}

/**
 * Inserts keys, each in a place of its workspace. A key is first written as unconfirmed, and confirmed if its owner, its author and the
 * tier
 * of its workspace are still the same; otherwise it is removed.
 */
export function insertionInto({
  keys,
  intents,
  revokeMany,
}: InsertionOptions): Pick<KeyStore, 'insert' | 'insertMany'> {
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

  /** Inserts keys of one workspace, each in a free place; all of them or none. @throws Duplicate */
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

  const bulks = new OneByOne();

  const insertAll: KeyStore['insertMany'] = async (many, places, now, author) => {
    const [first] = many;
    if (first === undefined) return { outcome: 'inserted' };
    /**
     * Removes the keys of this call. Keys that another process has confirmed in the meantime are revoked.
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
      // Each call gives up its places before it looks, so the last of several concurrent calls finds the places of all other calls.
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
        // A condition of its insertion has changed in the meantime, so it was withdrawn.
      }
    },
    // Concurrent calls would take places from each other, give them up, and try again.
    insertMany: (many, places, now, author) =>
      places === null
        ? insertAll(many, places, now, author)
        : bulks.run(many[0]?.workspaceId ?? '', () => insertAll(many, places, now, author)),
  };
}
