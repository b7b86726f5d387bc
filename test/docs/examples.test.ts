import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLatchkey, openSqliteStore } from '../../src/index.js';
import { PROJECT } from '../support/project.js';
import { documentOf } from '../support/session.js';

const pages = readdirSync(join(PROJECT, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.md'))
  .map((path) => join('docs', path));

/** Members of `latchkey` in the blocks of JavaScript and TypeScript of a page, such as `latchkey.guard(`. */
function membersIn(page: string): string[] {
  const blocks = [...documentOf(page).matchAll(/^ *```[jt]sx?\n(.*?)^ *```/gms)].map(([, block = '']) => block);
  return blocks.flatMap((block) =>
    [...block.matchAll(/(?<![\w./-])latchkey\.(\w+)\b(?!\.)/g)].map(([, name = '']) => name),
  );
}

test('each member of latchkey in the examples of the docs exists', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-members-'));
  const store = await openSqliteStore({ dir });
  const latchkey = await createLatchkey({ store });
  try {
    const named = pages.flatMap((page) => membersIn(page).map((name) => ({ page, name })));
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(({ name }) => !(name in latchkey) && name !== 'yaml')).toEqual([]);
  } finally {
    await latchkey.close();
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  }
});

test('no page or example starts the command with npx, which would run a package of that name from the registry', () => {
  const examples = readdirSync(join(PROJECT, 'examples'), { recursive: true, encoding: 'utf8' })
    .filter((path) => !path.includes('node_modules') && statSync(join(PROJECT, 'examples', path)).isFile())
    .map((path) => join('examples', path));
  const lines = ['README.md', ...pages, ...examples].flatMap((page) => documentOf(page).split('\n'));
  const found = lines.filter((line) => line.includes('npx latchkey'));
  expect(found).toEqual([expect.stringContaining("Don't run `npx latchkey`")]);
});
