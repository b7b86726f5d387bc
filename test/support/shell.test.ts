import { shell } from './shell.js';

const LIMIT = 60_000;

test('returns when the command ends, even if it leaves a program running with its output', async () => {
  const { status, stdout } = await shell('sleep 600 & echo $!', LIMIT);
  const pid = Number(stdout);
  // Throws if the program has ended.
  process.kill(pid, 'SIGKILL');
  expect(status).toBe(0);
});

test('returns the output and the status of a command that fails', async () => {
  expect(await shell('echo first; echo last; echo why >&2; exit 3', LIMIT)).toEqual({
    status: 3,
    stdout: 'first\nlast\n',
    stderr: 'why\n',
  });
});

test('ends a command that takes too long', async () => {
  expect(await shell('exec sleep 600', 100)).toMatchObject({ status: null });
});
