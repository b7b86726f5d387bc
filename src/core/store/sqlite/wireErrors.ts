import { CannotOpen, Duplicate, NotWritten, StoreUnavailable, Unacknowledged } from '../storeErrors.js';

/** An error in a message between threads: a structured clone would lose its class and its own fields. */
export interface WireError {
  readonly kind: Kind;
  readonly message: string;
  readonly stack: string | undefined;
  /** Only {@link FIELDS}. */
  readonly fields: Readonly<Record<string, string>>;
  readonly cause: WireError | undefined;
}

/** By class, subclasses first. */
const KINDS = {
  Unacknowledged,
  NotWritten,
  StoreUnavailable,
  Duplicate,
  CannotOpen,
  RangeError,
  TypeError,
  Error,
} as const;
type Kind = keyof typeof KINDS;

const FIELDS = ['reason', 'what', 'fault', 'remedy', 'code', 'name'] as const;

/** Maximum length of a chain of causes. */
const DEPTH = 5;

export function toWire(error: unknown, depth = DEPTH): WireError {
  if (!(error instanceof Error)) return toWire(new Error(String(error)));
  const kind = (Object.keys(KINDS) as Kind[]).find((each) => error instanceof KINDS[each]) ?? 'Error';
  const fields = FIELDS.map((field) => [field, (error as unknown as Record<string, unknown>)[field]] as const);
  const { message, stack, cause } = error;
  return {
    kind,
    message,
    stack,
    fields: Object.fromEntries(
      fields.filter((entry): entry is typeof entry & [string, string] => typeof entry[1] === 'string'),
    ),
    cause: cause === undefined || depth === 0 ? undefined : toWire(cause, depth - 1),
  };
}

export function fromWire(wired: WireError): Error {
  const error = made(wired, wired.cause && fromWire(wired.cause));
  if (wired.stack !== undefined) error.stack = wired.stack;
  return error;
}

function made({ kind, message, fields }: WireError, cause: Error | undefined): Error {
  const { reason = '', what = '', fault = '', remedy = '', code, name = 'Error' } = fields;
  switch (kind) {
    case 'StoreUnavailable':
      return new StoreUnavailable(cause, reason, message, remedy);
    case 'Unacknowledged':
      return new Unacknowledged(cause, reason, message, remedy);
    case 'NotWritten':
      return new NotWritten(cause, reason, remedy);
    case 'Duplicate':
      return new Duplicate(what, cause);
    case 'CannotOpen':
      return new CannotOpen(message, fault, remedy, { cause });
    case 'RangeError':
    case 'TypeError':
      return new KINDS[kind](message, { cause });
    case 'Error':
    default:
      return Object.assign(new Error(message, { cause }), { name }, code !== undefined && { code });
  }
}
