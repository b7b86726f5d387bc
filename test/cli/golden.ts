import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from '../support/project.js';

/** Replaces varying values by their kind, with the same length if columns depend on it. */
function normalised(text: string): string {
  return (
    text
      .replace(/\b(lk[scr])_(live|test)_[0-9A-Za-z]{54}\b/g, '$1_$2_TOKEN')
      .replace(/\b(lk[scr])_(live|test)_[0-9A-Za-z]{6}\b/g, '$1_$2_PREFIX')
      .replace(/\b(key|ws|prj|usr)_[0-9A-Za-z]{16}\b/g, '$1_IDENTIFIER123456')
      .replace(/\baud_[0-9a-f]{24}\b/g, 'aud_IDENTIFIER')
      .replace(/\b[0-9a-f]{64}\b/g, 'HASH')
      .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'REQUEST')
      .replace(/\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, 'MOMENT')
      .replace(/\d{4}-\d{2}-\d{2} \d{2}:\d{2}(:\d{2})?/g, (moment) => moment.replace(/\d/g, '0'))
      .replace(/\d+ of (\d+) left(; the next comes back in \d+ s)?/g, 'N of $1 left')
      .replace(/"remaining": \d+/g, '"remaining": N')
      .replace(/"returnsIn": (null|"P[^"]+")/g, '"returnsIn": TIME')
      // Recorded a few seconds later, or already.
      .replace(/^(Last used +).+$/gm, '$1WHEN')
      .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT')
  );
}

/**
 * Compares a text with test/cli/golden/<name>.txt. To update the files: GOLDEN=write npm test -- test/cli, and review
 * the changes.
 */
export function expectGolden(name: string, text: string): void {
  const file = join(PROJECT, 'test/cli/golden', `${name}.txt`);
  if (process.env.GOLDEN === 'write') writeFileSync(file, normalised(text));
  expect(normalised(text)).toBe(readFileSync(file, 'utf8'));
}
