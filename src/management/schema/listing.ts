import type { GraphQLResolveInfo } from 'graphql';
import { WorkBudgets } from '../../core/guard/answer/work.js';
import { MAX_PAGE } from './pageConnection.js';

/** The number of entries that one operation may read with its lists. */
const MAX_LISTED = 1_500;

/** The number of entries that a filter counts for: the list looks through many entries to find few. */
export const SEARCH = 150;

const budgets = new WorkBudgets({
  limit: MAX_LISTED,
  path: ['first'],
  message: `This operation lists more than ${MAX_LISTED} entries in total. A filter counts for ${SEARCH} more. Send some of the lists in another operation.`,
});

/**
 * Makes a resolver of a list in the query type. A query reads each list once, under any number of aliases, and all
 * different lists of an operation share one limit: pages are read completely, even if none of their entries is selected.
 *
 * @param rows what a list counts for: its page size, and {@link SEARCH} for a filter
 */
export function listing<Args extends object, Page, Context>(
  read: (args: Args, context: Context) => Promise<Page>,
  rows: (args: Args) => number,
): (parent: unknown, args: Args, context: Context, info: GraphQLResolveInfo) => Promise<Page> {
  // By the object with the variables, which graphql-js creates for each execution.
  const known = new WeakMap<object, Map<string, Promise<Page>>>();
  return async (_, args, context, info) => {
    const pages = known.get(info.variableValues) ?? new Map<string, Promise<Page>>();
    known.set(info.variableValues, pages);
    const name = JSON.stringify(args);
    let page = pages.get(name);
    if (page === undefined) {
      budgets.spend(info, rows(args));
      pages.set(name, (page = read(args, context)));
    }
    return page;
  };
}

/**
 * Returns what a page counts for. One that is too large by itself is refused for that.
 *
 * @param usual the default page size, without `first`
 */
export function pageRows(first: number | null | undefined, usual: number): number {
  return Math.min(Math.max(first ?? usual, 1), MAX_PAGE);
}
