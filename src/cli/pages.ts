import { EXIT } from './exit.js';
import { UnexpectedAnswer } from './unexpected.js';

/** A page of a list, as the API returns it. */
export interface PageOf<Node> {
  readonly nodes: readonly Node[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

/** The maximum page size of the API. */
const PAGE = 100;

/**
 * Reads the pages of a list, up to a number of nodes. Every page must advance the list, because a server that repeats a
 * cursor would cause an endless loop.
 *
 * @param read requests a page; `after` is null for the first page
 * @throws UnexpectedAnswer
 */
export async function* pagesOf<Page extends PageOf<unknown>>(
  read: (first: number, after: string | null) => Promise<Page>,
  limit: number,
): AsyncGenerator<Page> {
  const cursors = new Set<string>();
  let count = 0;
  let after: string | null = null;
  while (count < limit) {
    const first = Math.min(PAGE, limit - count);
    const page: Page = await read(first, after);
    checkLength(page.nodes, first);
    count += page.nodes.length;
    yield page;
    const { hasNextPage, endCursor } = page.pageInfo;
    if (!hasNextPage) return;
    if (endCursor === null) throw endless('has no cursor for the next page', count);
    if (cursors.has(endCursor)) throw endless('repeats a cursor', count);
    if (page.nodes.length === 0) throw endless('has an empty page before the last one', count);
    cursors.add(endCursor);
    after = endCursor;
  }
}

/** @throws UnexpectedAnswer if a page has more nodes than requested */
export function checkLength(nodes: readonly unknown[], first: number): void {
  if (nodes.length > first)
    throw new UnexpectedAnswer(`has ${nodes.length} entries on a page of ${first}`, EXIT.failed);
}

function endless(what: string, count: number): UnexpectedAnswer {
  return new UnexpectedAnswer(`${what}, so the list would never end. Stopped after ${count} entries`, EXIT.failed);
}
