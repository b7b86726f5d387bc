import type { Argument, Command, Option } from 'commander';
import { suggestionsFor, type Suggestions } from '../commandOptions.js';

/** The possible words after a command, for a shell. */
export interface Completion {
  /** The commands that lead here, as in `keys create`; empty for the program itself. */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly OptionWords[];
  /** Values of its first argument whose values are known. */
  readonly values: Suggestions;
  /** Whether its arguments are files. */
  readonly files: boolean;
}

export interface Word {
  readonly text: string;
  readonly about: string;
}

export interface OptionWords {
  /** `--type`, and `-t` if it has a short form. */
  readonly flags: readonly string[];
  readonly about: string;
  readonly takesValue: boolean;
  /** Its allowed values, or some of them; empty if they are not known. */
  readonly values: Suggestions;
}

/** Returns the program and each of its commands. */
export function completionsOf(program: Command, path: readonly string[] = []): Completion[] {
  const commands = program.commands.filter((command) => command.name() !== 'help');
  const own: Completion = {
    path: path.join(' '),
    commands: commands.map((command) => ({ text: command.name(), about: command.summary() })),
    options: [...program.options.filter(({ hidden }) => !hidden).map(wordsOf), HELP],
    values: program.registeredArguments.map(valuesOf).find(({ values }) => values.length > 0) ?? NO_VALUES,
    files: program.registeredArguments.some(isFile),
  };
  return [own, ...commands.flatMap((command) => completionsOf(command, [...path, command.name()]))];
}

const NO_VALUES: Suggestions = { values: [], ask: null };

const HELP: OptionWords = { flags: ['--help', '-h'], about: 'display help', takesValue: false, values: NO_VALUES };

function wordsOf(option: Option): OptionWords {
  const { long, short, description, required, optional } = option;
  return {
    flags: [long, short].filter((flag) => flag !== undefined),
    about: description,
    takesValue: required || optional,
    values: valuesOf(option),
  };
}

function valuesOf(of: Option | Argument): Suggestions {
  return of.argChoices === undefined ? suggestionsFor(of) : { values: of.argChoices, ask: null };
}

function isFile(argument: Argument): boolean {
  return /^(path|file\b.*)$/.test(argument.name());
}
