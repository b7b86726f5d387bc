import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, type Ran } from '../run.js';

const WATCHDOG = new URL('./watchdog.mjs', import.meta.url).href.split('?', 1)[0] ?? '';
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'latchkey-watchdog-'));
});

afterAll(() => rm(directory, { recursive: true }));

/** Runs code as a test file called a.test.ts. */
async function runWatched(code: string): Promise<Ran> {
  const file = join(directory, 'hangs.mjs');
  await writeFile(
    file,
    `import { startWatchdog } from '${WATCHDOG}'; const watched = startWatchdog(300); watched('a.test.ts'); ${code}`,
  );
  return run(process.execPath, [file]);
}

test('ends a process in an endless loop, and names the function', async () => {
  const { status, stderr } = await runWatched('function spin() { for (;;) Math.random(); } spin();');
  expect(status).toBeNull();
  expect(stderr).toMatch(
    /^a\.test\.ts has not ended after 0\.3 s\. It is here:\n {4}at spin \(file:.*hangs\.mjs:1\)\n/,
  );
});

test('ends a process whose microtasks never end', async () => {
  const { status, stderr } = await runWatched('async function spin() { for (;;) await null; } await spin();');
  expect(status).toBeNull();
  expect(stderr).toContain('at spin (');
});

test('ends a process that waits for ever', async () => {
  const { status, stderr } = await runWatched('setInterval(() => {}, 1000);');
  expect(status).toBeNull();
  expect(stderr).toBe('a.test.ts has not ended after 0.3 s. It waits for a timer, a file or a process.\n');
});

test('does not end a process whose test file has ended', async () => {
  const { status, stderr } = await runWatched('setTimeout(() => watched(null), 50); setTimeout(() => {}, 1500);');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
