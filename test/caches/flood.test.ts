import { fileURLToPath } from 'node:url';
import { runFile } from '../support/child.js';

const WORKER = fileURLToPath(new URL('./flood.worker.ts', import.meta.url));

describe('R1: a cache stays within its limit when it is flooded with its largest entry, in a heap of 256 MB', () => {
  it.each([
    ['documents', 60],
    ['known operations', 45],
    ['keys', 120],
    ['keys with many scopes', 120],
    ['unknown keys', 30],
    ['wrong keys', 30],
    ['addresses', 30],
    ['views', 90],
  ])('%s: at most %i MB, the program itself included', async (cache, most) => {
    const child = runFile(WORKER, {}, ['--expose-gc', '--max-old-space-size=256'], [cache]);
    const [, used] = await child.waitFor(/: (\d+) MB with [1-9]/);
    await child.stop('SIGTERM');
    expect(Number(used)).toBeLessThan(most);
  });
});
