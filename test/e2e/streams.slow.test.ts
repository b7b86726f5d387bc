import type { FastifyInstance } from 'fastify';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { createServer } from '../../src/server/http/server.js';
import { tierTable } from '../../src/core/limits/tierTable.js';
import { UNOBSERVED } from '../../src/core/observer/observer.js';
import { readSettings } from '../../src/server/settings/settings.js';
import { OpenStreams } from '../../src/core/streams/openStreams.js';
import { EventQueue } from '../../src/core/streams/queue.js';
import { ownSchema } from '../bypass/own.js';
import { createKey, startService, type TestService } from '../support/service.js';
import { openStream } from '../support/streams.js';
import { until } from '../support/until.js';

const MAX_BYTES = 4 * 2 ** 20;

/** A server with a separate schema, whose events are as large and slow as a test needs. */
let service: TestService;
let server: FastifyInstance;
let origin: string;
let streams: OpenStreams;
let token: string;
const sources = new Set<EventQueue<object>>();

/** Turns of the event loop. */
let turns = 0;
/** The turn in which each execution of `slow` began. */
const executedIn: number[] = [];

beforeAll(async () => {
  // Nothing here should wait for the limits of a key.
  const tiers = tierTable({ ENTERPRISE: { rate: 1_000_000, burst: 1_000_000 } });
  service = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE' }, tiers });
  const { latchkey, store } = service.service;
  const field = (resolve: (event: { text: string; list: readonly string[] }) => unknown) => ({
    subscribe: () => {
      const queue: EventQueue<object> = new EventQueue<object>(() => sources.delete(queue));
      sources.add(queue);
      return queue;
    },
    resolve,
  });
  const schema = latchkey.guard(
    ownSchema(
      `type Query { open: Int @public }
       type Subscription {
         text(n: Int): String @auth(scope: "read:reports")
         list(n: Int): [String] @auth(scope: "read:reports")
         slow(n: Int): Int @auth(scope: "read:reports")
       }`,
      {
        Subscription: {
          text: field(({ text }) => text),
          list: field(({ list }) => list),
          slow: field(() => {
            executedIn.push(turns);
            const end = performance.now() + 6;
            while (performance.now() < end);
            return 1;
          }),
        },
      },
    ),
  );
  streams = new OpenStreams({ tiers: latchkey.limiter.tiers, max: 100, maxBytes: MAX_BYTES });
  server = await createServer({
    latchkey,
    schema,
    store,
    settings: readSettings({}),
    streams,
    logger: pino({ level: 'silent' }),
    observer: UNOBSERVED,
    scrape: null,
    tracing: null,
  });
  origin = await server.listen({ port: 0, host: '127.0.0.1' });
});
beforeEach(async () => {
  token = (await createKey(service, { scopes: ['read:reports'] })).token;
});
afterEach(() => {
  for (const close of opened.splice(0)) close();
});
afterAll(async () => {
  await server.close();
  await service.close();
});

const opened: (() => void)[] = [];

const emit = (event: object): void => {
  for (const source of [...sources]) source.push({ text: '', list: [], ...event });
};

/** Opens a stream and reads nothing from it. */
async function openUnread(query: string, variables: object): Promise<IncomingMessage> {
  const sent = request(`${origin}/graphql/stream`, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
    },
    agent: false,
  });
  sent.end(JSON.stringify({ query, variables }));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.pause().on('error', () => undefined);
  opened.push(() => response.destroy());
  return response;
}

test('R3: data waiting for slow readers is limited for the process: they lose their streams, a fast reader does not', async () => {
  const query = 'subscription ($n: Int) { text(n: $n) }';
  const unread = await Promise.all(Array.from({ length: 12 }, (_, n) => openUnread(query, { n })));
  const reading = await openStream(origin, query, {
    token: (await createKey(service, { scopes: ['read:reports'] })).token,
  });
  const open = streams.size;
  let sent = 0;
  while (streams.size === open && sent < 60) {
    sent += 1;
    emit({ text: 'x'.repeat(500_000) });
    await reading.first(sent);
  }
  expect(streams.size).toBeLessThan(open);
  expect(streams.bytes.held).toBeLessThanOrEqual(MAX_BYTES);
  expect(reading.over()).toBe(false);
  emit({ text: 'after' });
  expect((await reading.first(sent + 1)).at(-1)).toEqual({ data: { text: 'after' } });
  reading.close();
  for (const response of unread) response.destroy();
  await until(() => streams.size === 0 && streams.bytes.held === 0);
});

test('R3: a slow reader of a shared subscription learns why its stream ended', async () => {
  const query = 'subscription { text }';
  const reading = await openStream(origin, query, { token });
  const unread = await openUnread(query, {});
  let sent = 0;
  while (streams.size === 2 && sent < 80) {
    sent += 1;
    emit({ text: 'x'.repeat(500_000) });
    await reading.first(sent);
  }
  expect(streams.size).toBe(1);
  let tail = '';
  unread.setEncoding('utf8').on('data', (chunk: string) => (tail = (tail + chunk).slice(-400)));
  unread.resume();
  await once(unread, 'end');
  expect(tail).toContain(`"extensions":{"code":"STREAM_OVERFLOW","bytes":${MAX_BYTES}}`);
  expect(tail.endsWith('event: complete\ndata:\n\n')).toBe(true);
  expect(reading.over()).toBe(false);
  reading.close();
  await until(() => streams.size === 0);
});

test('R3: an event that is too large becomes ANSWER_TOO_LARGE, and the next one is normal', async () => {
  const text = await openStream(origin, 'subscription { text }', { token });
  const list = await openStream(origin, 'subscription { list }', { token });
  emit({ text: 'x'.repeat(2 ** 21), list: Array.from({ length: 12_000 }, () => 'x') });
  expect((await text.first(1))[0]).toEqual({
    errors: [expect.objectContaining({ extensions: { code: 'ANSWER_TOO_LARGE', limit: 2 ** 20, unit: 'bytes' } })],
  });
  const [tooLong] = await list.first(1);
  expect([tooLong.data, tooLong.errors[0].extensions]).toEqual([
    undefined,
    { code: 'ANSWER_TOO_LARGE', limit: 10_000, unit: 'fields' },
  ]);
  // Each event has a separate budget.
  emit({ text: 'small', list: Array.from({ length: 8_000 }, () => 'x') });
  emit({ text: 'small', list: Array.from({ length: 8_000 }, () => 'x') });
  expect((await text.first(3)).slice(1)).toEqual([{ data: { text: 'small' } }, { data: { text: 'small' } }]);
  expect((await list.first(3)).slice(1).map(({ data }) => data.list.length)).toEqual([8_000, 8_000]);
  text.close();
  list.close();
});

test('R3: the server processes requests between the executions of one event for ten subscriptions', async () => {
  const query = 'subscription ($n: Int) { slow(n: $n) }';
  const ten = await Promise.all(
    Array.from({ length: 10 }, (_, n) => openStream(origin, query, { token, variables: { n } })),
  );
  executedIn.length = 0;
  const counter = { isOn: true };
  const counting = (async () => {
    for (; counter.isOn; turns += 1) await turn();
  })();
  emit({});
  await Promise.all(ten.map((stream) => stream.first(1)));
  counter.isOn = false;
  await counting;
  expect(executedIn).toHaveLength(10);
  expect(new Set(executedIn).size).toBe(10);
  for (const stream of ten) stream.close();
});
