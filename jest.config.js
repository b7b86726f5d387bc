import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

// The suites of Redis start one themselves. Left out where there is none, for Node alone is to be enough for `npm test`;
// .ci/run installs one first, so that there they always run.
const redis = spawnSync('redis-server', ['--version']).error === undefined;
if (!redis)
  console.warn('redis-server is not installed: test/redis is left out. Install it, or run .ci/redis as root.');

// The dashboard is tested in a real browser, Debian's.
const chromium = existsSync('/usr/bin/chromium');
if (!chromium)
  console.warn('/usr/bin/chromium is not installed: test/dashboard is left out. apt-get install chromium.');

/** What these hold is the same whatever engine is behind it: on MongoDB they are left out, for minutes of each run. */
const HTTP_ALONE = ['/test/http/(cors|graphiql|https|knownOperations|logs|proxy|sockets)\\.test'];

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  // Nothing is timed: what hangs is to end, and what a busy machine delays is not.
  testTimeout: 30_000,
  // Jest leaves one core idle by default, which of two is half.
  maxWorkers: '100%',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  // The suites of the MongoDB engine need one: with MONGODB_URI set they run, and the service's own suites run on it too.
  testPathIgnorePatterns: [
    '/node_modules/',
    ...(process.env.MONGODB_URI === undefined ? ['/test/store/mongo'] : HTTP_ALONE),
    ...(redis ? [] : ['/test/redis']),
    ...(chromium ? [] : ['/test/dashboard']),
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
