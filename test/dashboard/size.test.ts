import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { PROJECT } from '../support/project.js';

interface Chunk {
  readonly file: string;
  readonly isEntry?: boolean;
  readonly imports?: readonly string[];
}

const DASHBOARD = join(PROJECT, 'dist/dashboard');
const manifest = JSON.parse(readFileSync(join(DASHBOARD, '.vite/manifest.json'), 'utf8')) as Record<string, Chunk>;

/** A chunk and all chunks that it loads first. */
function loaded(name: string, seen = new Set<string>()): Set<string> {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const imported of manifest[name]?.imports ?? []) loaded(imported, seen);
  return seen;
}

it('the first paint takes less than 200 kB of JavaScript, gzipped', () => {
  const [entry = ''] = Object.keys(manifest).filter((name) => manifest[name]?.isEntry === true);
  const files = [...loaded(entry)].map((name) => manifest[name]?.file ?? '');
  const bytes = files.map((file) => gzipSync(readFileSync(join(DASHBOARD, file))).length);
  const sum = bytes.reduce((sum, size) => sum + size, 0);
  // A list that was read incorrectly would lack everything.
  expect(sum).toBeGreaterThan(50_000);
  expect(sum).toBeLessThan(200_000);
});
