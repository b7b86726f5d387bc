import { z } from 'zod';
import { checkObject, isPromise, optionError, unknownOption } from '../../shared/optionChecks.js';
import { faultLines } from '../../shared/settings/error.js';
import { MAX_CREDENTIAL_LENGTH } from '../keys/token.js';

/** Error messages for secrets, which replace the list of allowed values. */
export const SECRET_FAULTS = {
  short: 'has fewer than 32 characters. Generate one with openssl rand -hex 32',
  jwt: 'has the form of a JWT',
  long: `has more than ${MAX_CREDENTIAL_LENGTH} characters`,
  unsendable: 'has white space or characters outside ASCII, which no request can send',
  token: 'has the form of a key that Latchkey creates',
} as const;
const FAULTS: ReadonlySet<string> = new Set(Object.values(SECRET_FAULTS));

/** Options with secrets. Errors don't contain their values. */
const SECRETS: ReadonlySet<unknown> = new Set(['peppers', 'adminApiKey', 'uri', 'key']);

/**
 * Checks options by a strict schema and returns the parsed options.
 * @param what the name of the function, for errors
 * @throws TypeError with a line for each invalid option: its name, the value (unless it is a secret) and what is allowed
 */
export function checkOptions<S extends z.ZodType>(what: string, schema: S, given: unknown): z.output<S> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  checkObject(what, given, schema.safeParse(undefined).error?.issues[0]?.message ?? 'an object');
  throw new TypeError(
    faultLines(
      result.error.issues.flatMap((issue) => faultsOf(what, schema, given, issue).map((error) => error.message)),
    ).join('\n'),
  );
}

function faultsOf(what: string, schema: z.ZodType, given: unknown, issue: z.core.$ZodIssue): TypeError[] {
  const { path, message } = issue;
  const values = path.reduce<unknown[]>((all, step) => [...all, valueAt(all.at(-1), step)], [given]);
  const name = nameOf(what, path);
  // For a Promise, the error is that it was not awaited, not that its properties are missing.
  const promised = values.findIndex(isPromise);
  if (promised >= 0 && promised < path.length) {
    return [new TypeError(`${nameOf(what, path.slice(0, promised))} is a Promise: await it.`)];
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownOption(name, key, namesOf(schema, path)));
  }
  if (FAULTS.has(message)) return [new TypeError(`${name} ${message}.`)];
  const isSecret = path.some((step) => SECRETS.has(step));
  return [optionError(name, values.at(-1), message, isSecret)];
}

function valueAt(object: unknown, step: PropertyKey): unknown {
  return (object as Record<PropertyKey, unknown> | null | undefined)?.[step];
}

/** Formats a path, such as `createLatchkey: document.tokens`. */
function nameOf(what: string, path: readonly PropertyKey[]): string {
  if (path.length === 0) return what;
  return what.includes(': ') ? `${what}.${pathOf(path)}` : `${what}: ${pathOf(path)}`;
}

function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i === 0 ? '' : '.'}${String(step)}`))
    .join('');
}

/** Returns the names of the options at a path. */
function namesOf(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  const at = path.reduce<unknown>((outer, step) => {
    const object = innerOf(outer);
    return object instanceof z.ZodObject ? (object.shape as Record<PropertyKey, unknown>)[step] : undefined;
  }, schema);
  const object = innerOf(at);
  return object instanceof z.ZodObject ? Object.keys(object.shape) : [];
}

/** Returns the schema inside an optional one, or the last schema of a pipe. */
function innerOf(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional) return innerOf(schema.unwrap());
  if (schema instanceof z.ZodPipe) return innerOf(schema.out);
  return schema;
}
