import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** GraphiQL's page, compressed. */
export interface Page {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

// No header is prefilled: GraphiQL sends it with its first introspection, and a header without a key is refused.
const DEFAULT_QUERY = `# Open the Headers pane below and put your key there:
#   { "Authorization": "Bearer sk_live_..." }
# Then run this.
{
  viewer {
    scopes
    limits { tier rate { remaining } }
  }
}
`;

let page: Promise<Page> | null = null;

/**
 * GraphiQL, whole, from an installed package: no CDN. Made at the first browser's visit, because the package is some
 * megabytes that an API's start should not wait for. The page is the same for everybody and holds no key (B36): whoever
 * uses it types theirs into its header pane.
 */
export function graphiqlPage(): Promise<Page> {
  page ??= build().catch((error: unknown) => {
    page = null;
    throw error;
  });
  return page;
}

async function build(): Promise<Page> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const html = renderGraphiQL({
    title: 'Latchkey GraphiQL',
    endpoint: '/graphql',
    defaultQuery: DEFAULT_QUERY,
    shouldPersistHeaders: false,
  });
  return {
    body: await promisify(gzip)(html),
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-encoding': 'gzip',
      'cache-control': 'no-cache',
      vary: 'accept',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    },
  };
}
