import { CommanderError, type Command } from 'commander';
import { usage, type ExitCode, type Failure } from './exit.js';
import { faultOf, faultText } from './commandFault.js';
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
    const fault = await faultOf(error instanceof CommanderError ? misused(unknownOption(error, args), args) : error);
    openTerminal().note(faultText(fault, args.includes('--json')));
    return fault.exitCode;
  }
}

/**
 * Returns the error for an unknown option in place of the one for a missing option. commander reports the missing one first, although
 * it may be the one that was misspelled: `--scope` for `--scopes`.
 */
function unknownOption(error: CommanderError, args: readonly string[]): CommanderError {
  if (error.code !== 'commander.missingMandatoryOptionValue') return error;
  const lenient = createProgram();
  requireNothing(lenient);
  try {
    lenient.parse(args, { from: 'user' });
  } catch (other) {
    if (other instanceof CommanderError && other.code === 'commander.unknownOption') return other;
  }
  return error;
}

/** Makes every option of the commands optional, and doesn't run any command. */
function requireNothing(command: Command): void {
  for (const option of command.options) option.mandatory = false;
  if (command.commands.length === 0) command.action(() => undefined);
  for (const child of command.commands) requireNothing(child);
}

const HIDDEN = '(not shown)';

/** Returns commander's error for an invalid command line, without values that may be secrets. */
function misused({ code, message }: CommanderError, args: readonly string[]): Failure {
  // A command that needs a subcommand, called without one.
  if (code === 'commander.help') return usage(`Name a command. ${helpFor(args)}`);
  const said = reworded(
    message
      .replace(/^error: /, '')
      .replace(/'([^']*)'/g, (_: string, text: string) => shown(text))
      .replace(/\n/g, ' '),
  );
  return usage(`${said.charAt(0).toUpperCase()}${said.slice(1)}${/[.?]\)?$/.test(said) ? '' : '.'} ${helpFor(args)}`);
}

/** Names the option or the argument first, and then what is wrong with it. */
function reworded(message: string): string {
  return message
    .replace(/^option '(?:-\w, )?(--[\w-]+)[^']*' argument (.+?) is invalid\./, (_, name: string, value: string) =>
      invalid(name, value),
    )
    .replace(/^command-argument value (.+?) is invalid for argument '([\w-]+)'\./, (_, value: string, name: string) =>
      invalid(`<${name}>`, value),
    )
    .replace(/^required option '(?:-\w, )?([^']+)' not specified/, 'the option $1 is missing')
    .replace(/^missing required argument '([\w.-]+)'/, 'the argument <$1> is missing')
    .replace(/^option '(?:-\w, )?(--[\w-]+)([^']*)' argument missing/, '$1 needs a value:$2')
    .replace('Allowed choices are ', 'Allowed: ');
}

function invalid(name: string, value: string): string {
  return value === HIDDEN ? `${name} has an invalid value ${HIDDEN}.` : `${name} is ${value}, which is invalid.`;
}

/** Shows an argument, without a value that may be a secret: of `--option=value`, only the option. */
function shown(text: string): string {
  const flag = text.startsWith('--') ? (text.split('=', 1)[0] ?? '') : text;
  return isPlain(flag) ? `'${flag}'` : HIDDEN;
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
