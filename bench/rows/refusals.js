import { Child } from '../lib/child.js';
import { closedLoop } from '../lib/closedLoop.js';
import { alternate } from '../lib/rounds.js';
import { QUERIES } from '../lib/shop.js';
import { temporaryDirectory } from '../lib/temporary.js';
import { unknownKey } from '../lib/wrongKeys.js';

export const title = 'Refused requests';

export const about = `CPU time of Latchkey's own server for one request that it refuses, compared with the small query of a valid key. 40 connections
each send their next request as soon as they have received a response.

- **unknown key**: well-formed keys that don't exist, each from a different address, so that each is looked up.
- **failed checksum**: a mistyped key.
- **revoked key** and **used-up limit**: keys that exist.
- **address over its limit of failures**: unknown keys from one address.
- **bare node:http** is a server without a framework and without any check, which refuses every request with one prepared response. No
  server in Node can take less time for a refusal.`;

export const packages = ['fastify', '@apollo/server', 'autocannon'];

const GOOD = 'small query';
const FLOOR = 'bare node:http';

/** Wrong keys that take turns. More than the server remembers as missing, so that each is looked up in the store. */
const WRONG_KEYS = 30_000;

/** In seconds. */
const WARM_UP = 3;

/** @param {import('../run.js').Run} run @returns {AsyncGenerator<import('../lib/measure.js').Measure>} */
export async function* measure({ rounds, seconds, quick }) {
  const server = await Child.start('refusals', { dataDir: temporaryDirectory() });
  const bare = await Child.start('bareRefusal', {});
  const { url, tokens } = server.ready;
  const body = JSON.stringify({ query: QUERIES.small.query });
  const one = (token) => ({ authorization: `Bearer ${token}` });
  const kinds = {
    [GOOD]: { headers: one(tokens.good), expected: 200 },
    'unknown key': { headers: unknownKeys(), expected: 401 },
    'failed checksum': { headers: mistypedKeys(tokens.good), expected: 401 },
    'revoked key': { headers: one(tokens.revoked), expected: 401 },
    // One request a minute is allowed.
    'used-up limit': { headers: one(tokens.limited), expected: 429, tolerated: 200 },
    'address over its limit of failures': {
      headers: { ...one(unknownKey()), 'x-forwarded-for': '192.0.2.1' },
      expected: 429,
      // A few a second are still looked up, because others may share the address.
      tolerated: 401,
    },
    [FLOOR]: { headers: one(unknownKey()), expected: 401, of: bare },
  };
  const load =
    ({ of = server, ...asked }, time) =>
    async () => {
      const before = await of.call('processorTime');
      const { count } = await closedLoop({ url: of.ready.url, body, seconds: time, ...asked });
      return ((await of.call('processorTime')) - before) / count;
    };
  await useUp(url, kinds['address over its limit of failures'].headers, body);
  for (const asked of Object.values(kinds)) await load(asked, quick ? 2 : WARM_UP)();
  const samples = await alternate(
    rounds,
    Object.fromEntries(Object.entries(kinds).map(([name, asked]) => [name, load(asked, seconds)])),
  );
  yield {
    what: 'CPU time of the server per request',
    unit: 'µs',
    ours: GOOD,
    samples,
    goals: Object.keys(kinds)
      .filter((name) => name !== GOOD && name !== FLOOR)
      .map((of) => ({ of, against: GOOD, atMost: 0.25 })),
    note: 'All threads of the process.',
  };
  await server.stop();
  await bare.stop();
}

function unknownKeys() {
  return Array.from({ length: WRONG_KEYS }, (_, i) => ({
    authorization: `Bearer ${unknownKey()}`,
    'x-forwarded-for': addressOf(i),
  }));
}

/** The last character belongs to the checksum. */
function mistypedKeys(token) {
  const last = token.endsWith('0') ? '1' : '0';
  return Array.from({ length: 1_000 }, (_, i) => ({
    authorization: `Bearer ${token.slice(0, -1)}${last}`,
    'x-forwarded-for': addressOf(i),
  }));
}

function addressOf(i) {
  return `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
}

/** Sends wrong keys from an address until it has to wait. */
async function useUp(url, headers, body) {
  const { 'x-forwarded-for': address } = headers;
  const statuses = new Set();
  while (!statuses.has(429)) {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-forwarded-for': address,
        ...{ authorization: `Bearer ${unknownKey()}` },
      },
      body,
    });
    await response.text();
    statuses.add(response.status);
  }
}
