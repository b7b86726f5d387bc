import { fileURLToPath } from 'node:url';
import base, { BY_HAND } from './jest.config.js';

const HOUR = 3_600_000;

/**
 * Returns the configuration of suites that only a person runs: one file at a time, because their programs need the machine to
 * themselves, and with an hour for each test.
 *
 * @param {'chaos' | 'scale'} folder in test/
 * @returns {import('jest').Config}
 */
export function byHand(folder) {
  return {
    ...base,
    rootDir: fileURLToPath(new URL('.', import.meta.url)),
    roots: [`<rootDir>/test/${folder}`],
    maxWorkers: 1,
    testTimeout: HOUR,
    testPathIgnorePatterns: [
      ...base.testPathIgnorePatterns.filter((pattern) => !BY_HAND.includes(pattern)),
      ...(process.env.MONGODB_URI === undefined ? [`/test/${folder}/mongo`] : []),
    ],
  };
}
