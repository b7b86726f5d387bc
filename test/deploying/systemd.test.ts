import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT } from '../support/project.js';
import { projectFile, SECRETS, SETTINGS } from './files.js';

const UNIT = 'examples/systemd/latchkey.service';
const unit = projectFile(UNIT);

function analyze(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, {
    encoding: 'utf8',
    timeout: 120_000,
    cwd: PROJECT,
  });
  return { status, output: stdout + stderr };
}

/** Returns the output of systemd for a unit with an existing program. */
function verified(text: string) {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-unit-'));
  try {
    const file = join(directory, 'latchkey.service');
    writeFileSync(file, text.replace('/usr/bin/node', process.execPath));
    return analyze('verify', '--man=no', file);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test('systemd accepts it, and would report unknown settings', () => {
  expect(verified(unit)).toEqual({ status: 0, output: '' });
  expect(verified(unit.replace('UMask=', 'Umsak=')).output).toContain('Umsak');
});

test('restricts the process: the exposure score of systemd is low', () => {
  // From 0 (no exposure) to 100; "OK" is below 50.
  expect(analyze('security', '--offline=yes', '--threshold=15', UNIT).status).toBe(0);
});

test('its variables are settings, and it contains no secret', () => {
  const set = [...unit.matchAll(/^Environment=(\w+)=/gm)].map(([, name]) => name);
  expect(set).not.toHaveLength(0);
  expect(SETTINGS).toEqual(expect.arrayContaining(set));
  expect(SECRETS.filter((name) => set.includes(name))).toEqual([]);
});

test('runs the same program as npm start, and reloads with the signal that Latchkey handles', () => {
  const { scripts } = JSON.parse(projectFile('package.json')) as { scripts: { start: string } };
  const [, program] = /^exec node (\S+)$/.exec(scripts.start) ?? [];
  expect(unit).toContain(`ExecStart=/usr/bin/node /opt/latchkey/node_modules/latchkey/${String(program)}\n`);
  expect(unit).toContain('ExecReload=/bin/kill -HUP $MAINPID\n');
});
