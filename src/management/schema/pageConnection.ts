import { badInput } from '../../core/errors/refusal.js';

/** A part of a list, as the services return it. */
export interface Page<T> {
  readonly nodes: readonly T[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

export interface Edge<T> {
  readonly cursor: string;
  readonly node: T;
}

/** The row that a page begins after, in a list by age. */
export interface After {
  readonly createdAt: number;
  readonly id: string;
}

export const MAX_PAGE = 100;

/** @throws Refusal BAD_USER_INPUT unless `first` is 1 to 100 */
export function checkPage(first: number): void {
  if (first < 1 || first > MAX_PAGE)
    throw badInput(['first'], `A page has 1 to ${MAX_PAGE} entries. Set first to a number in this range.`);
}

/**
 * @param rows the rows of the page, and one more if more exist @param after where the page begins; null: at the beginning of the list.
 * Lists are only read forward, so every cursor
 *   belongs to an entry of an earlier page.
 */
export function pageOf<T>(rows: readonly T[], first: number, after: unknown): Page<T> {
  return { nodes: rows.slice(0, first), hasNextPage: rows.length > first, hasPreviousPage: after !== null };
}

/** Resolvers of a connection, the same for every list: edges, nodes and pageInfo, as in Relay's specification. */
export function connectionOf<T>(cursorOf: (node: T) => string) {
  // A cursor takes longer to compute than to print, and a query can select it under many aliases.
  const known = new WeakMap<Page<T>, Edge<T>[]>();
  return {
    edges: (page: Page<T>): readonly Edge<T>[] => {
      const edges = known.get(page) ?? page.nodes.map((node) => ({ cursor: cursorOf(node), node }));
      known.set(page, edges);
      return edges;
    },
    nodes: ({ nodes }: Page<T>) => nodes,
    pageInfo: ({ nodes, hasNextPage, hasPreviousPage }: Page<T>) => {
      const [first, last] = [nodes.at(0), nodes.at(-1)];
      return {
        hasNextPage,
        hasPreviousPage,
        startCursor: first === undefined ? null : cursorOf(first),
        endCursor: last === undefined ? null : cursorOf(last),
      };
    },
  };
}
