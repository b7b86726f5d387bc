import { badInput } from '../refusals/refusal.js';

/** The row that a page begins after. */
export interface After {
  readonly createdAt: number;
  readonly id: string;
}

export interface Page<T> {
  readonly nodes: readonly T[];
  readonly hasNextPage: boolean;
}

const MAX_PAGE = 100;

/** @throws Refusal BAD_USER_INPUT */
export function checkPage(first: number): void {
  if (first < 1 || first > MAX_PAGE) throw badInput(['first'], `A page has 1 to ${MAX_PAGE} entries.`);
}

/** @param rows one more than the page has, where there are so many */
export function pageOf<T>(rows: readonly T[], first: number): Page<T> {
  return { nodes: rows.slice(0, first), hasNextPage: rows.length > first };
}
