import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bashScript } from '../../src/cli/completion/bash.js';
import { completionsOf } from '../../src/cli/completion/tree.js';
import { createProgram } from '../../src/cli/program.js';
import { tierTable } from '../../src/core/limits/tierTable.js';
import { run } from '../support/run.js';
import { startService, type TestService } from '../support/service.js';
import { PROGRAM } from './latchkey.js';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-tiers-'));
let service: TestService;
beforeAll(async () => {
  const tiers = tierTable({ FREE_TRIAL: null, BIG_TEAM: { from: 'GROWTH' }, ENTERPRISE: null });
  service = await startService({ tiers });
  writeFileSync(join(dir, 'latchkey'), `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`);
  chmodSync(join(dir, 'latchkey'), 0o755);
});
afterAll(async () => {
  await service.close();
  rmSync(dir, { recursive: true });
});

/** The completions of bash at the end of a line, with the program in PATH. */
async function offered(url: string, ...words: string[]): Promise<string[]> {
  const quoted = ['latchkey', ...words].map((word) => `'${word}'`).join(' ');
  const script = `${bashScript(completionsOf(createProgram()))}
    COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}
    _latchkey; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { PATH: `${dir}:${process.env.PATH ?? ''}`, LATCHKEY_URL: url };
  const { stdout, stderr, status } = await run('bash', ['--norc', '-c', script], { env });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return stdout.split('\n').filter((line) => line !== '');
}

test('bash completes the tiers of the server', async () => {
  expect(await offered(service.url, 'workspace', 'tier', 'default', '')).toEqual([
    ...['big-team', 'starter', 'growth', 'professional'],
  ]);
  expect(await offered(service.url, 'workspace', 'create', 'A', '--tier', 'b')).toEqual(['big-team']);
});

test('bash completes the published tiers if the server does not answer', async () => {
  const unreachable = 'http://127.0.0.1:9/graphql';
  expect(await offered(unreachable, 'workspace', 'create', 'A', '--tier', 'g')).toEqual(['growth']);
});
