import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchFiles, type FileWatch, type WatchOptions } from '../../src/server/watchFiles.js';
import { until } from '../support/until.js';

let dir: string;
let watched: FileWatch;
let changes = 0;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-watch-'));
  changes = 0;
});
afterEach(() => {
  watched.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Starts watching, and waits until the first check is done. */
async function watch(
  paths: readonly string[],
  options: WatchOptions = { settle: 30, interval: 60_000 },
): Promise<void> {
  watched = watchFiles(
    () => paths,
    () => (changes += 1),
    options,
  );
  await watched.begun;
}
/** Long enough to be sure that no change is reported. */
const quiet = () => sleep(400);
const isSeen = (count: number) => until(() => changes >= count);

test.each([
  ['is written in place', (path: string) => writeFileSync(path, 'two')],
  [
    'is replaced by an atomic rename',
    (path: string) => {
      writeFileSync(`${path}.new`, 'two');
      renameSync(`${path}.new`, path);
    },
  ],
  [
    'is emptied and then written',
    (path: string) => {
      writeFileSync(path, '');
      writeFileSync(path, 'two');
    },
  ],
])('reports a file that %s, once', async (_, change) => {
  const path = join(dir, 'a');
  writeFileSync(path, 'one');
  await watch([path]);
  change(path);
  await isSeen(1);
  await quiet();
  expect(changes).toBe(1);
});

test('reports a mounted ConfigMap whose ..data link has changed', async () => {
  const path = join(dir, 'latchkey.yaml');
  for (const version of ['..1', '..2']) {
    mkdirSync(join(dir, version));
    writeFileSync(join(dir, version, 'latchkey.yaml'), version);
  }
  symlinkSync('..1', join(dir, '..data'));
  symlinkSync('..data/latchkey.yaml', path);
  await watch([path]);
  symlinkSync('..2', join(dir, '..data_tmp'));
  renameSync(join(dir, '..data_tmp'), join(dir, '..data'));
  rmSync(join(dir, '..1'), { recursive: true });
  await isSeen(1);
  await quiet();
  expect(changes).toBe(1);
});

test('reports the target of a link in another directory', async () => {
  const other = join(dir, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'real'), 'one');
  symlinkSync(join(other, 'real'), join(dir, 'a'));
  await watch([join(dir, 'a')]);
  writeFileSync(join(other, 'real'), 'two');
  await isSeen(1);
});

test('reports once that a file was removed, and that it exists again', async () => {
  const path = join(dir, 'a');
  writeFileSync(path, 'one');
  await watch([path]);
  rmSync(path);
  await isSeen(1);
  await quiet();
  expect(changes).toBe(1);
  writeFileSync(path, 'one');
  await isSeen(2);
});

test('reports nothing for a touched file or for other files next to it', async () => {
  const path = join(dir, 'a');
  writeFileSync(path, 'one');
  await watch([path]);
  utimesSync(path, 1, 1);
  writeFileSync(join(dir, 'b'), 'other');
  writeFileSync(path, 'one');
  await quiet();
  expect(changes).toBe(0);
});

test('reports a change while another file in the directory changes all the time', async () => {
  const path = join(dir, 'a');
  writeFileSync(path, 'one');
  await watch([path]);
  const busy = setInterval(() => writeFileSync(join(dir, 'busy'), String(Math.random())), 5);
  try {
    writeFileSync(path, 'two');
    await isSeen(1);
  } finally {
    clearInterval(busy);
  }
});

test('finds changes without events by polling, in a directory that does not exist yet', async () => {
  const path = join(dir, 'later', 'a');
  await watch([path], { settle: 20, interval: 50 });
  mkdirSync(join(dir, 'later'));
  writeFileSync(path, 'one');
  await isSeen(1);
  rmSync(join(dir, 'later'), { recursive: true });
  await isSeen(2);
  mkdirSync(join(dir, 'later'));
  writeFileSync(path, 'two');
  await isSeen(3);
});

test('does not report a path that a reload added', async () => {
  const [one, other] = [join(dir, 'a'), join(dir, 'b')];
  writeFileSync(one, 'one');
  writeFileSync(other, 'one');
  const paths = [one];
  await watch(paths);
  paths.push(other);
  writeFileSync(one, 'two');
  await isSeen(1);
  await quiet();
  expect(changes).toBe(1);
  writeFileSync(other, 'two');
  await isSeen(2);
});

test('is silent after it was closed', async () => {
  const path = join(dir, 'a');
  writeFileSync(path, 'one');
  await watch([path]);
  watched.close();
  watched.close();
  writeFileSync(path, 'two');
  await quiet();
  expect(changes).toBe(0);
});
