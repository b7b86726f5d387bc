import { textOf } from '../client/answer.js';
import { LatchkeyError } from '../client/errors.js';
import { EXIT, Failure } from './exit.js';
import { UnexpectedAnswer } from './unexpected.js';
import { retryAfterSeconds } from '../client/retryAfter.js';

/** Twice what a Latchkey server sends by default (`MAX_ANSWER_BYTES`). The commands request far less. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Statuses above have no meaning, and a Response cannot be made with one. */
const HIGHEST_STATUS = 599;

/**
 * Limits the time of one request, including its waits: for its turn under the limits, and for Retry-After. Doesn't
 * start a wait that can't end in time.
 */
export class Deadline {
  readonly #longest: number;
  #underWay: AbortController | null = null;
  #until = 0;
  /** Whether a request has no response yet, or the last response was a server error. */
  #unanswered = false;

  readonly #send: typeof fetch;

  /** @param longest in ms @param send sends requests, for example through a proxy */
  constructor(longest: number, send: typeof fetch = fetch) {
    this.#longest = longest;
    this.#send = send;
  }

  /** Sends a request and records whether a response arrives, with its whole body. */
  readonly fetch: typeof fetch = async (input, init) => {
    this.#unanswered = true;
    const response = await this.#wholeOf(await this.#send(input, init));
    this.#unanswered = response.status >= 500;
    const wait = response.status === 429 ? retryAfterSeconds(response.headers) : null;
    if (wait !== null && performance.now() + wait * 1_000 > this.#until) this.#giveUp(tooLong(wait));
    return response;
  };

  /** Reads the body. A server that never ends it has not responded. */
  async #wholeOf(response: Response): Promise<Response> {
    const { status, statusText, headers } = response;
    if (status > HIGHEST_STATUS) this.#giveUp(new UnexpectedAnswer(`has the status ${status}`));
    try {
      const text = await textOf(response, MAX_BYTES);
      return new Response(text === '' ? null : text, { status, statusText, headers });
    } catch (error) {
      if (error instanceof LatchkeyError) this.#giveUp(new UnexpectedAnswer(`is larger than ${MAX_BYTES} bytes`));
      throw error;
    }
  }

  /** Ends the request without another attempt, which would have the same result. */
  #giveUp(reason: Error): never {
    this.#underWay?.abort(reason);
    throw reason;
  }

  /** Runs one request at a time. @throws Failure when the time is over */
  async hold<T>(request: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    this.#underWay = controller;
    this.#until = performance.now() + this.#longest;
    this.#unanswered = false;
    const timer = setTimeout(() => {
      controller.abort(this.#unanswered ? noAnswer(this.#longest / 1_000) : tooLong(null));
    }, this.#longest);
    try {
      return await request(controller.signal);
    } finally {
      clearTimeout(timer);
    }
  }
}

function tooLong(seconds: number | null): Failure {
  const wait = seconds === null ? '' : ` for ${seconds} s`;
  return new Failure(
    EXIT.limited,
    'RATE_LIMITED',
    `The key's limits leave no room${wait}. Try again later, or allow a longer wait with --max-wait.`,
  );
}

function noAnswer(seconds: number): Failure {
  return new Failure(
    EXIT.unavailable,
    'UNAVAILABLE',
    `No response within ${seconds} s. Try again later, or allow a longer wait with --max-wait.`,
  );
}
