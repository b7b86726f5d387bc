import { basename, dirname } from 'node:path';
import { sources } from '../support/sources.js';

/** Names that say what a file is to its folder. */
const ROLES = ['index', 'main', 'resolvers'];
/** Groups of folders with the same files: the store and its engines, and the parts of the demo. */
const PARALLEL = [/^src\/core\/store(\/(sqlite|mongo))?$/, /^src\/demo\/\w+(\/(sqlite|mongo))?$/, /^src\/demo\/\w+$/];
/** A command's file has the name of the command. */
const COMMANDS = 'src/cli/commands/';

/** Whether these files, which have the same name, have the same role in their folders. */
function haveOneRole(files: readonly string[]): boolean {
  const folders = files.map((file) => dirname(file));
  return PARALLEL.some((folder) => folders.every((each) => folder.test(each)));
}

test('only files with the same role have the same name', () => {
  const byName = new Map<string, string[]>();
  for (const { path } of sources('src')) {
    if (path.startsWith(COMMANDS)) continue;
    const name = basename(path).replace(/\.tsx?$/, '');
    byName.set(name, [...(byName.get(name) ?? []), path]);
  }
  const shared = [...byName].filter(([name, files]) => files.length > 1 && !ROLES.includes(name));
  expect(shared.filter(([, files]) => !haveOneRole(files)).map(([, files]) => files)).toEqual([]);
});
