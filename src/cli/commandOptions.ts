import { Argument, InvalidArgumentError, Option, type Command } from 'commander';
import { MAX_WAIT, type ApiOptions } from './apiOptions.js';
import { DEFAULT_URL } from '../server/settings/commandLine.js';

/** The options of every command that sends requests. */
export interface AskingOptions extends ApiOptions {
  readonly json?: true;
}

export function asking(command: Command): Command {
  return sending(json(command));
}

/** Adds the options of a command that sends requests and has no other output as JSON. */
export function sending(command: Command): Command {
  return command
    .option('--url <url>', `address of the API (default: LATCHKEY_URL, or ${DEFAULT_URL})`)
    .option('--key-stdin', 'read the key from standard input (default: LATCHKEY_API_KEY)')
    .option(
      '--max-wait <seconds>',
      `maximum wait for a response, including limits and outages (default: ${MAX_WAIT}); if given, also for a server that is starting`,
      whole(0, 86_400),
    );
}

export function json(command: Command): Command {
  return command.option('--json', 'print a JSON document');
}

/** An option for an enum of the API, in lower case with hyphens: `read-only` for READ_ONLY. */
export function choice(flags: string, description: string, values: readonly string[]): Option {
  const names = values.map(nameOf);
  return new Option(flags, description).choices(names).argParser(valueIn(names));
}

export function choiceArgument(name: string, description: string, values: readonly string[]): Argument {
  const names = values.map(nameOf);
  return new Argument(name, description).choices(names).argParser(valueIn(names));
}

/** Values that are completed, although others are allowed. */
export interface Suggestions {
  readonly values: readonly string[];
  /** Arguments of `latchkey` that print the values of the server, one per line. `values` are offered if it fails. */
  readonly ask: string | null;
}

const NO_SUGGESTIONS: Suggestions = { values: [], ask: null };
const suggestions = new WeakMap<Option | Argument, Suggestions>();

/** Sets values that are completed, although others are allowed. @param ask as in {@link Suggestions} */
export function suggest<Of extends Option | Argument>(of: Of, values: readonly string[], ask: string): Of {
  suggestions.set(of, { values: values.map(nameOf), ask });
  return of;
}

/** Returns the values of {@link suggest}. */
export function suggestionsFor(of: Option | Argument): Suggestions {
  return suggestions.get(of) ?? NO_SUGGESTIONS;
}

/** `read-only` for READ_ONLY, and `key-created` for key.created. */
export function nameOf(value: string): string {
  return value.toLowerCase().replace(/[._]/g, '-');
}

function valueIn(names: readonly string[]): (text: string) => string {
  return (text) => {
    const name = nameOf(text);
    if (!names.includes(name)) throw new InvalidArgumentError(`Allowed: ${names.join(', ')}.`);
    return name.toUpperCase().replaceAll('-', '_');
  };
}

/** Collects a list, given with commas or as repeated options. */
export function items(text: string, before: readonly string[] = []): string[] {
  const given = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  if (given.length === 0) throw new InvalidArgumentError('Give at least one value; commas separate several.');
  return [...before, ...given];
}

export function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Allowed: a whole number from ${min} to ${max}.`);
  };
}

/** Returns the defined `values`, because an input of the API must not contain undefined. */
export function given<T extends object>(values: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
