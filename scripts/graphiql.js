// Makes the compressed GraphiQL page, dist/graphiql.html.gz, from its package. This happens at build time, because the
// package is about 18 MB and contains a server, too much to install for one page.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import { note } from './build/bundled.js';

// No header is prefilled: GraphiQL sends it with its first introspection, and a header without a key is refused.
const DEFAULT_QUERY = `# Open the Headers pane below and put your key there:
#   { "Authorization": "Bearer lks_live_..." }
# Then run this.
{
  viewer {
    scopes
    limits { tier rate { remaining } }
  }
}
`;

const html = renderGraphiQL({
  title: 'Latchkey GraphiQL',
  endpoint: '/graphql',
  defaultQuery: DEFAULT_QUERY,
  shouldPersistHeaders: false,
});
mkdirSync(new URL('../dist/', import.meta.url), { recursive: true });
writeFileSync(new URL('../dist/graphiql.html.gz', import.meta.url), gzipSync(html, { level: 9 }));
note('graphiql', [fileURLToPath(new URL('../node_modules/@graphql-yoga/render-graphiql', import.meta.url))]);
