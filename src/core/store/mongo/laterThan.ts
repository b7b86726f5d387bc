import { eq, where, type Filter } from './documents.js';

/** Matches documents after a row, by `createdAt` and then `_id`, ascending; all documents if there is no row. */
export function laterThan(row: { readonly createdAt: number; readonly id: string } | null): Filter {
  if (row === null) return {};
  const { createdAt, id } = row;
  return {
    $or: where([{ createdAt: where({ $gt: createdAt }) }, { createdAt: eq(createdAt), _id: where({ $gt: id }) }]),
  };
}
