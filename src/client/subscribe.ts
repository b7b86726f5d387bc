import { resultOf } from './readAnswer.js';
import { backoff } from './backoff.js';
import { isTemporary, LatchkeyError, RateLimited, Unavailable } from './errors.js';
import { messagesOf } from './eventMessages.js';
import { operationOf, type Operation } from './operation.js';
import type { PacedStream, Pacer } from './pacer.js';
import type { Resolved } from './clientOptions.js';
import { refused } from './refused.js';
import { send } from './send.js';
import { sleep } from './waiting.js';

/** A subscription to run. */
interface Subscription {
  readonly query: string;
  readonly variables?: unknown;
  readonly operationName?: string | undefined;
  readonly onReconnect?: ((cause: LatchkeyError) => void) | undefined;
}

/** The first wait before a lost stream is reopened, in ms. */
const FIRST_WAIT = 1_000;

/** After this time, in ms, a stream that is lost no longer counts as a failed attempt. */
const LASTING = 60_000;

/** The longest time without data, in ms: three heartbeats of the server, which sends one every 15 seconds. */
const SILENCE = 45_000;

/**
 * Yields the results of a subscription, and reconnects if the connection is lost. Rejects with the reason of an aborted
 * signal.
 */
export async function* resultsOf(
  options: Resolved,
  subscription: Subscription,
  { signal }: AbortController,
): AsyncGenerator<unknown, void> {
  let failures = 0;
  let cause: LatchkeyError | null = null;
  for (;;) {
    let openedAt = Infinity;
    const counting = new CountedEvents();
    try {
      const response = await open(options, subscription, { signal, counting });
      openedAt = performance.now();
      if (cause !== null) subscription.onReconnect?.(cause);
      for await (const data of dataOf(response, counting)) {
        failures = 0;
        yield data;
      }
      return;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!isPassing(error)) throw error;
      if (performance.now() - openedAt > LASTING) failures = 0;
      if (failures >= options.maxRetries) throw error;
      cause = error;
    } finally {
      counting.end();
    }
    await sleep(Math.max((retryAfterOf(cause) ?? 0) * 1000, backoff(failures, FIRST_WAIT)), signal);
    failures += 1;
  }
}

/** Counts the events of one connection in the limits of the key; none if pacing is off. */
class CountedEvents {
  #stream: PacedStream | null = null;

  begin(pacer: Pacer, operation: Operation, body: string): void {
    this.end();
    this.#stream = pacer.stream(operation, body);
  }

  received(): void {
    this.#stream?.received();
  }

  end(): void {
    this.#stream?.end();
  }
}

async function open(
  options: Resolved,
  subscription: Subscription,
  { signal, counting }: { readonly signal: AbortSignal; readonly counting: CountedEvents },
): Promise<Response> {
  const { query, variables, operationName } = subscription;
  const body = JSON.stringify({ query, variables, operationName });
  const operation = operationOf(query, operationName);
  const response = await send(options, {
    url: options.streamUrl,
    init: {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body,
    },
    operation,
    signal,
    streams: true,
    opening: (pacer) => counting.begin(pacer, operation, body),
  });
  const { ok, status, headers } = response;
  if (ok && headers.get('content-type')?.startsWith('text/event-stream') === true) return response;
  throw refused({ status, headers, errors: resultOf(await response.text())?.errors ?? [] });
}

/**
 * Yields the results of one stream until the server completes it.
 *
 * @throws {@link LatchkeyError} if the server sends an error or the connection is lost
 */
async function* dataOf({ body, status, headers }: Response, counting: CountedEvents): AsyncGenerator<unknown, void> {
  if (body === null) throw brokenOff();
  for await (const { event, data } of messagesOf(body, SILENCE)) {
    if (event === 'complete') return;
    if (event !== 'next') continue;
    const result = resultOf(data);
    // A result without data is a refusal, which costs nothing.
    if (result?.data !== undefined) counting.received();
    if (result?.errors !== undefined) throw refused({ status, headers, errors: result.errors, data: result.data });
    if (result?.data !== undefined) yield result.data;
  }
  throw brokenOff();
}

function brokenOff(): Unavailable {
  return new Unavailable('The connection was closed before the stream ended.', { code: 'UNREACHABLE' });
}

/**
 * Returns whether another attempt may succeed: the server was unavailable, a limit was exceeded or the reader was too
 * slow.
 */
function isPassing(error: unknown): error is LatchkeyError {
  if (isTemporary(error) || error instanceof RateLimited) return true;
  return error instanceof LatchkeyError && error.code === 'STREAM_OVERFLOW';
}

function retryAfterOf(error: LatchkeyError): number | null {
  return error instanceof Unavailable || error instanceof RateLimited ? error.retryAfter : null;
}
