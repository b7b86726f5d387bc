// Makes dist/ from build/: the library, the service, the command line and the client. The service and the command line contain their
// packages, so that exactly the tested versions run, and a start reads about 30 files instead of a thousand. The library doesn't: its
// packages are dependencies, so that its users' audits see them and each is installed once.
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { rolldown } from 'rolldown';
import { notingBundled } from './bundled.js';
import { BUILD, DIST, ENTRIES, manifest, ROOT } from './paths.js';
import { reachedTypes } from './types.js';

/** Files that package.json or the documentation name by path, and files that are started by path: workers. */
const SERVICE = {
  main: 'server/main',
  seed: 'server/seed',
  worker: 'server/cluster/worker',
  demoThread: 'demo/store/sqlite/demoThread',
  'cli/main': 'cli/main',
};
const LIBRARY = {
  ...Object.fromEntries(ENTRIES.filter((entry) => !entry.startsWith('client/')).map((entry) => [entry, entry])),
  // The threads of its SQLite store, which the service starts, too.
  sqliteThread: 'core/store/sqlite/threadMain',
  'client/node': 'client/node',
};
/** Bundled separately: it must not contain code of the server or of Node. */
const CLIENT = { 'client/index': 'client/index' };

/** Packages that are not bundled: native ones, those with parts that can't be bundled, and large ones that the library needs anyway. */
const SHARED = ['bcrypt', 'bottleneck', 'libsql', 'undici'];
/** Optional packages. Not bundled if our own modules load them; bundled into a package that needs them. */
const WANTED = Object.keys(manifest.peerDependencies).filter((name) => name.startsWith('@opentelemetry/'));
/** Optional packages of the MongoDB driver, which loads them only if the connection string needs them. */
const OF_DRIVER = [
  '@aws-sdk/credential-providers',
  '@mongodb-js/zstd',
  'gcp-metadata',
  'kerberos',
  'mongodb-client-encryption',
  'snappy',
  'socks',
];

const isPackage = (id) => !/^[./]/.test(id);
const isOf = (names, id) => names.some((name) => id === name || id.startsWith(`${name}/`));
const isApart = (id, importer) =>
  id.startsWith('node:') ||
  builtinModules.includes(id) ||
  isOf([...SHARED, ...OF_DRIVER], id) ||
  (isOf(WANTED, id) && importer?.startsWith(BUILD) === true);

/**
 * graphql is part of the programs, once: all their packages get its ES modules. They load faster than its hundred CommonJS files, and
 * only as far as they are used. The library shares graphql with its host.
 */
const GRAPHQL = `${ROOT}node_modules/graphql/`;
const DEVELOPMENT = "process.env.NODE_ENV === 'production'";
const oneGraphql = {
  name: 'one-graphql',
  resolveId(id) {
    if (id === 'graphql') return `${GRAPHQL}index.mjs`;
    // Their CommonJS files would require all of graphql.
    const [, armor] = /^@escape\.tech\/(graphql-armor-[a-z-]+)$/.exec(id) ?? [];
    if (armor !== undefined) return `${ROOT}node_modules/${id}/dist/${armor}.esm.js`;
    return id.startsWith('graphql/') ? `${ROOT}node_modules/${id.replace(/(\.js)?$/, '.mjs')}` : undefined;
  },
  transform: {
    // Outside of production, it looks for a second copy at each comparison of types, which takes a seventh of each start.
    filter: { id: /\/graphql\/jsutils\/instanceOf\.mjs$/ },
    handler(code) {
      if (!code.includes(DEVELOPMENT)) throw new Error('graphql has no check for a second copy any more.');
      return code.replace(DEVELOPMENT, 'true');
    },
  },
};

/** Fastify loads these if a route has a JSON Schema. No route has one (src/server/http/server.ts), and they are a third of all code. */
const UNUSED = ['@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler'];
/** In a bundle, it would hash in JavaScript instead, which takes 10 ms of each start. */
const HASH = '@apollo/utils.createhash';
const leavingUnused = {
  name: 'unused-packages',
  resolveId(id, importer = '') {
    if (id === HASH) return `\0${HASH}`;
    return UNUSED.includes(id) || isOffInApollo(id, importer) ? `\0unused:${id}` : undefined;
  },
  load(id) {
    if (id === `\0${HASH}`) return `export { createHash } from 'node:crypto';`;
    if (!id.startsWith('\0unused:')) return undefined;
    return id.startsWith('\0unused:.') ? `throw new Error('This build has no ${id.slice(10)}.'); export {};` : 'module.exports = undefined;';
  },
};

