import type { GraphQLResolveInfo } from 'graphql';
import { WorkBudgets } from '../guard/answer/work.js';
import type { ActorContext } from '../keys/actor.js';
import { oncePerQuery } from '../keys/loaders.js';
import { MAX_PAGE } from './connection.js';

/** The number of entries that one operation may read with its lists. */
export const MAX_LISTED = 1_500;

/** What a search counts for in addition: it looks through many entries to find few. */
export const SEARCH = 150;

const budgets = new WorkBudgets({
  limit: MAX_LISTED,
  path: ['first'],
  message: `This operation lists more than ${MAX_LISTED} entries altogether. A list with a filter counts for ${SEARCH} more. Send some of the lists in another operation.`,
});

interface Asked<Args, Context> {
  readonly args: Args;
  readonly context: Context;
  readonly info: GraphQLResolveInfo;
}

/**
 * Makes a resolver of a root list. A query reads each list once, under any number of aliases, and all different lists
 * of an operation share one limit: pages are read whole, even if none of their entries is selected.
 *
 * @param rows what a list counts for: its page size, and {@link SEARCH} for a filter
 */
export function listing<Args extends object, Page, Context extends object = ActorContext>(
  read: (args: Args, context: Context) => Promise<Page>,
  rows: (args: Args) => number,
): (parent: unknown, args: Args, context: Context, info: GraphQLResolveInfo) => Promise<Page> {
  const once = oncePerQuery(
    async ({ args, context, info }: Asked<Args, Context>) => {
      budgets.spend(info, rows(args));
      return read(args, context);
    },
    ({ args }) => JSON.stringify(args),
  );
  return (_, args, context, info) => once(context, info, { args, context, info });
}

/**
 * Returns what a page counts for. One that is too large by itself is refused for that.
 *
 * @param usual the page size without `first`
 */
export function pageRows(first: number | null | undefined, usual: number): number {
  return Math.min(Math.max(first ?? usual, 1), MAX_PAGE);
}
