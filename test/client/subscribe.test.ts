import fc from 'fast-check';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient, LimitReached, Unauthenticated, Unavailable, type Client } from '../../src/client/index.js';
import { messagesOf, type Message } from '../../src/client/eventMessages.js';
import { act } from '../e2e/operations.js';
import { parseExposition } from '../server/metrics/exposition.js';
import { createKey, startService, type TestService } from '../support/service.js';
import { until } from '../support/until.js';

const CHANGED = 'subscription { assetChanged { name } }';

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

describe('on the service', () => {
  let latchkey: TestService;
  beforeAll(async () => void (latchkey = await startService({ env: { DEFAULT_TIER: 'GROWTH' } })));
  afterAll(() => latchkey.close());

  const clientFor = (apiKey: string, more: object = {}): Client =>
    createClient({ url: latchkey.url, apiKey, maxRetries: 0, ...more });
  const register = (name: string) => latchkey.query(`mutation { registerAsset(input: { name: "${name}" }) { name } }`);
  const open = async (): Promise<number> =>
    parseExposition(await latchkey.service.metrics.text()).value('latchkey_streams_open');

  it('yields each event, and closes the connection when the loop is left', async () => {
    const { token } = await createKey(latchkey);
    let hasResponded = false;
    const noting: typeof fetch = async (...request) => {
      const response = await fetch(...request);
      hasResponded = true;
      return response;
    };
    const results = clientFor(token, { fetch: noting }).subscribe(CHANGED);
    const first = results.next();
    // Until then, events are lost. A stream already counts as open before.
    await until(() => hasResponded);
    await register('one');
    await register('two');
    expect(await first).toEqual({ done: false, value: { assetChanged: { name: 'one' } } });
    expect((await results.next()).value).toEqual({ assetChanged: { name: 'two' } });
    const pending = results.next();
    await results.return?.();
    expect(await pending).toEqual({ done: true, value: undefined });
    await until(async () => (await open()) === 0);
  });

  it('ends when the client is closed', async () => {
    const { token } = await createKey(latchkey);
    const client = clientFor(token);
    const next = client.subscribe(CHANGED).next();
    await until(async () => (await open()) === 1);
    await client.close();
    expect(await next).toEqual({ done: true, value: undefined });
    await until(async () => (await open()) === 0);
  });

  it('rejects with the reason of the signal', async () => {
    const { token } = await createKey(latchkey);
    const abort = new AbortController();
    const reason = new Error('no longer wanted');
    const next = failure(clientFor(token).subscribe(CHANGED, {}, { signal: abort.signal }).next());
    await until(async () => (await open()) === 1);
    abort.abort(reason);
    expect(await next).toBe(reason);
  });

  it('rejects like a request', async () => {
    const { token } = await createKey(latchkey, { scopes: ['write:assets'] });
    const failed = (client: Client, document = CHANGED) => failure(client.subscribe(document).next());
    expect(await failed(clientFor(token))).toMatchObject({ name: 'Forbidden', missing: ['read:assets'], status: 403 });
    expect(await failed(clientFor(latchkey.adminToken), 'subscription { nothing }')).toMatchObject({ name: 'Invalid' });
    expect(await failed(clientFor(latchkey.adminToken), '{ viewer { scopes } }')).toMatchObject({ name: 'Invalid' });
  });

  it('ends when the key is revoked, and does not reconnect', async () => {
    const { token, id } = await createKey(latchkey);
    const results = createClient({ url: latchkey.url, apiKey: token }).subscribe(CHANGED);
    const next = failure(results.next());
    await until(async () => (await open()) === 1);
    await act(latchkey, 'revokeApiKey', { id });
    const error = await next;
    expect(error).toBeInstanceOf(Unauthenticated);
    expect(error).toMatchObject({ reason: 'revoked' });
    expect(await results.next()).toEqual({ done: true, value: undefined });
  });

  it("rejects if the tier's number of streams is reached", async () => {
    const { token } = await createKey(latchkey);
    const client = clientFor(token);
    const nexts = Array.from({ length: 10 }, () => client.subscribe(CHANGED).next());
    await until(async () => (await open()) === 10);
    const error = await failure(client.subscribe(CHANGED).next());
    expect(error).toBeInstanceOf(LimitReached);
    expect(error).toMatchObject({ code: 'TOO_MANY_STREAMS', limit: 10, status: 429 });
    await client.close();
    await Promise.all(nexts);
  });
});

