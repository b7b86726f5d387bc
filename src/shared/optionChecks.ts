/**
 * Checks of options that a caller of the library passes. TypeScript checks them too, but callers may write JavaScript, or read
 * a value from somewhere else. This module has no imports, so that the client can use it too.
 *
 * Every error has one of two forms, which `test/latchkeyOptions.test.ts` checks for all exports:
 *
 * - `createLatchkey: there is no option "peper". Options: store, peppers, ….`
 * - `createLatchkey: bcryptCost is "10". Allowed: an integer from 4 to 15.`
 */

/** Returns the error for an option: its path, what was given and what is allowed. */
export function optionError(path: string, given: unknown, allowed: string, secret = false): TypeError {
  return new TypeError(
    `${path} is ${secret ? kindOf(given) : shown(given)}. Allowed: ${allowed}.`.replace(/\.\.$/, '.'),
  );
}

/** Returns the error for a name that is not an option, with the names that are. */
export function unknownOption(path: string, name: PropertyKey, known: readonly string[]): TypeError {
  const options = known.length === 0 ? '' : ` Options: ${known.join(', ')}.`;
  return new TypeError(`${path}: there is no option ${shown(String(name))}.${options}`);
}

/**
 * Checks that options are an object without unknown names.
 * @param path the function, such as `createClient`, or an option of it, such as `apolloOptions: parseOptions`
 * @throws TypeError
 */
export function checkNames(path: string, options: unknown, known: readonly string[]): void {
  checkObject(path, options, `an object with ${known.join(', ')}`);
  for (const name of Reflect.ownKeys(options as object)) {
    if (typeof name !== 'string' || !known.includes(name)) throw unknownOption(path, name, known);
  }
}

/**
 * Checks that options are an object. A list, a Map or a Promise would be read as an object without options.
 *
 * @throws TypeError
 */
export function checkObject(path: string, options: unknown, allowed: string): void {
  if (isPlainObject(options)) return;
  const isWhole = !path.includes(': ');
  if (isWhole && options === undefined) throw new TypeError(`${path} needs ${allowed}.`);
  throw optionError(isWhole ? `${path}: options` : path, options, allowed);
}

export function isPlainObject(value: unknown): value is object {
  return Object.prototype.toString.call(value) === '[object Object]' && !isPromise(value);
}

/** Whether `await` was forgotten. */
export function isPromise(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** Checks that an option is a time in ms that a timer accepts. @throws TypeError */
export function checkMilliseconds(path: string, value: unknown, least: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= 2 ** 31 - 1) return;
  throw optionError(path, value, `an integer of milliseconds from ${least} to ${2 ** 31 - 1}`);
}

/** Checks that an option is a list of strings. @throws TypeError */
export function checkTexts(path: string, value: unknown, allowed: string): void {
  if (!Array.isArray(value)) throw optionError(path, value, allowed);
  for (const [i, item] of Array.from(value, (each: unknown) => each).entries()) {
    if (typeof item !== 'string' || item === '') throw optionError(`${path}[${i}]`, item, 'a string that is not empty');
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

/** Describes a value without showing it, for secrets. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (value === '') return 'an empty string';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (isPromise(value)) return 'a Promise: await it';
  const type = typeof value;
  return type === 'object' ? 'an object' : type === 'string' ? 'a string' : `a ${type}`;
}
