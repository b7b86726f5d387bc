import { backoff } from '../client/backoff.js';
import { isTemporary, RateLimited, type Unavailable } from '../client/errors.js';
import { sleep } from '../client/waiting.js';
import { causeOf, isRefused } from './serverAddress.js';
import type { Deadline } from './commandDeadline.js';

/** The number of retries after a failure that waiting is unlikely to end, such as an unknown host name. */
const RETRIES = 3;

/** The first wait and the longest one, in ms. A longer Retry-After still applies. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;

/** Statuses of a server, or of the proxy before it, that may soon respond. */
const TEMPORARY: ReadonlySet<number> = new Set([502, 503, 504]);

/** Error codes of connections to a server that is starting, restarting or cut off. */
const OUTAGE =
  /^(?:ECONN(?:REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|E(?:HOST|NET)(?:UNREACH|DOWN)|EAI_AGAIN|UND_ERR_(?:SOCKET|\w+_TIMEOUT))$/;

/** A request that is sent again until it succeeds, or its deadline leaves no time for another attempt. */
interface Repeated<T> {
  readonly send: () => Promise<T>;
  readonly deadline: Deadline;
  readonly signal: AbortSignal;
  /**
   * Whether the request changes nothing. A change is only sent again after 429 or a refused connection, because otherwise it may have
   * been made.
   */
  readonly isQuery: boolean;
  /**
   * Returns a better error if the address is wrong, which waiting would not change; otherwise the error itself. Sends requests,
   * which the signal ends.
   */
  readonly explain: (error: unknown, signal: AbortSignal) => Promise<unknown>;
  /** Whether to wait for a server that refuses the first connection, as a starting server does. */
  readonly awaitsStart: boolean;
}

/**
 * @throws the last error if the deadline leaves no time for another attempt, or another attempt is useless. If the time ends during an
 * attempt, the previous failure is more informative than a missing response.
 */
export async function repeated<T>({ send, deadline, signal, isQuery, explain, awaitsStart }: Repeated<T>): Promise<T> {
  let outage: Unavailable | null = null;
  for (let failures = 0; ; failures += 1) {
    try {
      return await send();
    } catch (error) {
      if (signal.aborted && outage !== null) throw outage;
      const isAbsent = !awaitsStart && !deadline.hasResponded && isRefused(error);
      const wait = isAbsent ? null : waitAfter(error, { failures, deadline, isQuery });
      // The second failure is less likely to be a coincidence. A wrong address should not cost the whole time.
      const explained = wait === null || failures === 1 ? await explain(error, signal) : error;
      if (wait === null || explained !== error) throw explained;
      if (isTemporary(error)) outage = error;
      await sleep(wait, signal).catch((reason: unknown) => {
        throw outage ?? reason;
      });
    }
  }
}

/** Returns the wait before the next attempt, in ms; null if there is none. Tells the deadline about it. */
function waitAfter(
  error: unknown,
  {
    failures,
    deadline,
    isQuery,
  }: { readonly failures: number; readonly deadline: Deadline; readonly isQuery: boolean },
): number | null {
  if (error instanceof RateLimited) return fitting(deadline.retryAfter, failures, deadline);
  if (!isTemporary(error) || !(isQuery || isRefused(error))) return null;
  const isOutage = mayEnd(error);
  if (!isOutage && (error.status > 0 || failures >= RETRIES)) return null;
  const wait = fitting(error.retryAfter ?? 0, failures, deadline);
  if (isOutage && wait !== null) deadline.waitForServer(reasonOf(error));
  return wait;
}

/**
 * Doubles the wait with each failure. Towards the end of the time the waits get shorter, so that the last attempt is close to it.
 *
 * @param retryAfter in seconds; null: waiting doesn't help
 * @returns null if the wait can't end in time
 */
function fitting(retryAfter: number | null, failures: number, { remaining }: Deadline): number | null {
  if (retryAfter === null) return null;
  const own = Math.min(backoff(failures, FIRST_WAIT), LONGEST_WAIT, Math.max(FIRST_WAIT, remaining / 2));
  const wait = Math.max(retryAfter * 1_000, own);
  return wait < remaining ? wait : null;
}

/** Returns whether the server may respond soon; false if the address or the network is probably misconfigured. */
function mayEnd(error: Unavailable): boolean {
  return (
    TEMPORARY.has(error.status) ||
    error.code === 'TIMEOUT' ||
    (error.code === 'UNAVAILABLE' && error.status === 200) ||
    OUTAGE.test(causeOf(error).code)
  );
}

function reasonOf(error: Unavailable): string {
  if (error.status > 0) return error.status === 200 ? error.code : `HTTP ${error.status}`;
  return causeOf(error).code || 'no response';
}
