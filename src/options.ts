/**
 * Checks of options that a caller of the library passes. TypeScript checks them too, but callers may write JavaScript, or read
 * a value from somewhere else.
 */

/** Returns the error for an option: its name, what was given and what is allowed. */
export function optionError(name: string, given: unknown, allowed: string, secret = false): TypeError {
  return new TypeError(
    `${name} is ${secret ? kindOf(given) : shown(given)}. Allowed: ${allowed}.`.replace(/\.\.$/, '.'),
  );
}

/** Checks that options are an object without unknown names. @throws TypeError */
export function checkNames(what: string, options: unknown, known: readonly string[]): void {
  // Neither a list, a Map nor a Promise: nothing of theirs would be read.
  if (Object.prototype.toString.call(options) !== '[object Object]') {
    throw optionError(what, options, `an object with ${known.join(', ')}`);
  }
  for (const name of Reflect.ownKeys(options as object)) {
    if (typeof name === 'string' && known.includes(name)) continue;
    throw new TypeError(`${what}: there is no option ${shown(String(name))}. Options: ${known.join(', ')}.`);
  }
}

/** Checks that an option is a time in ms that a timer takes. @throws TypeError */
export function checkMilliseconds(name: string, value: unknown, least: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= 2 ** 31 - 1) return;
  throw optionError(name, value, `an integer of milliseconds from ${least} to ${2 ** 31 - 1}`);
}

/** Checks that an option is a list of strings. @throws TypeError */
export function checkTexts(name: string, value: unknown, allowed: string): void {
  if (!Array.isArray(value)) throw optionError(name, value, allowed);
  for (const [i, item] of Array.from(value, (each: unknown) => each).entries()) {
    if (typeof item !== 'string' || item === '') throw optionError(`${name}[${i}]`, item, 'a string that is not empty');
  }
}

const MAX_SHOWN = 60;

/** A value as an error may show it. */
export function shown(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value);
  if (value === null || ['number', 'boolean', 'undefined', 'bigint'].includes(typeof value)) return String(value);
  return kindOf(value);
}

/** What a value is, without the value: for secrets. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (value === '') return 'an empty string';
  if (Array.isArray(value)) return 'a list';
  const type = typeof value;
  return type === 'object' ? 'an object' : type === 'string' ? 'a string' : `a ${type}`;
}
