import { badInput } from '../refusals/refusal.js';

/** Entries of lists below assets that one operation may be answered with. */
export const MAX_ENTRIES = 20_000;

/**
 * What one request may still be answered with. A lineage that comes round again multiplies with each level asked for: a
 * document of a dozen levels and a hundred names would be answered for ever. Depth and cost are judged by the document
 * and cannot see that, so the entries are counted as they are handed out.
 */
export class EntryBudget {
  #left = MAX_ENTRIES;

  /** @returns the list @throws Refusal BAD_USER_INPUT once the operation has asked for more than {@link MAX_ENTRIES} */
  spend<T extends readonly unknown[]>(list: T): T {
    this.#left -= list.length;
    if (this.#left >= 0) return list;
    throw badInput(
      [],
      `The answer would hold more than ${MAX_ENTRIES} entries of lineage, columns and alerts. Ask for fewer assets, levels or lists.`,
    );
  }
}
