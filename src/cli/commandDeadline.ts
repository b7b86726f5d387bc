import { textOf } from '../client/readAnswer.js';
import { LatchkeyError } from '../client/errors.js';
import { EXIT, Failure } from './exit.js';
import { UnexpectedAnswer } from './unexpected.js';
import { retryAfterSeconds } from '../client/retryAfter.js';

/** Twice what a Latchkey server sends by default (`MAX_ANSWER_BYTES`). The commands request far less. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Statuses above have no meaning, and a Response cannot be made with one. */
const HIGHEST_STATUS = 599;

/** The time in ms after which a wait is reported to the user. Shorter waits are not worth a line. */
const REPORTED_AFTER = 2_000;

/** The reason why a request waits: the key's limits are used up, or the server is unavailable. */
export type Awaited = { readonly limits: true } | { readonly server: string };

const LIMITS: Awaited = { limits: true };

interface DeadlineOptions {
  /** Sends requests, for example through a proxy. Default: the global `fetch` */
  readonly send?: typeof fetch | undefined;
  /** Called when a request has waited for {@link REPORTED_AFTER}, not counting the time that a response takes. */
  readonly onWait?: (awaited: Awaited) => void;
}

/**
 * Limits the time of one request, including its waits: for its turn under the limits, for Retry-After, and for an unavailable
 * server. Doesn't start a wait that can't end in time.
 */
export class Deadline {
  readonly #longest: number;
  #underWay: AbortController | null = null;
  #until = 0;
  /** Whether a request has no response yet, or the last response was a server error. */
  #unanswered = false;
  #isSent = false;
  #hasResponded = false;
  #retryAfter: number | null = null;
  #awaited: Awaited | null = null;
  #reporting: NodeJS.Timeout | undefined;

  readonly #send: typeof fetch;
  readonly #onWait: (awaited: Awaited) => void;

  /** @param longest in ms */
  constructor(longest: number, { send = fetch, onWait = () => undefined }: DeadlineOptions = {}) {
    this.#longest = longest;
    this.#send = send;
    this.#onWait = onWait;
  }

  /** The remaining time for the request, in ms. */
  get remaining(): number {
    return this.#until - performance.now();
  }

  /** Whether a response has arrived for any request of the command. A later failure is then an outage, not a wrong address. */
  get hasResponded(): boolean {
    return this.#hasResponded;
  }

  /** Retry-After of the last response, in seconds; null if it had none. */
  get retryAfter(): number | null {
    return this.#retryAfter;
  }

  /** Sends a request and records whether a response arrives, with its whole body. */
  readonly fetch: typeof fetch = async (input, init) => {
    // A request has had its turn when it is sent for the first time. The time of its response is not a wait.
    if (!this.#isSent) this.#waitFor(null);
    this.#isSent = true;
    this.#unanswered = true;
    this.#retryAfter = null;
    const response = await this.#wholeOf(await this.#send(input, init));
    this.#hasResponded = true;
    this.#unanswered = response.status >= 500;
    this.#retryAfter = retryAfterSeconds(response.headers);
    if (response.status === 429 && this.#retryAfter !== null) {
      if (this.#retryAfter * 1_000 > this.remaining) this.#giveUp(tooLong(this.#retryAfter));
      this.#waitFor(LIMITS);
    }
    return response;
  };

  /** Records that the request waits for the server. */
  waitForServer(reason: string): void {
    this.#waitFor({ server: reason });
  }

  /** @param awaited null if the request doesn't wait */
  #waitFor(awaited: Awaited | null): void {
    const before = this.#awaited;
    this.#awaited = awaited;
    if (before !== null && awaited !== null) return;
    clearTimeout(this.#reporting);
    if (awaited !== null) this.#reporting = setTimeout(() => this.#report(), REPORTED_AFTER);
  }

  #report(): void {
    if (this.#awaited !== null) this.#onWait(this.#awaited);
  }

  /** Reads the body. A server that never ends the response has not responded. */
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
    this.#isSent = false;
    this.#retryAfter = null;
    this.#waitFor(LIMITS);
    const timer = setTimeout(() => {
      controller.abort(this.#unanswered ? noAnswer(this.#longest / 1_000) : tooLong(null));
    }, this.#longest);
    try {
      return await request(controller.signal);
    } finally {
      clearTimeout(timer);
      this.#waitFor(null);
    }
  }
}

function tooLong(seconds: number | null): Failure {
  const when = seconds === null ? 'later' : `in ${seconds} s`;
  return new Failure(
    EXIT.limited,
    'RATE_LIMITED',
    `The key has reached its rate limit. Try again ${when}, or allow a longer wait with --max-wait.`,
  );
}

function noAnswer(seconds: number): Failure {
  return new Failure(
    EXIT.unavailable,
    'UNAVAILABLE',
    `No response within ${seconds} s. Try again later, or allow a longer wait with --max-wait.`,
  );
}
