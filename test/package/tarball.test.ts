import { jest } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { spawned, type Child } from '../support/child.js';
import { PROJECT } from '../support/project.js';
import { run } from '../support/run.js';
import { OPERATOR_KEY } from '../support/service.js';
import { Installed } from './installed.js';

// The tests install packages from the registry.
jest.setTimeout(240_000);

/** The maximum size of the package and its dependencies, installed without development dependencies. */
const MOST = 61_000_000;

let installed: Installed;
let size: ReturnType<Installed['size']>;
let server: Child;
let origin: string;

beforeAll(async () => {
  installed = new Installed();
  size = installed.size();
  server = spawned(['node_modules/.bin/latchkey', 'serve'], {
    cwd: installed.directory,
    env: {
      PORT: '0',
      DATA_DIR: installed.path('data'),
      ADMIN_API_KEY: OPERATOR_KEY,
      BCRYPT_COST: '4',
      SHUTDOWN_DELAY: '0',
    },
  });
  [, origin = ''] = await server.waitFor(/listens on (http:\S+)\/graphql/);
});

afterAll(async () => {
  expect(await server.stop('SIGTERM')).toBe(0);
  installed.remove();
});

/** Without the names of chunks, which differ between builds. */
const kinds = (files: readonly string[]) =>
  [
    ...new Set(
      files.map((file) =>
        file.replace(/-[\w-]{8}\.(js|css|svg|woff2)$/, '-*.$1').replace(/^(docs|examples|dist\/types)\/.*/, '$1/*'),
      ),
    ),
  ]
    .filter((file) => !/^dist\/(library\/)?[\w.-]+-\*\.js$|^dist\/dashboard\/assets\//.test(file))
    .sort();

const { exports: exported } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly exports: Readonly<Record<string, { readonly default: string }>>;
};
/** The entries of the library. */
const ENTRIES = Object.values(exported).map((entry) => entry.default.replace('./', ''));

test('the tarball contains the programs, the documentation and the licences', () => {
  expect(kinds(installed.packed)).toEqual(
    [
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'compose.yaml',
      'latchkey.example.yaml',
      'package.json',
      'schema.graphql',
      'src/demo/schema.graphql',
      'dist/THIRD-PARTY-LICENSES.txt',
      'dist/bundled.cdx.json',
      'dist/cli/main.js',
      'dist/client/node.js',
      'dist/dashboard/.vite/manifest.json',
      'dist/dashboard/index.html',
      'dist/graphiql.html.gz',
      // The entries of the library.
      ...ENTRIES,
      'dist/libraryFiles.js',
      'dist/main.js',
      'dist/packageFiles.js',
      'dist/seed.js',
      'dist/sqliteThread.js',
      'dist/demoThread.js',
      'dist/types/*',
      'dist/worker.js',
      'dist/yaml.cjs',
      'docs/*',
      'examples/*',
    ].sort(),
  );
});

test('each relative link of a page in the tarball has a target there', () => {
  const packed = new Set(installed.packed);
  const has = (target: string) =>
    packed.has(target) || installed.packed.some((file) => file.startsWith(`${target.replace(/\/$/, '')}/`));
  const links = installed.packed
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) => {
      const text = readFileSync(installed.path('node_modules/latchkey', file), 'utf8').replace(/^```.*?^```$/gms, '');
      const paths = [...text.matchAll(/\]\(([^)\s#]+)[^)\s]*\)/g)].map(([, path = '']) => path);
      return paths.filter((path) => !/^[a-z]+:/.test(path)).map((path) => ({ file, path }));
    });
  expect(links.length).toBeGreaterThan(300);
  const dead = links.filter(({ file, path }) => !has(posix.join(posix.dirname(file), path)));
  expect(dead).toEqual([]);
});

test('takes less than 61 MB without development dependencies, in bytes and on disk', () => {
  expect(size.bytes).toBeLessThan(MOST);
  expect(size.onDisk).toBeLessThan(MOST);
});

test('its list of bundled packages has the versions that are installed here, and a licence for each', () => {
  const bill = JSON.parse(readFileSync(installed.path('node_modules/latchkey/dist/bundled.cdx.json'), 'utf8')) as {
    components: { name: string; version: string }[];
  };
  const names = bill.components.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(['@apollo/server', 'fastify', 'graphql', 'jose', 'mongoose', 'react', 'yaml', 'zod']),
  );
  const licences = readFileSync(installed.path('node_modules/latchkey/dist/THIRD-PARTY-LICENSES.txt'), 'utf8');
  for (const { name, version } of bill.components) expect(licences).toContain(`\n${name} ${version} (`);
  // Native packages can't be bundled. undici is large, and is installed for the library anyway.
  expect(names.filter((name) => ['bcrypt', 'bottleneck', 'libsql', 'undici'].includes(name))).toEqual([]);
});

