import { Argument, type Command } from 'commander';
import { bashScript } from '../completion/bash.js';
import { completionsOf } from '../completion/tree.js';
import { zshScript } from '../completion/zsh.js';
import { described } from '../describe.js';

/** @param program the program with all its commands */
export function completionCommand(program: () => Command): Command {
  return described({
    name: 'completion',
    description: 'Print a completion script for a shell.',
    example: 'source <(latchkey completion bash)',
  })
    .addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh']))
    .action((shell: string) => {
      const completions = completionsOf(program());
      process.stdout.write(shell === 'bash' ? bashScript(completions) : zshScript(completions));
    });
}
