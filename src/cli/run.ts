import { CommanderError } from 'commander';
import { usage, type ExitCode, type Failure } from './exit.js';
import { faultOf, faultText } from './fault.js';
import { keyInArguments } from './keyInArguments.js';
import { createProgram } from './program.js';
import { openTerminal } from './terminal.js';

/**
 * Runs the command line. A command that succeeds with an exit code other than 0 sets `process.exitCode`.
 * @param args the arguments without the program @returns the exit code of the error; null if there was none
 */
export async function run(args: readonly string[]): Promise<ExitCode | null> {
  try {
    const refused = keyInArguments(args);
    if (refused !== null) throw refused;
    await createProgram().parseAsync(args, { from: 'user' });
    return null;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return null;
    const fault = await faultOf(error instanceof CommanderError ? misused(error, args) : error);
    openTerminal().note(faultText(fault, args.includes('--json')));
    return fault.exitCode;
  }
}

/** Returns commander's error for an invalid command line, without values that may be secrets. */
function misused({ code, message }: CommanderError, args: readonly string[]): Failure {
  // A command with subcommands, without one of them.
  if (code === 'commander.help') return usage(`Name a command. ${helpFor(args)}`);
  const said = message
    .replace(/^error: /, '')
    .replace(/'([^']*)'/g, (whole: string, text: string) => (isPlain(text) ? whole : '(not shown)'))
    .replace(/\n/g, ' ');
  return usage(`${said.charAt(0).toUpperCase()}${said.slice(1)}${/[.?]\)?$/.test(said) ? '' : '.'} ${helpFor(args)}`);
}

/** A word, an option or the notation of an argument: short, and with too few digits for a secret. */
function isPlain(text: string): boolean {
  return /^[-a-z<>[\].,:| ]{1,40}$/i.test(text) || /^\d{1,9}$/.test(text);
}

function helpFor(args: readonly string[]): string {
  const program = createProgram();
  const named: string[] = [];
  let command = program;
  for (const word of args) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (next === undefined) break;
    named.push(word);
    command = next;
  }
  return `See: ${['latchkey', ...named, '--help'].join(' ')}`;
}
