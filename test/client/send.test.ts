import { jest } from '@jest/globals';
import fc from 'fast-check';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterLimit, backoff, LONGEST_WAIT } from '../../src/client/backoff.js';
import {
  createClient,
  createFetch,
  LatchkeyError,
  RateLimited,
  Unavailable,
  type Client,
} from '../../src/client/index.js';
import { retryAfterSeconds } from '../../src/client/retryAfter.js';

type Answering = (response: ServerResponse, n: number, request: IncomingMessage) => void;

const KEY = 'test_key_that_is_not_a_real_one';
const READ = '{ assets { name } }';
const WRITE = 'mutation { a }';

let server: Server;
let asked: number;
let url: string;
let answering: Answering;
beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume().on('end', () => answering(response, (asked += 1), request));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
});
beforeEach(() => void (asked = 0));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const clientFor = (more: object = {}): Client => createClient({ url, apiKey: KEY, ...more });
const failure = async (promise: Promise<unknown>): Promise<LatchkeyError> => {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof LatchkeyError)) throw new Error(`No error of the client's: ${String(error)}`);
  expect(`${error.message} ${JSON.stringify(error)} ${String(error.stack)}`).not.toContain(KEY);
  return error;
};
const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};
const refusal = (code: string, details: object = {}) => ({
  errors: [{ message: 'no', extensions: { code, ...details } }],
});
const good: Answering = (response) => json(response, 200, { data: { a: 1 } });

describe('a server or proxy that repeats the request in its errors', () => {
  it.each([200, 400, 502])('never includes the key in an error, with status %i', async (status) => {
    answering = (response, _, { headers: { authorization } }) => {
      const errors = [{ message: `Refused: ${authorization}`, extensions: { code: 'ODD', given: [authorization] } }];
      json(response, status, { data: { given: authorization }, errors });
    };
    const { message, errors } = await failure(clientFor({ maxRetries: 0 }).request(READ));
    expect(message).toBe('Refused: Bearer [key]');
    expect(errors[0]?.extensions).toEqual({ code: 'ODD', given: ['Bearer [key]'] });
  });

  it('passes data without errors on as it is', async () => {
    answering = (response, _, { headers: { authorization } }) =>
      json(response, 200, { data: { given: authorization } });
    expect(await clientFor().request(READ)).toEqual({ given: `Bearer ${KEY}` });
  });
});
describe('after 429', () => {
  const limited = refusal('RATE_LIMITED', { retryAfter: 1 });

  it('waits for Retry-After and retries, even a mutation, because it did not run', async () => {
    answering = (response, n, request) =>
      n === 1 ? json(response, 429, limited, { 'retry-after': '1' }) : good(response, n, request);
    expect(await clientFor().request(WRITE)).toEqual({ a: 1 });
    expect(asked).toBe(2);
  });

  it('fails after maxRetries', async () => {
    answering = (response) => json(response, 429, limited, { 'retry-after': '1', 'x-request-id': 'r1' });
    const error = await failure(clientFor({ maxRetries: 1 }).request(READ));
    expect(error).toBeInstanceOf(RateLimited);
    expect(error).toMatchObject({ code: 'RATE_LIMITED', status: 429, retryAfter: 1, requestId: 'r1' });
    expect(asked).toBe(2);
  });

  it.each([['3600'], [undefined]])('does not retry with Retry-After: %s', async (asks) => {
    answering = (response) => json(response, 429, {}, asks === undefined ? {} : { 'retry-after': asks });
    expect(await failure(clientFor().request(READ))).toBeInstanceOf(RateLimited);
    expect(asked).toBe(1);
  });

  it('stops waiting when it is aborted', async () => {
    answering = (response) => json(response, 429, limited, { 'retry-after': '60' });
    const abort = new AbortController();
    const reason = new Error('no longer wanted');
    const answer = clientFor().request(READ, {}, { signal: abort.signal });
    while (asked === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    abort.abort(reason);
    await expect(answer).rejects.toBe(reason);
  });

  it('at least doubles the wait each time, up to a minute, and never waits less than Retry-After', () => {
    const waits = [0, 1, 2, 3, 4, 5, 6, 7].map((refusals) => afterLimit(1, refusals, LONGEST_WAIT, () => 0));
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map((s) => s * 1000));
    fc.assert(
      fc.property(fc.nat(60), fc.nat(2_000), fc.nat(60), (ask, refusals, longest) => {
        const wait = afterLimit(ask, refusals, longest * 1000);
        expect(wait).toBeGreaterThanOrEqual(ask * 1000);
        expect(wait).toBeLessThanOrEqual(Math.max(ask, longest) * 1000);
      }),
    );
  });

  it('U4: does not double a long wait, and adds jitter', () => {
    // Almost a minute until the window has room, then a second at a time.
    expect(afterLimit(50, 0)).toBe(50_000);
    expect(afterLimit(1, 1, LONGEST_WAIT, () => 0)).toBe(2_000);
    expect(afterLimit(1, 1, LONGEST_WAIT, () => 0.5)).toBe(2_500);
    expect(afterLimit(61, 0)).toBeNull();
  });

  it('doubles the wait with random jitter, up to a minute', () => {
    fc.assert(
      fc.property(fc.nat(2_000), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
        const most = Math.min(LONGEST_WAIT, 500 * 2 ** Math.min(failures, 30));
        const wait = backoff(failures, 500, () => random);
        expect(wait >= most / 2 && wait <= most).toBe(true);
      }),
    );
  });
});

