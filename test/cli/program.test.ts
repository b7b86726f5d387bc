import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { completionsOf } from '../../src/cli/completion/tree.js';
import { createProgram } from '../../src/cli/program.js';
import { referencePage } from '../../src/cli/reference.js';
import { PROJECT } from '../support/project.js';
import { run } from '../support/run.js';
import { answering } from './answering.js';
import { expectGolden } from './golden.js';
import { latchkey, PROGRAM } from './latchkey.js';

const LISTING = join(PROJECT, 'test/cli/listing.mjs');

test('docs/reference/cli.md matches the commands: run npm run reference to update it', () => {
  expect(readFileSync(join(PROJECT, 'docs/reference/cli.md'), 'utf8')).toBe(referencePage(createProgram()));
});

test('every command describes itself and shows an example', () => {
  const page = referencePage(createProgram());
  for (const { path, commands } of completionsOf(createProgram())) {
    const [, section = ''] = new RegExp(`^Usage: latchkey ${path}\\b(.*?)^\`\`\`$`, 'ms').exec(page) ?? [];
    if (commands.length > 0) for (const { about } of commands) expect(about.length).toBeGreaterThan(5);
    else expect(section).toMatch(new RegExp(`Example:\\n.*latchkey ${path}`));
  }
});

test('the help', async () => {
  expectGolden('help', (await latchkey(['--help'])).stdout);
  expectGolden('help-keys-create', (await latchkey(['keys', 'create', '--help'])).stdout);
  expect((await latchkey(['--version'])).stdout.trim()).toBe(
    JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')).version,
  );
});

const loadedIn = (stderr: string): string[] =>
  stderr
    .split('\n')
    .filter((line) => line.startsWith('LOADED '))
    .map((line) => line.slice(7));

test.each([[['--help']], [['keys', 'create', '--help']], [['completion', 'bash']], [['scan', 'package.json']]])(
  '%j loads no server, no client, and no library of GraphQL',
  async (args) => {
    const { status, stderr } = await run(process.execPath, ['--import', LISTING, PROGRAM, ...args]);
    expect(status).toBe(0);
    const loaded = loadedIn(stderr);
    expect(loaded.length).toBeGreaterThan(10);
    expect(loaded.filter((url) => url.includes('/node_modules/'))).toEqual([]);
    const own = loaded.filter((url) => url.startsWith('file:') && url.includes('/dist/'));
    expect(own.filter((url) => /dist\/(api|client|compose|guard|latchkey|open|serve|settings)/.test(url))).toEqual([]);
    // Bundled modules have no names, but a size: GraphQL is larger than this limit.
    expect(own.reduce((sum, url) => sum + statSync(new URL(url)).size, 0)).toBeLessThan(300_000);
  },
);

test('a command that calls the API loads only the language of GraphQL, and not its execution', async () => {
  const server = await answering(() => ({}));
  const env = { LATCHKEY_URL: server.url, LATCHKEY_API_KEY: 'key_of_a_test' };
  const { stderr } = await run(process.execPath, ['--import', LISTING, PROGRAM, 'whoami'], { env });
  server.close();
  // The command compared the response with the schema.
  expect(stderr).toContain('its response has no valid viewer');
  const parts = loadedIn(stderr).filter((url) => /\/node_modules\/graphql\/|\/graphql[\w-]*\.js$/i.test(url));
  expect(parts).toEqual([expect.stringMatching(/\/dist\/graphqlLanguage-[\w-]+\.js$/)]);
});
