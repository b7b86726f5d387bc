import { Refusal } from '../../refusals/refusal.js';

/** How large the answer to one operation may be. */
export interface AnswerLimits {
  /**
   * Fields that one operation may resolve, entries of lists included: a list of 100 keys of which three fields are selected
   * counts for 400. A text, or a value of a custom scalar, counts for one more with each 256 bytes.
   *
   * @default 50,000
   */
  readonly fields: number;
  /**
   * The same for one event of a subscription; at most `fields`. One change can lead to an event for each open stream.
   *
   * @default 10,000
   */
  readonly eventFields?: number;
  /**
   * Bytes of the answer's `data` as JSON.
   *
   * @default 8 MiB
   */
  readonly bytes: number;
}

export const ANSWER_LIMITS: AnswerLimits = Object.freeze({ fields: 50_000, eventFields: 10_000, bytes: 8 * 2 ** 20 });

/** Bytes of a value for which it counts as one more field. */
export const BYTES_PER_FIELD = 256;

const UNITS = { fields: 'fields', bytes: 'bytes' } as const;

/** Returns the limits of one event of a subscription. */
export function limitsOfEvent(limits: AnswerLimits): AnswerLimits {
  const { fields, eventFields = 10_000 } = limits;
  return eventFields < fields ? { ...limits, fields: eventFields } : limits;
}

/** Returns the refusal of an operation whose answer would be larger than `limits` allow. */
export function answerTooLarge(limits: AnswerLimits, unit: keyof typeof UNITS, isMutation: boolean): Refusal {
  const after = isMutation ? ' Some of its changes may have been made: check before you send it again.' : '';
  return new Refusal(
    `The response would exceed the limit of ${limits[unit]} ${UNITS[unit]}. Request fewer entries, fields or aliases, or split the operation.${after}`,
    { code: 'ANSWER_TOO_LARGE', limit: limits[unit], unit },
  );
}