describe('when the connection is lost', () => {
  let server: Server;
  let url: string;
  let answering: (response: ServerResponse, n: number) => void;
  let asked = 0;
  beforeAll(async () => {
    server = createServer((request, response) => {
      request.resume().on('end', () => answering(response, (asked += 1)));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  });
  beforeEach(() => void (asked = 0));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const begin = (response: ServerResponse): ServerResponse =>
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  const next = (data: object): string => `event: next\ndata: ${JSON.stringify(data)}\n\n`;
  const COMPLETE = 'event: complete\ndata:\n\n';

  it('reconnects, and calls onReconnect', async () => {
    answering = (response, n) => {
      begin(response).write(next({ data: { n } }));
      if (n === 3) response.end(COMPLETE);
      // A server that shuts down, then one that is killed.
      else if (n === 2) {
        const errors = [{ message: 'stopping', extensions: { code: 'UNAVAILABLE', retryAfter: 0 } }];
        response.end(next({ errors }) + COMPLETE);
      } else setImmediate(() => response.destroy());
    };
    const causes: string[] = [];
    const onReconnect = ({ code }: { code: string }): void => void causes.push(code);
    const seen: unknown[] = [];
    const client = createClient({ url, apiKey: null });
    for await (const data of client.subscribe<unknown>(CHANGED, {}, { onReconnect })) seen.push(data);
    expect(seen).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect(causes).toEqual(['UNREACHABLE', 'UNAVAILABLE']);
  });

  it('fails after maxRetries attempts in a row', async () => {
    answering = (response) => void response.writeHead(503).end();
    const error = await failure(createClient({ url, apiKey: null, maxRetries: 1 }).subscribe(CHANGED).next());
    expect(error).toBeInstanceOf(Unavailable);
    expect(asked).toBe(2);
  });

  it('does not reconnect after a final error', async () => {
    answering = (response) => void begin(response).end(COMPLETE);
    expect((await createClient({ url, apiKey: null }).subscribe(CHANGED).next()).done).toBe(true);
    expect(asked).toBe(1);
  });

  it('stops reconnecting when the reader stops', async () => {
    answering = (response) => void response.writeHead(503, { 'retry-after': '60' }).end();
    const results = createClient({ url, apiKey: null, maxRetries: Infinity }).subscribe(CHANGED);
    const pending = results.next();
    await until(() => asked === 1);
    await results.return?.();
    expect((await pending).done).toBe(true);
  });
});

describe('messagesOf', () => {
  const read = async (chunks: readonly Uint8Array[], silence = 1_000): Promise<Message[]> => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk);
        controller.close();
      },
    });
    const messages: Message[] = [];
    for await (const message of messagesOf(body, silence)) messages.push(message);
    return messages;
  };

  it('parses messages regardless of how bytes are split and lines end', async () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n\uFEFF]/g, ''));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ event: fc.constantFrom('next', 'complete'), lines: fc.array(line, { minLength: 1 }) })),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        async (messages, end, cuts) => {
          const text = messages
            .map(({ event, lines }) =>
              [':', `event: ${event}`, ...lines.map((each) => `data: ${each}`), '', ''].join(end),
            )
            .join('');
          const bytes = new TextEncoder().encode(`${text}${end}`);
          const chunks: Uint8Array[] = [];
          for (let at = 0, i = 0; at < bytes.length; i += 1) {
            const size = cuts[i % cuts.length] ?? 1;
            chunks.push(bytes.slice(at, at + size));
            at += size;
          }
          // The last line break may be split between two chunks, and is only complete with the next byte.
          const expected = messages.map(({ event, lines }) => ({ event, data: lines.join('\n') }));
          expect(await read([...chunks, new TextEncoder().encode(':')])).toEqual(expected);
        },
      ),
    );
  });

  it('fails if no data arrives', async () => {
    const messages = messagesOf(new ReadableStream<Uint8Array>({}), 20);
    await expect(messages.next()).rejects.toMatchObject({ name: 'Unavailable', code: 'TIMEOUT' });
  });

  it('rejects a message that is too large', async () => {
    const megabyte = new TextEncoder().encode('x'.repeat(1024 * 1024));
    await expect(
      read([new TextEncoder().encode('data: '), ...Array.from({ length: 5 }, () => megabyte)]),
    ).rejects.toThrow('more than 4 MiB');
  });
});
