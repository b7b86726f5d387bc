import { Buffer } from 'node:buffer';
import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Sends requests at a fixed rate, whatever the server does: a client that waits for responses would not notice a pause
 * of the server. Latency is measured from the time at which a request was due, not from when it was sent.
 *
 * @param {{ url: string, body: string, rate: number, seconds: number, headersOf: (i: number) => Record<string, string> }} load
 * @returns {Promise<{ times: number[], statuses: Record<string, number> }>} ms
 */
export async function openLoop({ url, body, rate, seconds, headersOf }) {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const total = rate * seconds;
  const times = [];
  /** @type {Record<string, number>} */
  const statuses = {};
  const pending = [];
  const begin = performance.now();
  for (let sent = 0; sent < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - begin) * rate) / 1000) + 1);
    for (; sent < due; sent += 1) {
      const dueAt = begin + (sent * 1000) / rate;
      pending.push(
        ask(agent, url, body, headersOf(sent)).then((status) => {
          times.push(performance.now() - dueAt);
          statuses[status] = (statuses[status] ?? 0) + 1;
        }),
      );
    }
    await delay(1);
  }
  await Promise.all(pending);
  agent.destroy();
  return { times, statuses };
}

function ask(agent, url, body, headers) {
  return new Promise((resolve) => {
    const all = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers };
    const asked = request(url, { agent, method: 'POST', headers: all }, (response) => {
      response.resume();
      response.once('end', () => resolve(String(response.statusCode)));
    });
    asked.once('error', (error) => resolve(error.code ?? 'error'));
    asked.end(body);
  });
}
