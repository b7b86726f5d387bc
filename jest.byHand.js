import { fileURLToPath } from 'node:url';
import { common, isInstalled } from './jest.config.js';

const HOUR = 3_600_000;

const { MONGODB_URI, LATCHKEY_TEST_MONGO_START } = process.env;
// As in jest.config.js: suites that can't run here are left out, and a message lists them.
const NEEDED = [
  { has: isInstalled('redis-server'), needs: 'redis-server', suites: '/test/chaos/(limits|redis|mongo)' },
  { has: MONGODB_URI ?? LATCHKEY_TEST_MONGO_START, needs: 'MONGODB_URI', suites: '/test/chaos/mongo' },
  { has: LATCHKEY_TEST_MONGO_START, needs: 'LATCHKEY_TEST_MONGO_START', suites: '/test/chaos/mongoKilled' },
  { has: MONGODB_URI, needs: 'MONGODB_URI', suites: '/test/scale/mongo' },
];

/**
 * Returns the configuration of suites that are run by hand: one file at a time, because their programs need the whole
 * machine, with an hour for each test.
 *
 * @param {'chaos' | 'scale'} folder in test/
 * @returns {import('jest').Config}
 */
export function byHand(folder) {
  const leftOut = NEEDED.filter(({ has, suites }) => !has && suites.startsWith(`/test/${folder}/`));
  for (const { needs, suites } of leftOut) console.warn(`${needs} is missing: ${suites.slice(1)} is left out.`);
  return {
    ...common,
    rootDir: fileURLToPath(new URL('.', import.meta.url)),
    roots: [`<rootDir>/test/${folder}`],
    maxWorkers: 1,
    testTimeout: HOUR,
    testPathIgnorePatterns: ['/node_modules/', ...leftOut.map(({ suites }) => suites)],
  };
}
