import { Refusal } from './refusal.js';
import type { RefusalDetails } from './refusalDetails.js';

/**
 * A refused request as a value: what a {@link Refusal} says, without the error. Latchkey's own server sends frequent refusals
 * without one: a flood of wrong keys causes thousands of refusals a second, and creating an error and throwing it through several
 * functions takes about 7 µs, six times as long as finding out that a key was revoked.
 */
export class Refused {
  readonly message: string;
  readonly details: RefusalDetails;

  constructor(message: string, details: RefusalDetails) {
    this.message = message;
    this.details = details;
  }

  /** Returns the error. It is a new one each time, because servers change the errors that they report. */
  toError(): Refusal {
    return new Refusal(this.message, this.details);
  }
}

/** Returns the result unless it is a refusal. @throws Refusal */
export function orThrow<Result>(result: Result | Refused): Result {
  if (result instanceof Refused) throw result.toError();
  return result;
}
