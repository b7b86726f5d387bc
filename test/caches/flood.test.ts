import { fileURLToPath } from 'node:url';
import { runFile, type Child } from '../support/child.js';

const WORKER = fileURLToPath(new URL('./flood.worker.ts', import.meta.url));

/** The limit of each cache in MB. */
const CACHES = {
  documents: 45,
  'known operations': 30,
  keys: 105,
  'keys with many scopes': 105,
  'unknown keys': 15,
  'wrong keys': 15,
  addresses: 15,
  views: 75,
};

describe('R1: a cache stays within its limit when it is flooded with its largest entry, in a heap of 256 MB', () => {
  let child: Child;
  beforeAll(() => {
    child = runFile(WORKER, {}, ['--expose-gc', '--max-old-space-size=256'], Object.keys(CACHES));
  });
  afterAll(() => child.stop('SIGTERM'));

  it.each(Object.entries(CACHES))('%s: at most %i MB', async (cache, most) => {
    const [, used] = await child.waitFor(new RegExp(`^${cache}: (\\d+) MB with [1-9]`, 'm'));
    expect(Number(used)).toBeLessThan(most);
  });
});
