import { existsSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const isInstalled = (program) =>
  (process.env.PATH ?? '').split(delimiter).some((directory) => existsSync(join(directory, program)));
// The tests use the headless shell if both are installed.
const CHROMIUM = isInstalled('chromium-headless-shell') ? 'chromium-headless-shell' : 'chromium';
// Programs that some suites start. Without them the suites are left out, because `npm test` must need only Node.
// .ci/run installs the programs first, so every suite runs there.
const NEEDED = [
  { program: 'redis-server', suites: '/test/server/redis' },
  { program: 'prlimit', suites: '/test/processes/store/fullDisk' },
  { program: CHROMIUM, suites: '/test/dashboard' },
  { program: CHROMIUM, suites: '/test/client/browser' },
  { program: 'nginx', suites: '/test/examples/proxies' },
  { program: 'nginx', suites: '/test/docs/proxies' },
  { program: 'caddy', suites: '/test/examples/proxies' },
  { program: 'caddy', suites: '/test/docs/proxies' },
  { program: 'zsh', suites: '/test/cli/zsh' },
  { program: 'docker-compose', suites: '/test/deploying/compose' },
  { program: 'docker-compose', suites: '/test/deploying/gatewayCompose' },
  { program: 'systemd-analyze', suites: '/test/deploying/systemd' },
  { program: 'python3-jwt', suites: '/test/examples/verifyTokensPython' },
  { program: 'python3-graphql-core', suites: '/test/server/gateway/upstreams' },
];
/** Packages of Debian that have no program, by a file of each. */
const FILES = {
  'python3-jwt': '/usr/lib/python3/dist-packages/jwt/__init__.py',
  'python3-graphql-core': '/usr/lib/python3/dist-packages/graphql/__init__.py',
};
const isThere = (program) => (program in FILES ? existsSync(FILES[program]) : isInstalled(program));
/** Folders that are run by hand. */
const BY_HAND = ['/test/chaos/', '/test/scale/'];
const leftOut = NEEDED.filter(({ program }) => !isThere(program));
for (const { program, suites } of leftOut)
  console.warn(`${program} is not installed: ${suites.slice(1)} is left out. Install it, or run .ci/debian as root.`);
const hasMongo = process.env.MONGODB_URI !== undefined;
const MONGO = ['/test/core/store/mongo', '/test/demo/store/mongo'];
for (const suites of hasMongo ? [] : MONGO)
  console.warn(`MONGODB_URI is not set: ${suites.slice(1)} is left out. Set it, and run npm run test:mongo.`);

/** A limit for tests that hang, long enough for a busy machine. */
const testTimeout = 180_000;

/** Folders whose tests call the code itself. All others speak to a service, a program or a browser. */
const UNIT = ['adapters', 'core', 'demo', 'management', 'shared'];

/** @type {import('jest').Config} */
const common = {
  testEnvironment: fileURLToPath(new URL('test/support/realm/environment.mjs', import.meta.url)),
  runtime: fileURLToPath(new URL('test/support/realm/runtime.cjs', import.meta.url)),
  testTimeout,
  rootDir: fileURLToPath(new URL('.', import.meta.url)),
  // With MONGODB_URI, the suites of the MongoDB engine run, and the service's own suites run on it.
  testPathIgnorePatterns: [
    '/node_modules/',
    // They take minutes and need a quiet machine: npm run test:chaos and npm run test:scale run them (jest.byHand.js).
    ...BY_HAND,
    ...(hasMongo ? [] : MONGO),
    ...leftOut.map(({ suites }) => suites),
  ],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  // Node's loader transforms the sources: test/support/ts-loader.mjs.
  transform: {},
};
const cores = availableParallelism();
/** A worker keeps the modules of its test files in memory. */
const WORKER_BYTES = 1.5 * 2 ** 30;
// By default, Jest leaves one core idle, which is half of two. Suites wait more than half of their time: for processes that they
// started, for the end of a minute, and for each other. More than two for each core would make them compete.
const workers = Math.max(cores, Math.min(2 * cores, Math.floor(totalmem() / WORKER_BYTES)));

/** Not for suites that are run by hand, which measure the disk. */
const globalSetup = fileURLToPath(new URL('test/support/globalSetup.mjs', import.meta.url));
const units = UNIT.map((folder) => `<rootDir>/test/${folder}`);

/** @type {import('jest').Config} */
export default {
  testTimeout,
  // An engine of MongoDB needs CPU time, too.
  maxWorkers: hasMongo ? cores : workers,
  testSequencer: fileURLToPath(new URL('test/support/slowFirst.mjs', import.meta.url)),
  // `npm test -- --selectProjects unit`
  projects: [
    { ...common, displayName: 'unit', globalSetup, roots: units },
    {
      ...common,
      displayName: 'e2e',
      globalSetup,
      roots: ['<rootDir>/test'],
      testPathIgnorePatterns: [...common.testPathIgnorePatterns, ...units],
    },
  ],
};

export { common };
