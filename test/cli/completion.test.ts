import { spawnSync } from 'node:child_process';
import { bashScript } from '../../src/cli/completion/bash.js';
import { completionsOf } from '../../src/cli/completion/tree.js';
import { createProgram } from '../../src/cli/program.js';

const completions = completionsOf(createProgram());

/** The completions of bash at the end of a line. */
function offered(...words: string[]): string[] {
  const quoted = ['latchkey', ...words].map((word) => `'${word}'`).join(' ');
  const script = `${bashScript(completions)}
    complete -p latchkey >/dev/null || exit 1
    COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}
    _latchkey; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8' });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return stdout.split('\n').filter((line) => line !== '');
}

test.each<[string[], string[]]>([
  [['ke'], ['keys']],
  [
    ['keys', 'r'],
    ['rotate', 'revoke'],
  ],
  [['keys', 'create', 'name', '--t'], ['--type']],
  [
    ['keys', 'create', 'name', '--type', ''],
    ['secret', 'client', 'read-only'],
  ],
  [['keys', 'create', 'name', '-t', 'c'], ['client']],
  [['keys', 'create', 'name', '--type', '=', 'r'], ['read-only']],
  [['keys', 'list', '--name', ''], []],
  [['workspace', 'tier', 'default', 'G'.toLowerCase()], ['growth']],
  [
    ['audit', 'tail', '--actions', 'workspace-'],
    ['workspace-created', 'workspace-tier-changed'],
  ],
  [
    ['completion', ''],
    ['bash', 'zsh'],
  ],
  [['keys', 'show', 'key_1', '--js'], ['--json']],
])('bash, after %j', (words, expected) => expect(offered(...words)).toEqual(expected));

test('bash completes every command and every option', () => {
  for (const { path, commands, options } of completions) {
    const before = path === '' ? [] : path.split(' ');
    if (commands.length > 0) expect(offered(...before, '')).toEqual(commands.map(({ text }) => text));
    expect(offered(...before, '-').sort()).toEqual(options.flatMap(({ flags }) => flags).sort());
  }
});
