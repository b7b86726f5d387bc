// Makes dist/ from build/: the library, the service, the command line and the client, with the packages inside that nobody
// shares with them. What is installed is then what was tested, to the version, in half the bytes; and a start reads some
// thirty files and not a thousand.
import { cpSync, existsSync, rmSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { rolldown } from 'rolldown';
import { notingBundled } from './bundled.js';
import { BUILD, DIST, manifest } from './paths.js';
import { reachedTypes } from './types.js';

/** What package.json and the documents name by path, and what is started by a path: workers and threads. */
const ENTRIES = {
  index: 'index',
  mongo: 'mongo',
  main: 'main',
  seed: 'seed',
  worker: 'cluster/worker',
  sqliteThread: 'sqliteThread',
  'cli/main': 'cli/main',
  'client/node': 'clientNode',
};
/** By itself: nothing of the server, nor of Node, may come along. */
const CLIENT = { 'client/index': 'client/index' };

/** Not bundled: native, or shared with whoever uses the library. */
const SHARED = Object.keys(manifest.dependencies);
/** Not bundled where our own modules load them: installed only where they are wanted. A package that needs one has it inside. */
const WANTED = Object.keys(manifest.peerDependencies).filter((name) => name.startsWith('@opentelemetry/'));

const isOf = (names, id) => names.some((name) => id === name || id.startsWith(`${name}/`));
const isApart = (id, importer) =>
  id.startsWith('node:') ||
  builtinModules.includes(id) ||
  isOf(SHARED, id) ||
  (isOf(WANTED, id) && importer?.startsWith(BUILD) === true);

/** The client only parses and prints documents. With all of graphql, the command line would take a third longer to start. */
const LANGUAGE = { id: 'graphql/language/index.js', external: true };
const wantsLanguage = (id, importer) => id === 'graphql' && importer?.startsWith(`${BUILD}client/`) === true;

/** Fastify loads these if a route has a JSON Schema. No route has one (src/http/server.ts), and they are a third of all code. */
const UNUSED = ['@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler'];

// No source maps: names are kept and lines are whole, so that a stack trace reads well, and maps would double the bytes.
const OUTPUT = {
  dir: DIST,
  entryFileNames: '[name].js',
  comments: { legal: false, jsdoc: false, annotation: true },
};

// Chunks have other names each time: what an earlier build left would be packed.
rmSync(DIST, { recursive: true, force: true });
/** Packages that are loaded at once, without a promise, and only where they are needed: each becomes a file of its own. */
const required = new Set();
await bundle(ENTRIES, {
  name: 'server',
  platform: 'node',
  external: (id, importer) => !wantsLanguage(id, importer) && isApart(id, importer),
  plugins: [
    {
      name: 'parts-of-packages',
      resolveId(id, importer) {
        if (wantsLanguage(id, importer)) return LANGUAGE;
        return UNUSED.includes(id) ? `\0unused:${id}` : undefined;
      },
      load: (id) => (id.startsWith('\0unused:') ? 'module.exports = undefined;' : undefined),
    },
    {
      name: 'required-packages',
      transform: {
        filter: { code: 'import.meta.url' },
        handler(code, module) {
          const moved = code.replace(/createRequire\(import\.meta\.url\)\('([a-z-]+)'\)/g, (_, name) => {
            required.add(name);
            return `createRequire(import.meta.url)('./${name}.cjs')`;
          });
          const isOurs = module.startsWith(BUILD) && module !== `${BUILD}packageFiles.js`;
          if (isOurs && moved === code) throw new Error(`${module} will lie elsewhere. Find files by packageFile.`);
          return moved;
        },
      },
    },
  ],
  output: {
    chunkFileNames: ({ name }) => (name === 'packageFiles' ? '[name].js' : '[name]-[hash].js'),
    codeSplitting: { groups: [{ name: 'packageFiles', test: /\/packageFiles\.js$/ }] },
  },
});
for (const name of required) {
  const output = { format: 'cjs', entryFileNames: '[name].cjs' };
  await write({ [name]: name }, { name, platform: 'node', output });
}
await bundle(CLIENT, { name: 'client', platform: 'neutral' });

for (const file of reachedTypes(['index', 'mongo', 'client/index'])) cpSync(`${BUILD}${file}`, `${DIST}types/${file}`);

/** @param entries by the file of dist/ the module of build/ */
async function bundle(entries, options) {
  const present = Object.entries(entries).filter(([, path]) => existsSync(`${BUILD}${path}.js`));
  if (present.length > 0) await write(Object.fromEntries(present.map(([name, path]) => [name, `${BUILD}${path}.js`])), options);
}

/** @throws where something is neither found nor left out on purpose: it would be missed only where it is installed */
async function write(input, { name, platform, external = isApart, plugins = [], output = {} }) {
  const bundled = await rolldown({
    input,
    platform,
    external,
    plugins: [...plugins, notingBundled(name)],
    onLog(level, log, tell) {
      if (log.code === 'UNRESOLVED_IMPORT') throw new Error(log.message);
      tell(level, log);
    },
  });
  await bundled.write({ ...OUTPUT, ...output });
  await bundled.close();
}
