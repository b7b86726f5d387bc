import { eq, where, type Filter } from './documents.js';

/** What comes after a row in the order of `createdAt` and then `_id`, ascending; everything where there is no row. */
export function laterThan(row: { readonly createdAt: number; readonly id: string } | null): Filter {
  if (row === null) return {};
  const { createdAt, id } = row;
  return {
    $or: where([{ createdAt: where({ $gt: createdAt }) }, { createdAt: eq(createdAt), _id: where({ $gt: id }) }]),
  };
}
