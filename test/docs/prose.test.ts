import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from '../support/project.js';
import { hitsIn, RULES } from './prose/rules.js';
import { filesIn, textsOf } from './prose/texts.js';

/** The folders and files that follow the rules. Add each one that was rewritten, and remove none. */
const CLEAN: readonly string[] = [
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'README.md',
  'SECURITY.md',
  'bench',
  'docs/README.md',
  'docs/access-tokens.md',
  'docs/architecture.md',
  'docs/audit-log.md',
  'docs/ci-pipelines.md',
  'docs/cli.md',
  'docs/client.md',
  'docs/coming-from.md',
  'docs/configuration.md',
  'docs/dashboard.md',
  'docs/deploying.md',
  'docs/events.md',
  'docs/first-session.md',
  'docs/guard.md',
  'docs/keys.md',
  'docs/leaked-key.md',
  'docs/least-privilege.md',
  'docs/limits.md',
  'docs/mcp.md',
  'docs/migrating.md',
  'docs/oidc.md',
  'docs/operations.md',
  'docs/own-schema.md',
  'docs/performance.md',
  'docs/reference/errors.md',
  'docs/reference/schema.md',
  'docs/reference/settings.md',
  'docs/rotate-without-downtime.md',
  'docs/scopes.md',
  'docs/stores.md',
  'docs/streams.md',
  'docs/tenancy.md',
  'examples',
  'schema.graphql',
  'src/access',
  'src/announce.ts',
  'src/assets',
  'src/audit',
  'src/cli',
  'src/client',
  'src/clientNode.ts',
  'src/cluster',
  'src/credentials',
  'src/dashboard',
  'src/dates',
  'src/deadline.ts',
  'src/events',
  'src/fault.ts',
  'src/feed.ts',
  'src/guard',
  'src/http',
  'src/import',
  'src/keys',
  'src/limits',
  'src/log.ts',
  'src/makeDirectory.ts',
  'src/mcp',
  'src/metrics',
  'src/net',
  'src/numbers',
  'src/options.ts',
  'src/outgoing',
  'src/packageFiles.ts',
  'src/redis',
  'src/refusals',
  'src/reload.ts',
  'src/scalars',
  'src/schema',
  'src/scopes',
  'src/seed.ts',
  'src/serve.ts',
  'src/settings',
  'src/start.ts',
  'src/store',
  'src/streams',
  'src/text',
  'src/tracing',
  'src/turns.ts',
  'src/usage',
  'src/watchFiles.ts',
  'src/wholeFile.ts',
  'src/workspaces',
  'test/cli',
  'test/client',
  'test/cluster',
  'test/credentials',
  'test/dashboard',
  'test/dates',
  'test/docs/prose.test.ts',
  'test/docs/prose/texts.ts',
  'test/guard',
  'test/http',
  'test/import',
  'test/keys',
  'test/limits',
  'test/net',
  'test/numbers',
  'test/redis',
  'test/scopes',
  'test/settings',
  'test/store',
  'test/text',
];

it.each(CLEAN)('the texts of %s follow the writing rules', (path) => {
  const files = filesIn(path);
  const hits = files.flatMap((file) =>
    textsOf(file).flatMap(({ line, text }) =>
      hitsIn(text).map((hit) => `${file}:${line + hit.line}: "${hit.found}" (${hit.rule.name}). ${hit.rule.hint}`),
    ),
  );
  expect(hits).toEqual([]);
  expect(files.length).toBeGreaterThan(0);
});

it('lists only folders and files that exist, each once', () => {
  expect(CLEAN.filter((path) => !existsSync(join(PROJECT, path)))).toEqual([]);
  expect(new Set(CLEAN).size).toBe(CLEAN.length);
});

describe.each(RULES)('the rule "$name"', ({ name, bad, good }) => {
  const found = (text: string): boolean => hitsIn(text).some(({ rule }) => rule.name === name);

  it.each(bad)('finds: %s', (text) => expect(found(text)).toBe(true));
  it.each(good)('does not find: %s', (text) => expect(found(text)).toBe(false));
});

describe('the texts of a file', () => {
  const of = (file: string, source: string) => textsOf(file, source).map(({ line, kind, text }) => [line, kind, text]);

  it('are the comments and strings of a script, without code', () => {
    const source = [
      '/**',
      ' * Returns a key.',
      ' */',
      'import x from "not a text";',
      '// One comment',
      '// on two lines.',
      'throw new Error(`Unknown key ${id}: ` + "create one.");',
      'const query = "{ viewer { name } }";',
    ].join('\n');
    expect(of('src/a.ts', source)).toEqual([
      [1, 'comment', expect.stringContaining('Returns a key.')],
      [5, 'comment', 'One comment\non two lines.'],
      [7, 'string', 'Unknown key …: create one.'],
    ]);
  });

  it('are the text between the tags of a page, and its attributes', () => {
    const source = 'export const a = <p title="Your key">Copy <b>this</b> key.</p>;';
    expect(of('src/a.tsx', source).map(([, , text]) => text)).toEqual(
      expect.arrayContaining(['Your key', 'Copy … key.']),
    );
  });

  it('are the titles of a test, and not its other strings', () => {
    const source = "it.each(['an input'])('rejects %s', () => { expect(error).toBe('an expected text'); });";
    expect(of('test/a.test.ts', source)).toEqual([[1, 'title', 'rejects %s']]);
  });

  it('are the descriptions of a schema', () => {
    expect(of('a.graphql', '"""\nThe API key.\n"""\ntype Key {\n  "Its name."\n  name: String\n}')).toEqual([
      [1, 'description', 'The API key.'],
      [5, 'description', 'Its name.'],
    ]);
  });

  it('are the paragraphs of a page without its code', () => {
    const source = '# Keys\n\n```sh\nstands alone\n```\n\nA key has\na [name](names.md).\n';
    expect(of('a.md', source)).toEqual([
      [1, 'paragraph', '# Keys'],
      [7, 'paragraph', 'A key has\na [name].'],
    ]);
  });

  it('have hits at their lines, and none in code or quotations', () => {
    expect(hitsIn('A key\nthat is told\nwhy.').map(({ line, found }) => [line, found])).toEqual([[1, 'told']]);
    expect(hitsIn('The option `alone` and the word "told", see {@link shall}.')).toEqual([]);
  });
});
