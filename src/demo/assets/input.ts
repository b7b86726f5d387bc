import { badInput } from '../../core/errors/refusal.js';
import type { Column } from '../store/demoRecords.js';
import { faultOfText, isLonger, normalise } from '../../shared/text/characters.js';

/** The maximum length of a list in a response: assets of a page, upstream and downstream assets. */
export const LIST_MAX = 100;

const NAME = /^[A-Za-z0-9_.\-/:]{1,200}$/;
export const COLUMNS_MAX = 1000;
const AGE_MAX = 3650 * 86_400_000;
/** The tolerance for a loader's clock that is ahead, in ms. */
export const SKEW = 5 * 60_000;

/**
 * Warehouses can use any column names, even with a byte order mark. Control and direction characters would affect a log
 * or a terminal, and no store returns an unpaired surrogate unchanged.
 */
const UNWANTED_IN_COLUMNS = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

type Path = readonly (string | number)[];

/** Returns the name of an asset. @throws Refusal BAD_USER_INPUT */
export function checkName(name: string, path: Path): string {
  if (NAME.test(name)) return name;
  throw badInput(path, 'The name must have 1 to 200 characters, each a letter A-Z or a-z, a digit or one of _ . - / :');
}

/** Returns the owner of an asset in NFC; null if it is not set. @throws Refusal BAD_USER_INPUT */
export function checkOwner(owner: string | null | undefined, path: Path): string | null {
  if (owner === null || owner === undefined) return null;
  const fault = owner === '' ? 'is empty. Leave it out' : faultOfText(owner, 200);
  if (fault !== null) throw badInput(path, `The owner ${fault}.`);
  return normalise(owner);
}

/** Returns the description of an asset in NFC; null if it is not set. @throws Refusal BAD_USER_INPUT */
export function checkDescription(text: string | null | undefined, path: Path): string | null {
  if (text === null || text === undefined) return null;
  const fault = faultOfText(text, 2000, { lines: true });
  if (fault !== null) throw badInput(path, `The description ${fault}.`);
  return normalise(text);
}

/** Returns a column's name or type in NFC. @throws Refusal BAD_USER_INPUT */
function checkColumnText(text: string, path: Path, max: number): string {
  const fits = text !== '' && !isLonger(text, max);
  if (fits && !UNWANTED_IN_COLUMNS.test(text)) return normalise(text);
  throw badInput(path, `It must be one line of 1 to ${max} characters, without control and direction characters.`);
}

/** Returns the maximum time between loads in ms; null if it is not set. @throws Refusal BAD_USER_INPUT */
export function checkAllowedAge(age: number | null | undefined, path: Path): number | null {
  if (age === null || age === undefined) return null;
  if (Number.isSafeInteger(age) && age >= 1000 && age <= AGE_MAX) return age;
  throw badInput(path, 'The allowed age must be from one second to 3650 days, such as PT6H or P1D.');
}

/** Returns the distinct upstream names, in the given order. @throws Refusal BAD_USER_INPUT */
export function checkUpstream(names: readonly string[] | null | undefined, own: string, path: Path): readonly string[] {
  if (names === null || names === undefined) return [];
  if (names.length > LIST_MAX)
    throw badInput(path, `An asset has at most ${LIST_MAX} upstream names. Name the direct ones.`);
  names.forEach((name, index) => {
    checkName(name, [...path, index]);
    if (name === own) throw badInput([...path, index], 'An asset cannot be its own upstream. Leave it out.');
  });
  return [...new Set(names)];
}

/** @throws Refusal BAD_USER_INPUT */
export function checkColumns(columns: readonly Column[], path: Path, min = 0): readonly Column[] {
  if (columns.length < min) throw badInput(path, 'List at least one column.');
  if (columns.length > COLUMNS_MAX) throw badInput(path, `An asset has at most ${COLUMNS_MAX} columns. List fewer.`);
  const seen = new Set<string>();
  return columns.map((column, index) => {
    const name = checkColumnText(column.name, [...path, index, 'name'], 200);
    const type = checkColumnText(column.type, [...path, index, 'type'], 500);
    if (seen.has(name))
      throw badInput([...path, index, 'name'], 'Another column has this name. List each column once.');
    seen.add(name);
    // A copy, because the object from GraphQL can have more than these two fields.
    return { name, type };
  });
}

/** Returns the time when a load ended, in ms. Default: `now`. @throws Refusal BAD_USER_INPUT */
export function checkLoadTime(at: number | null | undefined, now: number, path: Path): number {
  if (at === null || at === undefined) return now;
  if (!Number.isSafeInteger(at) || at < 0) throw badInput(path, 'The load must have ended in 1970 or later.');
  // A load with a time in the future would keep the asset fresh until then and longer.
  if (at > now + SKEW)
    throw badInput(path, 'The load is in the future. Set the time at which it ended, with its offset.');
  return at;
}

/** @throws Refusal BAD_USER_INPUT */
export function checkRows(rows: number | null | undefined, path: Path): number | null {
  if (rows === null || rows === undefined) return null;
  if (rows >= 0 && Number.isInteger(rows) && rows <= Number.MAX_SAFE_INTEGER) return rows;
  throw badInput(path, `The number of rows must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`);
}

/** @throws Refusal BAD_USER_INPUT */
export function checkFirst(first: number | null | undefined, path: Path): number {
  if (first === null || first === undefined) return LIST_MAX;
  if (Number.isInteger(first) && first >= 1 && first <= LIST_MAX) return first;
  throw badInput(path, `first must be from 1 to ${LIST_MAX}. Request the next page with after.`);
}