/** Plugins that Apollo Server loads unless they are turned off, as src/server/http/withoutApollo.ts does. */
const OFF = ['cacheControl', 'disableSuggestions', 'inlineTrace', 'landingPage/default', 'schemaReporting', 'usageReporting'];
const isOffInApollo = (id, importer) =>
  importer.endsWith('/@apollo/server/dist/esm/ApolloServer.js') && OFF.some((plugin) => id === `./plugin/${plugin}/index.js`);

/**
 * The administration API (src/server) is part of the library, and contains its packages as the service does: a host with another
 * framework does not have them. Other modules use those of the host.
 */
const isInstalled = (id, importer = '') =>
  isOf(Object.keys(manifest.dependencies), id) || (isOf(Object.keys(manifest.peerDependencies), id) && isOfHost(importer));
const isOfHost = (importer) => importer.startsWith(BUILD) && !importer.startsWith(`${BUILD}server/`) && !importer.endsWith(OWN_COPY);
/** Marks the copies of the Apollo adapter's modules that contain Apollo Server. */
const OWN_COPY = '?own';
const ownCopies = {
  name: 'own-copies',
  resolveId(id, importer = '') {
    if (!id.startsWith('.') || !(importer.startsWith(`${BUILD}server/`) || importer.endsWith(OWN_COPY))) return undefined;
    const path = join(dirname(importer.replace(OWN_COPY, '')), id);
    return path.startsWith(`${BUILD}adapters/apollo/`) ? path + OWN_COPY : undefined;
  },
  load: (id) => (id.endsWith(OWN_COPY) ? readFileSync(id.replace(OWN_COPY, ''), 'utf8') : undefined),
};

// No source maps: names are kept and lines are whole, so that a stack trace reads well, and maps would double the bytes.
const OUTPUT = {
  dir: DIST,
  entryFileNames: '[name].js',
  comments: { legal: false, jsdoc: false, annotation: true },
};

// Chunks get new names in each build, and those of an earlier build would be packed.
rmSync(DIST, { recursive: true, force: true });
/** Packages that are loaded synchronously, and only if they are needed. Each becomes a separate file. */
const required = new Set();
await bundle(SERVICE, {
  name: 'server',
  platform: 'node',
  external: isApart,
  plugins: [
    oneGraphql,
    leavingUnused,
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
  output: outputWith({ chunks: '[name]-[hash].js', packageFiles: 'packageFiles.js' }),
});
await bundle(LIBRARY, {
  name: 'library',
  platform: 'node',
  external: (id, importer) => isPackage(id) && (isInstalled(id, importer) || isApart(id, importer)),
  plugins: [leavingUnused, ownCopies],
  output: outputWith({ chunks: 'library/[name]-[hash].js', packageFiles: 'libraryFiles.js' }),
});
for (const name of required) {
  const output = { format: 'cjs', entryFileNames: '[name].cjs' };
  await write({ [name]: name }, { name, platform: 'node', output });
}
await bundle(CLIENT, { name: 'client', platform: 'neutral', external: isPackage });

for (const file of reachedTypes(ENTRIES)) cpSync(`${BUILD}${file}`, `${DIST}types/${file}`);

/** Returns names for the chunks of a bundle. src/packageFiles.ts stays directly in dist/, because it finds files from its own place. */
function outputWith({ chunks, packageFiles }) {
  return {
    chunkFileNames: ({ name }) => (name === 'packageFiles' ? packageFiles : chunks),
    codeSplitting: {
      groups: [
        { name: 'packageFiles', test: /\/packageFiles\.js$/ },
        // Commands only parse, visit and print documents.
        { name: 'graphqlLanguage', test: /\/node_modules\/graphql\/(error|jsutils|language)\// },
      ],
    },
  };
}

/** @param entries the module in build/ of each file in dist/ */
async function bundle(entries, options) {
  const present = Object.entries(entries).filter(([, path]) => existsSync(`${BUILD}${path}.js`));
  if (present.length > 0) await write(Object.fromEntries(present.map(([name, path]) => [name, `${BUILD}${path}.js`])), options);
}

/** @throws Error if an import can't be resolved and isn't left out on purpose; otherwise only users would notice */
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
