import { normalise } from '../../../shared/text/characters.js';
import { fold } from '../../../shared/text/fold.js';
import { Duplicate } from '../storeErrors.js';
import { eq, where, type Documents } from './documents.js';
import { FOLDING, type KeyDocument, type ProjectDocument } from './schemas.js';

/** ASCII is the same in every normalization form. */
const NOT_ASCII = where({ $regex: '[^ -~]' });

/** Number of keys read by one query. */
const BATCH = 1_000;

interface Named {
  readonly _id: string;
  readonly name: string;
}

/**
 * Normalizes names that an earlier release stored. If the names of two projects differ only in their normalization, one of them gets the
 * normalized name, which prevents a third project with that name, and the other one keeps its name.
 *
 * @param timeout of each read, in ms
 */
export async function normaliseNames(
  { keys, projects }: { readonly keys: Documents<KeyDocument>; readonly projects: Documents<ProjectDocument> },
  timeout: number,
): Promise<void> {
  const typed = await projects.aggregate<Named>([{ $match: { name: NOT_ASCII } }, { $project: { name: 1 } }], {
    timeout,
  });
  for (const { _id, name } of typed.filter((project) => normalise(project.name) !== project.name)) {
    await projects.update({ _id: eq(_id), name: eq(name) }, { $set: { name: normalise(name) } }).catch(unlessDuplicate);
  }
  const old = { name: NOT_ASCII, folding: where({ $ne: FOLDING }) };
  for (;;) {
    const batch = await keys.aggregate<Named>([{ $match: old }, { $limit: BATCH }, { $project: { name: 1 } }], {
      timeout,
    });
    if (batch.length === 0) return;
    await keys.bulkWrite(
      batch.map(({ _id, name }) => ({
        updateOne: {
          filter: { _id: eq(_id), name: eq(name) },
          update: { $set: { nameFolded: fold(name), folding: FOLDING } },
        },
      })),
    );
  }
}

function unlessDuplicate(error: unknown): void {
  if (!(error instanceof Duplicate)) throw error;
}
