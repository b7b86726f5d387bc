import { textOf } from './readAnswer.js';
import { afterLimit, backoff, LONGEST_WAIT } from './backoff.js';
import { isTemporary, LatchkeyError, Unavailable } from './errors.js';
import type { Operation } from './operation.js';
import type { Resolved } from './clientOptions.js';
import type { Pacer } from './pacer.js';
import { pacerFor } from './pacers.js';
import { retryAfterSeconds } from './retryAfter.js';
import { link, sleep } from './waiting.js';

/** A request that can be sent more than once. */
interface Call {
  readonly url: string;
  readonly init: RequestInit;
  readonly operation: Operation;
  readonly signal: AbortSignal;
  /** Whether the response is a stream, which may last and is passed on as it arrives. */
  readonly streams: boolean;
  /** Called before each attempt to open a stream, unless pacing is off. */
  readonly opening?: (pacer: Pacer) => void;
}

/** The first wait before a failed query is sent again, in ms. */
const FIRST_WAIT = 500;

/**
 * Sends a request and retries it when that is safe: after 429, because the operation did not run, and for queries also
 * after a missing response and after 502 to 504. A mutation without a response may have run.
 *
 * @returns the last response, whatever its status
 * @throws {@link Unavailable} if there was no response, or the reason of the aborted signal
 */
export async function send(options: Resolved, call: Call): Promise<Response> {
  let refusals = 0;
  for (let tries = 0; ; tries += 1) {
    call.signal.throwIfAborted();
    let wait: number | null;
    try {
      const answer = await attempt(options, call);
      const isLimited = answer.status === 429;
      const isLast = tries >= (isLimited ? options.maxLimited : options.maxRetries);
      wait = isLast ? null : waitFor(answer, call.operation, { tries, refusals, longest: options.longestLimited });
      if (wait === null) return answer;
      if (isLimited) refusals += 1;
    } catch (error) {
      if (tries >= options.maxRetries || !isTemporary(error) || call.operation.type !== 'query') throw error;
      wait = backoff(tries, FIRST_WAIT);
    }
    await sleep(wait, call.signal);
  }
}

/** Returns the wait before the next attempt, in ms; null for no retry. */
function waitFor(
  { status, headers }: Response,
  { type }: Operation,
  { tries, refusals, longest }: { readonly tries: number; readonly refusals: number; readonly longest: number },
): number | null {
  const asked = retryAfterSeconds(headers);
  // Without Retry-After, waiting does not help: a limit such as the number of streams is reached.
  if (status === 429) return asked === null ? null : afterLimit(asked, refusals, longest);
  if (type !== 'query' || ![502, 503, 504].includes(status)) return null;
  const wait = Math.max((asked ?? 0) * 1000, backoff(tries, FIRST_WAIT));
  return wait > LONGEST_WAIT ? null : wait;
}

async function attempt(options: Resolved, call: Call): Promise<Response> {
  const { url, init, operation, signal: outer, streams, opening } = call;
  const key = await options.key();
  const pacer = options.pacing ? pacerFor(options.url, key) : null;
  const turn = pacer && (await pacer.turn(operation, outer));
  if (pacer !== null) opening?.(pacer);
  let answer: Response | null = null;
  const { controller, signal, release } = link(outer);
  const timer = setTimeout(() => controller.abort(late(options)), options.timeout);
  let lasts = false;
  try {
    const headers = headersOf(options, init, key);
    // Following a redirect could send the key to another server.
    answer = await options.fetch(url, { ...init, headers, redirect: 'error', signal });
    if (typeof (answer as Partial<Response> | null | undefined)?.status !== 'number') {
      throw new TypeError('The option fetch has returned something else than a Response.');
    }
    lasts = streams && answer.ok;
    if (lasts) return answer;
    // Read here so that the timeout includes the body, and a body that breaks off is retried.
    const text = await textOf(answer);
    const { status, statusText, headers: answered } = answer;
    const told = answer.ok && !text.includes('"errors"') ? text : withoutKey(text, key);
    return new Response(told === '' ? null : told, { status, statusText, headers: answered });
  } catch (error) {
    if (outer.aborted) throw outer.reason;
    if (error instanceof LatchkeyError) throw error;
    throw unreachable(options, error);
  } finally {
    clearTimeout(timer);
    turn?.end(answer);
    if (!lasts) release();
  }
}

function headersOf({ headers }: Resolved, init: RequestInit, key: string | null): Headers {
  const all = new Headers(init.headers);
  for (const [name, value] of Object.entries(headers)) all.set(name, value);
  if (key !== null) all.set('authorization', `Bearer ${key}`);
  return all;
}

/** A shorter key is part of ordinary words. */
const SHORTEST_KEY = 8;

/** Removes the key from a response with errors, because a proxy or server may echo the request's header fields. */
function withoutKey(text: string, key: string | null): string {
  return key === null || key.length < SHORTEST_KEY ? text : text.replaceAll(key, '[key]');
}

function late({ url, timeout }: Resolved): Unavailable {
  return new Unavailable(
    `${new URL(url).host} did not respond within ${timeout} ms. Try again, or increase the option timeout.`,
    { code: 'TIMEOUT' },
  );
}

function unreachable({ url }: Resolved, cause: unknown): Unavailable {
  return new Unavailable(
    `Cannot reach ${new URL(url).host}, or the connection was lost. Check the URL and the network, and whether the server is running.`,
    { code: 'UNREACHABLE', cause },
  );
}
