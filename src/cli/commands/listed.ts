import type { Command } from 'commander';
import { whole, type AskingOptions } from '../commandOptions.js';
import { pagesOf, type PageOf } from '../pages.js';
import type { Column } from '../table.js';
import type { Talk } from '../talk.js';

export interface ListOptions extends AskingOptions {
  readonly limit: number;
}

/** Variables of a query that returns a page. */
export interface PageVariables {
  readonly first: number;
  readonly after: string | null;
}

/** Adds the option `--limit`. @param things their name in the plural */
export function limited(command: Command, things: string): Command {
  return command.option('-n, --limit <count>', `list at most this many ${things}`, whole(1, 100_000), 1_000);
}

/** A list without a total, which the API only counts for keys. */
interface Listing<Node> {
  /** The plural name of the nodes, which is also the name of the list in `--json`. */
  readonly things: string;
  readonly columns: readonly Column<Node>[];
  readonly read: (variables: PageVariables) => Promise<PageOf<Node>>;
}

/** Prints a list, up to a limit, and says on standard error if there are more entries. */
export async function showListing<Node>(
  { terminal, table, show }: Talk,
  limit: number,
  { things, columns, read }: Listing<Node>,
): Promise<void> {
  const nodes: Node[] = [];
  let hasNextPage = false;
  for await (const page of pagesOf((first, after) => read({ first, after }), limit)) {
    nodes.push(...page.nodes);
    ({ hasNextPage } = page.pageInfo);
    if (hasNextPage) terminal.progress(`${nodes.length} ${things}`);
  }
  show({ [things]: nodes, hasNextPage }, () =>
    nodes.length === 0 ? `No ${things}.` : table(terminal, columns, nodes),
  );
  if (hasNextPage) terminal.note(`The first ${nodes.length}: --limit shows more.`);
}
