import { readFile } from 'node:fs/promises';
import { packageFile } from '../packageFiles.js';

/** GraphiQL's page, compressed. */
export interface Page {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

const FILE = packageFile('dist/graphiql.html.gz');

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-encoding': 'gzip',
  'cache-control': 'no-cache',
  vary: 'accept',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
} as const;

let page: Promise<Page> | null = null;

/**
 * GraphiQL, whole, as the build made it from its package (scripts/graphiql.js): no CDN. Read at the first browser's visit,
 * for an API's start should not wait for it. The page is the same for everybody and holds no key (B36): whoever uses it
 * types theirs into its header pane.
 */
export function graphiqlPage(): Promise<Page> {
  page ??= readFile(FILE).then(
    (body) => ({ body, headers: HEADERS }),
    (error: unknown) => {
      page = null;
      throw error;
    },
  );
  return page;
}