test('publint finds nothing', async () => {
  const { messages, pkg } = await publint({
    pkgDir: installed.path('node_modules/latchkey'),
    pack: false,
    strict: true,
  });
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
});

describe('the service', () => {
  const answer = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(origin + path, { headers });
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  };

  test('is ready and serves its pages', async () => {
    expect(await answer('/readyz')).toMatchObject({ status: 200 });
    expect((await answer('/graphql', { accept: 'text/html' })).text).toContain('GraphiQL');
  });

  test('serves from several processes, with a latchkey.yaml', async () => {
    installed.write('several/latchkey.yaml', 'tiers:\n  GROWTH: { per_minute: 77 }\n');
    const several = spawned([installed.path('node_modules/latchkey/dist/main.js'), '--workers', '2'], {
      cwd: installed.path('several'),
      env: { PORT: '0', ADMIN_API_KEY: OPERATOR_KEY, BCRYPT_COST: '4' },
    });
    try {
      const [, url = ''] = await several.waitFor(/listens on (http:\S+)/);
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${OPERATOR_KEY}` },
        body: JSON.stringify({ query: '{ tiers { tier perMinute } }' }),
      });
      expect(await response.text()).toContain('{"tier":"GROWTH","perMinute":77}');
    } finally {
      await several.stop('SIGTERM');
    }
  });

  test('names the packages to install if tracing is enabled', async () => {
    const { status, stderr } = await run(process.execPath, ['node_modules/latchkey/dist/main.js'], {
      cwd: installed.directory,
      env: { PORT: '0', DATA_DIR: installed.path('traced'), OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' },
    });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringContaining('npm install @opentelemetry/api'),
    });
  });
});

describe('the command', () => {
  const inProject = (command: string, ...args: readonly string[]) =>
    run(command, args, {
      cwd: installed.directory,
      env: { LATCHKEY_URL: `${origin}/graphql`, LATCHKEY_API_KEY: OPERATOR_KEY },
    });
  const latchkey = (...args: readonly string[]) => inProject('node_modules/.bin/latchkey', ...args);

  test('prints its version with npx, and its help', async () => {
    expect(await inProject('npx', '--no-install', 'latchkey', '--version')).toMatchObject({
      status: 0,
      stdout: '0.1.0\n',
    });
    expect((await latchkey('--help')).stdout).toContain('Usage: latchkey');
  });

  test('creates a key on the server', async () => {
    const { status, stdout, stderr } = await latchkey('keys', 'create', 'packed', '--scopes', 'read-only', '--json');
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stdout).toContain('lks_live_');
  });
});

describe('the client', () => {
  const PROGRAM = `
    import { createClient, Forbidden } from 'latchkey/client';
    const client = createClient();
    const { viewer } = await client.request('{ viewer { scopes } }');
    console.log(viewer.scopes.join());
    await client.close();
    console.log(typeof Forbidden);`;

  test('sends a request to the server', async () => {
    const file = installed.write('client.js', PROGRAM);
    const env = { LATCHKEY_URL: `${origin}/graphql`, LATCHKEY_API_KEY: OPERATOR_KEY };
    const { status, stdout, stderr } = await run(process.execPath, [file], { cwd: installed.directory, env });
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stdout: expect.stringMatching(/platform.*\nfunction\n/),
      stderr: '',
    });
  });

  test('contains no code of the server, and needs no module of Node', () => {
    const code = readFileSync(installed.path('node_modules/latchkey/dist/client/index.js'), 'utf8');
    const imported = [...code.matchAll(/(?:^import .*? from |import\()["']([^"']+)["']/gm)].map(([, id]) => id);
    expect(imported.sort()).toEqual(['bottleneck/light.js', 'graphql']);
    expect(code).not.toMatch(/\brequire\(|fastify|bcrypt|mongoose/);
  });
});

describe('the library', () => {
  beforeAll(() => {
    const { devDependencies: has } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    installed.install(
      ...['@apollo/server', '@graphql-tools/schema', 'mongoose'].map((name) => `${name}@${has[name] ?? ''}`),
    );
  });

  test('imports its packages instead of containing them, so that audits see them', () => {
    const { dependencies, peerDependencies } = JSON.parse(
      readFileSync(installed.path('node_modules/latchkey/package.json'), 'utf8'),
    ) as { dependencies: object; peerDependencies: object };
    // The administration API contains its packages, because hosts with another framework don't have them.
    const own = ['dist/admin.js', 'dist/express.js', 'dist/fastify.js'];
    const files = [...ENTRIES, 'dist/sqliteThread.js', 'dist/libraryFiles.js', 'dist/client/node.js'];
    const reached = new Set(files.filter((file) => !own.includes(file)));
    for (const file of reached) {
      const code = readFileSync(installed.path('node_modules/latchkey', file), 'utf8');
      for (const [, chunk = ''] of code.matchAll(/"\.{1,2}\/(?:library\/)?([\w-]+\.js)"/g)) {
        if (existsSync(installed.path('node_modules/latchkey/dist/library', chunk)))
          reached.add(`dist/library/${chunk}`);
      }
    }
    const imported = [...reached].flatMap((file) => {
      const code = readFileSync(installed.path('node_modules/latchkey', file), 'utf8');
      expect(code).not.toContain('node_modules/');
      return [...code.matchAll(/^import .*? from "([^".][^"]*)";$/gm)].map(([, id = '']) => id);
    });
    const packages = imported
      .filter((id) => !id.startsWith('node:'))
      .map((id) => id.split('/', id.startsWith('@') ? 2 : 1).join('/'));
    expect(packages).toEqual(expect.arrayContaining(['@apollo/server', 'graphql', 'lru-cache', 'mongoose', 'zod']));
    expect(packages.filter((name) => !(name in dependencies) && !(name in peerDependencies))).toEqual([]);
  });

  test('loads the package of a GraphQL server only with the adapter for that server', () => {
    const main = readFileSync(installed.path('node_modules/latchkey/dist/index.js'), 'utf8');
    const chunks = [...main.matchAll(/from "\.\/(library\/[^"]+)"/g)].map(([, file = '']) => file);
    expect(chunks.length).toBeGreaterThan(0);
    for (const file of ['index.js', ...chunks]) {
      expect(readFileSync(installed.path('node_modules/latchkey/dist', file), 'utf8')).not.toContain('@apollo/server');
    }
  });

  test("guards a user's server", async () => {
    for (const file of ['server.js', 'store.js']) {
      installed.write(`own/${file}`, readFileSync(join(PROJECT, 'examples/own-schema', file), 'utf8'));
    }
    const own = spawned(['own/server.js'], {
      cwd: installed.directory,
      env: { PORT: '0', DATA_DIR: installed.path('own-data') },
    });
    try {
      const [, url = ''] = await own.waitFor(/Orders at (http:\S+)/);
      const [, token = ''] = await own.waitFor(/Admin key: (\S+)/);
      const asked = async (query: string, headers: Record<string, string> = {}) => {
        const init = {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify({ query }),
        };
        const response = await fetch(url, init);
        return { status: response.status, body: await response.text() };
      };
      expect(await asked('{ opening }')).toEqual({ status: 200, body: '{"data":{"opening":"9 to 5"}}\n' });
      expect(await asked('{ orders { id } }')).toMatchObject({ status: 401 });
      const known = await asked('{ orders { id margin } }', { authorization: `Bearer ${token}` });
      expect(known).toEqual({ status: 200, body: '{"data":{"orders":[{"id":"A-1","margin":0.3}]}}\n' });
    } finally {
      await own.stop('SIGKILL');
    }
  });

  test('has types that a strict compiler accepts, without types of bundled packages', async () => {
    installed.write(
      'types.ts',
      `import { ApolloServer } from '@apollo/server';
       import { createLatchkey, openSqliteStore, type Principal } from 'latchkey';
       import { apolloOptions } from 'latchkey/apollo';
       import { openMongoStore } from 'latchkey/mongo';
       import { createClient, RateLimited } from 'latchkey/client';
       const latchkey = await createLatchkey({ store: await openSqliteStore({ dir: './data' }) });
       export const server = new ApolloServer(apolloOptions(latchkey, { schema: latchkey.guard(null as never) }));
       export const stores = [openSqliteStore, openMongoStore];
       export const wait = (error: unknown): number | null => (error instanceof RateLimited ? error.retryAfter : null);
       export const who = (principal: Principal): string => principal.kind;
       export const answer = createClient({ url: 'http://127.0.0.1:4000/graphql' }).request('{ viewer { scopes } }');
       // @ts-expect-error: types are there, and not any
       await createLatchkey({ store: 1 });`,
    );
    const { status, stdout } = await run(
      process.execPath,
      [
        join(PROJECT, 'node_modules/typescript/bin/tsc'),
        ...['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2023', '--module', 'nodenext'],
        ...['--types', 'node', '--typeRoots', join(PROJECT, 'node_modules/@types')],
        // Each of several threads would check Mongoose's declarations for itself.
        ...['--singleThreaded', 'types.ts'],
      ],
      // Mongoose's declarations can take a compiler half a minute on a busy machine.
      { cwd: installed.directory, timeout: 200_000 },
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });
});
