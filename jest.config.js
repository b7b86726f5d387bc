import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';

// What some suites start. They are left out where it is missing, for Node alone is to be enough for `npm test`; .ci/run
// installs it first, so that there they always run.
const NEEDED = [
  { program: 'redis-server', suites: '/test/redis' },
  { program: 'prlimit', suites: '/test/store/fullDisk' },
  { program: 'chromium', suites: '/test/dashboard' },
  { program: 'chromium', suites: '/test/client/browser' },
  { program: 'zsh', suites: '/test/cli/zsh' },
  { program: 'docker-compose', suites: '/test/deploying/compose' },
  { program: 'systemd-analyze', suites: '/test/deploying/systemd' },
];
const isInstalled = (program) =>
  (process.env.PATH ?? '').split(delimiter).some((directory) => existsSync(join(directory, program)));
const leftOut = NEEDED.filter(({ program }) => !isInstalled(program));
for (const { program, suites } of leftOut)
  console.warn(`${program} is not installed: ${suites.slice(1)} is left out. Install it, or run .ci/debian as root.`);

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  // Nothing is timed: what hangs is to end, and what a busy machine delays is not.
  testTimeout: 180_000,
  // Jest leaves one core idle by default, which of two is half; and many suites wait for processes that they started. An engine
  // of MongoDB wants its part as well.
  maxWorkers: Math.ceil(availableParallelism() * (process.env.MONGODB_URI === undefined ? 1.5 : 1)),
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  // The suites of the MongoDB engine need one: with MONGODB_URI set they run, and the service's own suites run on it too.
  testPathIgnorePatterns: [
    '/node_modules/',
    ...(process.env.MONGODB_URI === undefined ? ['/test/store/mongo'] : []),
    ...leftOut.map(({ suites }) => suites),
  ],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'es6' }, sourceMaps: 'inline' },
    ],
  },
};
