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
    timeout: 30_000,
    cwd: PROJECT,
  });
  return { status, output: stdout + stderr };
}

/** What systemd says of a unit, whose program is there. */
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

test('systemd takes it, and would say what it does not know', () => {
  expect(verified(unit)).toEqual({ status: 0, output: '' });
  expect(verified(unit.replace('UMask=', 'Umsak=')).output).toContain('Umsak');
});

test('what it lets the process do is next to nothing, as systemd counts', () => {
  // Of 100, where 0 is nothing; "OK" begins below 50.
  expect(analyze('security', '--offline=yes', '--threshold=15', UNIT).status).toBe(0);
});

test('what it sets are settings, and no secret stands in it', () => {
  const set = [...unit.matchAll(/^Environment=(\w+)=/gm)].map(([, name]) => name);
  expect(set).not.toHaveLength(0);
  expect(SETTINGS).toEqual(expect.arrayContaining(set));
  expect(SECRETS.filter((name) => set.includes(name))).toEqual([]);
});

test('its program is the one that npm start runs, and it reloads by the signal that Latchkey hears', () => {
  const { scripts } = JSON.parse(projectFile('package.json')) as { scripts: { start: string } };
  const [, program] = /^exec node (\S+)$/.exec(scripts.start) ?? [];
  expect(unit).toContain(`ExecStart=/usr/bin/node /opt/latchkey/node_modules/latchkey/${String(program)}\n`);
  expect(unit).toContain('ExecReload=/bin/kill -HUP $MAINPID\n');
});
