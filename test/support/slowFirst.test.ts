import { existsSync } from 'node:fs';

const sequencer = new URL('slowFirst.mjs', import.meta.url).href;

test('every file that runs first exists', async () => {
  const { SLOWEST } = (await import(sequencer)) as { readonly SLOWEST: readonly string[] };
  expect(SLOWEST.filter((name) => !existsSync(new URL(`../${name}.test.ts`, import.meta.url)))).toEqual([]);
  expect(SLOWEST.length).toBeGreaterThan(10);
});
