import { optionError, shown } from '../../shared/optionChecks.js';
import type { RefusalCode, RefusalDetails } from './refusalDetails.js';

type Check = readonly [isAllowed: (value: unknown) => boolean, allowed: string, required: boolean];

const number: Check = [(value) => typeof value === 'number' && Number.isFinite(value), 'a number', true];
const text: Check = [(value) => typeof value === 'string', 'a string', true];
const list: Check = [(value) => Array.isArray(value), 'a list', true];
const orNull = ([isAllowed, allowed]: Check): Check => [
  (value) => value === null || isAllowed(value),
  `${allowed}, or null`,
  true,
];
const optional = ([isAllowed, allowed]: Check): Check => [isAllowed, allowed, false];

type FieldsOf<Code extends RefusalCode> = Exclude<keyof Extract<RefusalDetails, { readonly code: Code }>, 'code'>;

/** The optional fields of a limit. */
const LIMIT = { category: optional(text), subject: optional(text), unit: optional(text) } as const;

/** The fields of each code. */
const FIELDS: { readonly [Code in RefusalCode]: Readonly<Record<FieldsOf<Code>, Check>> } = {
  BAD_REQUEST: {},
  COST_EXCEEDS_BURST: { cost: number, burst: number, ...LIMIT },
  COST_EXCEEDED: { cost: number, limit: number },
  LIST_SIZE_REQUIRED: { field: text, arguments: list },
  ANSWER_TOO_LARGE: { limit: number, unit: text },
  UNAUTHENTICATED: { reason: text },
  HTTPS_REQUIRED: {},
  ADDRESS_NOT_ALLOWED: {},
  FORBIDDEN: { missing: list, fields: list },
  DOCUMENT_NOT_TRUSTED: { sha256: text },
  RATE_LIMITED: { retryAfter: number, limit: number, window: number, ...LIMIT },
  QUOTA_EXCEEDED: {
    ...{ limit: orNull(number), used: orNull(number), remaining: number, resetsAt: orNull(text), window: orNull(text) },
    ...{ unit: text, subject: text, retryAfter: optional(number) },
  },
  UNAVAILABLE: { retryAfter: number },
  BAD_GATEWAY: {},
  GATEWAY_TIMEOUT: {},
  KEY_LIMIT_REACHED: { max: number, current: number },
  TOO_MANY_STREAMS: { limit: number },
  STREAM_OVERFLOW: { events: optional(number), bytes: optional(number) },
  NOT_FOUND: {},
  BAD_USER_INPUT: { path: list, known: optional(list) },
  SCOPE_NOT_HELD: { missing: list },
};

const CHECKS: ReadonlyMap<unknown, ReadonlyMap<string, Check>> = new Map(
  Object.entries(FIELDS).map(([code, fields]) => [code, new Map(Object.entries<Check>(fields))]),
);

/**
 * Checks the arguments of a Refusal, which become part of a response. A caller in JavaScript may pass any value.
 *
 * @throws TypeError that names the invalid argument
 */
export function checkDetails(message: unknown, details: unknown): void {
  if (typeof message !== 'string' || message === '') {
    throw optionError('Refusal: message', message, 'a non-empty string');
  }
  if (typeof details !== 'object' || details === null || Array.isArray(details)) {
    throw optionError(
      'Refusal: details',
      details,
      "an object with a code, for example new Refusal('Text.', { code: 'NOT_FOUND' })",
    );
  }
  const given = details as Record<string, unknown>;
  const checks = CHECKS.get(given.code);
  if (checks === undefined) throw optionError('Refusal: code', given.code, `one of ${[...CHECKS.keys()].join(', ')}`);
  for (const name of Object.keys(given)) {
    if (name === 'code' || checks.has(name)) continue;
    throw new TypeError(
      `Refusal: ${String(given.code)} has no field ${shown(name)}. Fields: ${[...checks.keys()].join(', ') || 'none'}.`,
    );
  }
  for (const [name, [isAllowed, allowed, isRequired]] of checks) {
    const value = given[name];
    if (value === undefined ? isRequired : !isAllowed(value)) throw optionError(`Refusal: ${name}`, value, allowed);
  }
}
