import { importedNames, sources, type Source } from '../support/sources.js';

const DECLARED =
  /^export (?:declare |async |abstract )*(?:function\*? ?|class |interface |type |const |let |enum )(\w+)/gm;
const LISTED = /^export (?:type )?\{([^}]*)\};$/gm;

/** Types of results that the compiler writes into declarations of other files. */
const IN_DECLARATIONS = [
  'src/core/store/keyStore.ts: KeyOccasion',
  'src/core/store/store.ts: UserOccasion',
  'src/demo/events/service.ts: RecordedEvents',
  'src/management/keys/keyCursor.ts: Position',
  'src/management/quotas/creditService.ts: CreditsAdded',
  'src/management/schema/pageConnection.ts: Edge',
];

/** Returns the names that a file declares and exports, without those of other files. */
function exportsOf({ text }: Source): string[] {
  const listed = [...text.matchAll(LISTED)].flatMap(([, names = '']) => names.split(','));
  const declared = [...text.matchAll(DECLARED)].map(([, name = '']) => name);
  return [...declared, ...listed.map((name) => name.trim().split(' as ').at(-1) ?? '')].filter((name) => name !== '');
}

test('another file imports each export of src', () => {
  const files = ['src', 'test', 'scripts', 'bench'].flatMap(sources);
  const imported = new Set(files.flatMap((file) => [...importedNames(file)].map((name) => name.join(' '))));
  const idle = sources('src').flatMap((file) => {
    const module = file.path.replace(/\.tsx?$/, '');
    // `latchkey/client` on Node.
    if (module === 'src/client/node' || imported.has(`${module} *`)) return [];
    return exportsOf(file)
      .filter((name) => !imported.has(`${module} ${name}`))
      .map((name) => `${file.path}: ${name}`);
  });
  expect(idle).toEqual(IN_DECLARATIONS);
  // Without this, a pattern that finds nothing would pass.
  expect(imported.size).toBeGreaterThan(1_000);
});
