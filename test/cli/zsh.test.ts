import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { completionsOf } from '../../src/cli/completion/tree.js';
import { zshScript } from '../../src/cli/completion/zsh.js';
import { createProgram } from '../../src/cli/program.js';
import { run } from '../support/run.js';

/**
 * Requests the completions at the end of each line from a zsh in its own terminal. If more is typed before it has shown
 * them, it shows nothing.
 */
const ASK = `
zmodload zsh/zpty
script=$1; shift
zpty inner zsh -f -i
zpty -w inner "PS1='>'; autoload -Uz compinit; compinit -u -D; zstyle ':completion:*' verbose no; setopt no_beep
source $script; bindkey '^I' list-choices; print REA''DY"
zpty -r inner out '*READY*'
for line in "$@"; do
  zpty -w -n inner "$line"$'\\t'
  zpty -r inner out $'*\\e\\\\[A*'
  zpty -w -n inner $'\\C-u'"print DO''NE"$'\\n'
  zpty -r inner rest '*DONE*'
  print -rn -- "$out"$'\\0'
done
zpty -d inner
`;

test('zsh completes commands, options, and values', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-zsh-'));
  try {
    const script = join(dir, '_latchkey');
    writeFileSync(script, zshScript(completionsOf(createProgram())));
    writeFileSync(join(dir, 'ask'), ASK);
    const lines = [
      'latchkey keys r',
      'latchkey keys create name --type ',
      'latchkey keys create name --type=r',
      'latchkey keys create name --e',
      'latchkey workspace tier default p',
    ];
    const { status, stdout } = await run('zsh', ['-f', join(dir, 'ask'), script, ...lines], {
      env: { TERM: 'xterm' },
    });
    expect(status).toBe(0);
    expect(stdout.split('\0').slice(0, lines.length).map(listed)).toEqual([
      ['revoke', 'rotate'],
      ['client', 'read-only', 'secret'],
      ['read-only'],
      ['--env', '--expires', '--external-id'],
      ['professional'],
    ]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

/** The list that the terminal shows below the line: between "erase below" and "up". */
function listed(screen: string): string[] {
  // oxlint-disable-next-line no-control-regex -- What terminals are told begins with it.
  const [, below = ''] = /\u001b\[J([^\u001b]*)\u001b\[A/.exec(screen) ?? [];
  return below.split(/\s+/).filter((word) => word !== '');
}
