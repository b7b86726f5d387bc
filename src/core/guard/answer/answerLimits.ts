import type { FieldNode } from 'graphql';
import { Refusal } from '../../errors/refusal.js';

/** The largest response to one operation. */
export interface AnswerLimits {
  /**
   * The number of fields that one operation may resolve. A list of 100 keys with three selected fields counts for 400:
   * each entry counts too. A string, or a value of a custom scalar, counts for one more with each 256 bytes.
   *
   * @default 50_000
   */
  readonly fields: number;
  /**
   * The same for one event of a subscription, at most `fields`. It is lower because one change can cause an event on
   * each open stream.
   *
   * @default 10_000
   */
  readonly eventFields?: number;
  /**
   * The size of `data` in the response as JSON, in bytes.
   *
   * @default 8 MiB
   */
  readonly bytes: number;
}

export const ANSWER_LIMITS: AnswerLimits = Object.freeze({ fields: 50_000, eventFields: 10_000, bytes: 8 * 2 ** 20 });

/** The bytes of a value that count as one more field. */
export const BYTES_PER_FIELD = 256;

/** The number of fields that an error counts for. It takes up to 100 µs, because graphql-js wraps it with a new stack. */
const FIELDS_PER_ERROR = 16;

/** For each error, graphql-js also counts the line breaks before its field. This many take as long as one field. */
const LINES_PER_FIELD = 100;

/** Returns the number of fields that an error of this field counts for. */
export function fieldsPerError(node: FieldNode | undefined): number {
  const line = node?.loc?.startToken.line ?? 0;
  return FIELDS_PER_ERROR + Math.floor(line / LINES_PER_FIELD);
}

const UNITS = { fields: 'fields', bytes: 'bytes' } as const;

/** Returns the limits for one event of a subscription. */
export function limitsOfEvent(limits: AnswerLimits): AnswerLimits {
  const { fields, eventFields = 10_000 } = limits;
  return eventFields < fields ? { ...limits, fields: eventFields } : limits;
}

/** Returns the refusal of an operation whose response would be too large. */
export function answerTooLarge(limits: AnswerLimits, unit: keyof typeof UNITS, isMutation: boolean): Refusal {
  const after = isMutation ? ' Some of its changes may have been made: check before you send it again.' : '';
  return new Refusal(
    `The response would exceed the limit of ${limits[unit]} ${UNITS[unit]}. Request fewer entries, fields or aliases, or split the operation.${after}`,
    { code: 'ANSWER_TOO_LARGE', limit: limits[unit], unit },
  );
}
