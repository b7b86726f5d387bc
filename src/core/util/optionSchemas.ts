import { z } from 'zod';
import { isPlainObject } from '../../shared/optionChecks.js';
import { INTROSPECTIONS } from '../guard/introspection.js';
import { checkTierTable } from '../limits/tierTable.js';
import { UNOBSERVED } from '../observer/observer.js';

/** Returns the schema of a value that is not parsed further, such as an object with methods. */
export function has<T>(check: (value: unknown) => boolean, allowed: string): z.ZodType<T> {
  return z.custom<T>((value) => check(value), allowed);
}

/** Returns the schema of a value that a function checks. @param check throws a TypeError, which the error repeats */
export function throughCheck(check: (value: unknown) => void, allowed: string) {
  return z.unknown().superRefine((value, context) => {
    try {
      check(value);
    } catch (error) {
      context.addIssue(`${allowed}. ${error instanceof Error ? error.message : ''}`.replace(/\.$/, ''));
    }
  });
}

export function withMethods<T>(names: readonly string[], allowed: string): z.ZodType<T> {
  return has<T>((value) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
    return names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
  }, allowed);
}

export const aFunction = <T>(): z.ZodType<T> => has<T>((value) => typeof value === 'function', 'a function');

export function integer(least: number, most: number): z.ZodNumber {
  const allowed = `an integer from ${least} to ${most}`;
  return z.int(allowed).min(least, allowed).max(most, allowed);
}

export function oneOf<const V extends readonly string[]>(values: V) {
  return z.enum(values, `one of ${values.join(', ')}`);
}

/** A table of tiers. It is passed on by reference, so that changes apply from the next request. */
export const tiersSchema = throughCheck(checkTierTable, 'the result of tierTable({ … })');

const ACTION = 'a word such as deploy: a to z, 0 to 9 and -, beginning with a letter';
export const actionsSchema = z.array(z.string(ACTION).regex(/^[a-z][a-z0-9-]{0,31}$/, ACTION), 'a list of strings');

export const introspectionSchema = oneOf(INTROSPECTIONS);
export const observerSchema = withMethods(Object.keys(UNOBSERVED), 'an object with all methods of Observer');
const LIMITS = 'a Limiter, or an object with all of Limits';
export const limitsSchema = withMethods(['admit', 'peek', 'close'], LIMITS).and(
  throughCheck((value) => {
    const { tiers } = Object(value) as { readonly tiers?: unknown };
    checkTierTable(tiers);
  }, LIMITS),
);

const MAX = Number.MAX_SAFE_INTEGER;
const ANSWER = 'an object with fields, eventFields and bytes';
export const answerSchema = has<object>(isPlainObject, ANSWER).pipe(
  z.strictObject(
    {
      fields: integer(1, MAX).optional(),
      eventFields: integer(1, MAX).optional(),
      bytes: integer(1, MAX).optional(),
    },
    ANSWER,
  ),
);