describe('Retry-After', () => {
  const at = (value: string, date?: string) =>
    retryAfterSeconds(new Headers({ 'retry-after': value, ...(date !== undefined && { date }) }), Date.UTC(2026, 0, 1));
  it.each([
    ['12', undefined, 12],
    ['0', undefined, 0],
    ['Thu, 01 Jan 2026 00:00:30 GMT', undefined, 30],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 'Thu, 01 Jan 2026 00:00:20 GMT', 10],
    ['Thu, 01 Jan 2025 00:00:30 GMT', undefined, 0],
    ['5.5', undefined, null],
    ['-1', undefined, null],
    ['soon', undefined, null],
    ['', undefined, null],
    ['99999999999999999999', undefined, null],
  ])('%j, at %s', (value, date, seconds) => {
    expect(at(value, date)).toBe(seconds);
  });
});

describe('without a response', () => {
  it('retries a query, but not a mutation', async () => {
    answering = (response, n, request) => (n === 1 ? response.destroy() : good(response, n, request));
    expect(await clientFor().request(READ)).toEqual({ a: 1 });
    expect(asked).toBe(2);
    asked = 0;
    const error = await failure(clientFor().request(WRITE));
    expect(error).toBeInstanceOf(Unavailable);
    expect(error).toMatchObject({ code: 'UNREACHABLE', status: 0 });
    expect(asked).toBe(1);
  });

  it('retries a query after 503, but not a mutation', async () => {
    const away = refusal('UNAVAILABLE', { retryAfter: 1 });
    answering = (response, n, request) =>
      n === 1 ? json(response, 503, away, { 'retry-after': '0' }) : good(response, n, request);
    expect(await clientFor().request(READ)).toEqual({ a: 1 });
    asked = 0;
    expect(await failure(clientFor().request(WRITE))).toMatchObject({
      name: 'Unavailable',
      status: 503,
      retryAfter: 1,
    });
    expect(asked).toBe(1);
  });

  it('times out, even in the middle of a response', async () => {
    answering = (response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{"da');
    expect(await failure(clientFor({ timeout: 50, maxRetries: 0 }).request(READ))).toMatchObject({ code: 'TIMEOUT' });
  });

  it('does not follow a redirect, which could send the key elsewhere', async () => {
    answering = (response) => void response.writeHead(307, { location: `${url}/elsewhere` }).end();
    expect(await failure(clientFor({ maxRetries: 0 }).request(READ))).toMatchObject({ name: 'Unavailable' });
    expect(asked).toBe(1);
  });
});

describe('a response that is not from the API', () => {
  it.each([
    [200, 'hello', 'UNREADABLE'],
    [200, '[]', 'UNREADABLE'],
    [200, '{"data":1}', 'UNREADABLE'],
    [200, '{"data":[]}', 'UNREADABLE'],
    [200, '{"data":null}', 'UNREADABLE'],
    [404, '<html>', 'NOT_FOUND'],
    [400, 'null', 'BAD_REQUEST'],
    [500, '{"errors":"x"}', 'INTERNAL_SERVER_ERROR'],
    [401, '', 'UNAUTHENTICATED'],
  ])('%i %j is mapped to an error by its status', async (status, text, code) => {
    answering = (response) => void response.writeHead(status).end(text);
    expect(await failure(clientFor().request(READ))).toMatchObject({ code, status });
    expect(asked).toBe(1);
  });
});

describe('A7: JSON that nests too deep', () => {
  const nested = (levels: number) => `${'['.repeat(levels)}"[[\\"[["${']'.repeat(levels)}`;

  it('is not parsed', async () => {
    const parse = jest.spyOn(JSON, 'parse');
    try {
      answering = (response) => void response.writeHead(200).end(`{"data":{"a":${nested(200)}}}`);
      expect(await failure(clientFor().request(READ))).toMatchObject({ code: 'UNREADABLE' });
      expect(parse).not.toHaveBeenCalled();
    } finally {
      parse.mockRestore();
    }
  });

  it('is found without counting brackets in strings', async () => {
    const text = '['.repeat(500) + '\\"';
    const data = { a: text, [text]: JSON.parse(nested(198)) as unknown };
    answering = (response) => json(response, 200, { data });
    expect(await clientFor().request(READ)).toEqual(data);
  });
});

describe('the key', () => {
  it('is read before each request, and is only in its header', async () => {
    const seen: unknown[] = [];
    answering = (response, n, request) => {
      seen.push([request.headers.authorization, request.url]);
      good(response, n, request);
    };
    let n = 0;
    const client = clientFor({ apiKey: () => `key_${(n += 1)}` });
    await client.request(READ);
    await client.request(READ);
    expect(seen).toEqual([1, 2].map((i) => [`Bearer key_${i}`, '/graphql']));
    await clientFor({ apiKey: null }).request(READ);
    expect(seen[2]).toEqual([undefined, '/graphql']);
  });

  it('is not sent to another address', async () => {
    answering = good;
    const elsewhere = createFetch({ url, apiKey: KEY });
    await expect(elsewhere(url.replace('/graphql', '/other'))).rejects.toThrow(TypeError);
    await expect(elsewhere(new Request(url.replace('127.0.0.1', 'localhost')))).rejects.toThrow(TypeError);
    expect(asked).toBe(0);
    expect((await elsewhere(new Request(url, { method: 'POST', body: JSON.stringify({ query: READ }) }))).status).toBe(
      200,
    );
  });

  it.each(['', 'two words', 'line\nbreak', 'ключ', 'x'.repeat(9_000)])(
    'is rejected if a header cannot contain it',
    (apiKey) => {
      let message = '';
      try {
        createClient({ url, apiKey });
      } catch (error) {
        message = (error as Error).message;
      }
      expect(message).toMatch(/^createClient: apiKey is empty or has/);
      expect(apiKey !== '' && message.includes(apiKey)).toBe(false);
    },
  );
});

describe('options', () => {
  it.each([
    [{ url: 'ftp://x' }, 'url is not an absolute HTTP URL'],
    [{ url: '/graphql' }, 'url is not an absolute HTTP URL'],
    [{ url: 'https://a:b@x/graphql' }, 'url must not have a user name'],
    [{ url: 'https://x/graphql?api_key=k' }, 'url must not have a user name'],
    [{ maxRetries: -1 }, 'maxRetries is'],
    [{ maxRetries: 1.5 }, 'maxRetries is'],
    [{ timeout: 0 }, 'timeout is'],
    [{ timeout: NaN }, 'timeout is'],
    [{ pacing: 'yes' as never }, 'pacing is'],
    [{ headers: { Authorization: 'x' } }, 'headers["Authorization"] is not allowed. Pass the key as apiKey.'],
  ])('rejects %j with the allowed value', (options, message) => {
    expect(() => createClient({ url, apiKey: KEY, ...options })).toThrow(message);
  });

  it('are read from the environment, and an error says how to set them', () => {
    const before = { ...process.env };
    try {
      delete process.env.LATCHKEY_URL;
      delete process.env.LATCHKEY_API_KEY;
      expect(() => createClient()).toThrow('set LATCHKEY_URL');
      process.env.LATCHKEY_URL = url;
      process.env.LATCHKEY_API_KEY = '';
      expect(() => createClient()).toThrow('set LATCHKEY_API_KEY');
      process.env.LATCHKEY_API_KEY = KEY;
      expect(() => createClient()).not.toThrow();
    } finally {
      process.env = before;
    }
  });
});
