import type { Command } from 'commander';
import { Option } from 'commander';
import type { AskingOptions } from '../../commandOptions.js';
import type { Talk } from '../../talk.js';
import { visible } from '../../visibleText.js';

export interface MadeOptions extends AskingOptions {
  readonly quiet?: true;
}

export function quiet(command: Command): Command {
  return command.addOption(new Option('-q, --quiet', 'print only the token').conflicts('json'));
}

/** Shows a token, which is possible only once. @param lines the description of the key */
export function showMade(
  { terminal, list, show }: Talk,
  { quiet: alone }: MadeOptions,
  {
    value,
    lines,
    token,
  }: { readonly value: object; readonly lines: [string, string | null][]; readonly token: string },
): void {
  if (alone === true) terminal.out(visible(token));
  else show({ ...value, token }, () => list(terminal, [...lines, ['Token', token]]));
  terminal.note('Store the token now: the server keeps only a hash of it and cannot show it again.');
}
