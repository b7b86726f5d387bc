import { performance } from 'node:perf_hooks';
import autocannon from 'autocannon';
import { percentile } from './stats.js';

/** Connections that each wait for a response before they send the next request. */
const CONNECTIONS = 40;

/**
 * Sends as many requests as the server can process. The load runs in this process, the server in another one.
 *
 * @param {{ url: string, headers: Record<string, string> | Record<string, string>[], body: string, seconds: number, expected?: number, tolerated?: number }} target
 *   headers: a list is taken in turn; seconds: whole; expected: the status of each response, by default 200; tolerated: a status that
 *   some responses may have
 * @returns {Promise<{ count: number, rate: number, p50: number, p99: number }>} answers, answers a second, and ms
 */
export async function closedLoop({ url, headers, body, seconds, expected = 200, tolerated = 0 }) {
  // autocannon's own histogram has whole milliseconds, which is too coarse.
  /** @type {number[]} */
  const times = [];
  /** @type {Record<string, number>} */
  const others = {};
  const requests = [headers].flat().map((own) => ({ headers: { 'content-type': 'application/json', ...own } }));
  let connection = 0;
  const begin = performance.now();
  let end = begin;
  const run = autocannon({
    url,
    method: 'POST',
    body,
    requests: requests.slice(0, 1),
    setupClient: (client) => {
      // Each connection would begin at the start of the list.
      if (requests.length >= CONNECTIONS) client.setRequests(requests.filter((_, i) => i % CONNECTIONS === connection));
      else client.setRequests(requests);
      connection = (connection + 1) % CONNECTIONS;
    },
    connections: CONNECTIONS,
    duration: seconds,
  });
  run.on('response', (_client, status, _bytes, ms) => {
    end = performance.now();
    if (status === expected) times.push(ms);
    else if (status !== tolerated) others[status] = (others[status] ?? 0) + 1;
  });
  const { errors } = await run;
  if (Object.keys(others).length + errors > 0 || times.length === 0) {
    throw new Error(`${url}: ${times.length} with ${expected}, others ${JSON.stringify(others)}, ${errors} failed`);
  }
  const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)];
  return { count: times.length, rate: times.length / ((end - begin) / 1000), p50, p99 };
}
