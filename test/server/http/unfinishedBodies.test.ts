import { IncomingMessage, ServerResponse } from 'node:http';
import { connect, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import Fastify, { type FastifyInstance } from 'fastify';
import { countBodies } from '../../../src/server/http/countBodies.js';
import { answerFaults, refuseUnknownRoutes } from '../../../src/server/http/faults.js';
import { UnfinishedBodies } from '../../../src/server/http/unfinishedBodies.js';
import { tierTable } from '../../../src/core/limits/tierTable.js';
import { ANONYMOUS, type Principal } from '../../../src/core/auth/principal.js';
import { createKey, startService, type Answer, type TestService } from '../../support/service.js';
import { until } from '../../support/until.js';

/** Bodies that never end: each is counted until it is complete, and ends when it takes too long. */

interface Sending {
  readonly socket: Socket;
  /** The responses until now. */
  readonly text: () => string;
  readonly isClosed: () => boolean;
}

interface Body {
  readonly body: string;
  /** Content-Length; null: chunked. */
  readonly length: number | null;
}

function post(origin: string, path: string, fields: readonly string[], { body, length }: Body): Sending {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1');
  let [text, closed] = ['', false];
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  socket.on('close', () => (closed = true));
  const size = length === null ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`;
  const more = ['Host: x', 'Content-Type: application/json', 'Accept: application/json, text/event-stream', size];
  const head = [`POST ${path} HTTP/1.1`, ...fields, ...more].join('\r\n');
  socket.write(`${head}\r\n\r\n${length === null ? `${body.length.toString(16)}\r\n${body}\r\n` : body}`);
  return { socket, text: () => text, isClosed: () => closed };
}

const statusOf = ({ text }: Sending): number => Number(/^HTTP\/1\.1 (\d{3}) /.exec(text())?.[1] ?? 0);
const isAnswered = (sending: Sending): boolean => statusOf(sending) !== 0;
const bearer = (token: string): string => `Authorization: Bearer ${token}`;

const QUERY = '{"query":"{ viewer { scopes } }"}';
/** It needs no key. */
const ANYBODYS = '{"query":"{ __typename }"}';
const LIST = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
const PATHS: readonly (readonly [string, string])[] = [
  ['/graphql', QUERY],
  ['/graphql/stream', QUERY],
  ['/mcp', LIST],
];

describe('in the service', () => {
  let service: TestService;
  const tiers = tierTable({ FREE_TRIAL: { keys: 100, rate: 1e6, burst: 12 }, ANONYMOUS: { rate: 1e6, burst: 9 } });
  beforeAll(async () => void (service = await startService({ env: { DEFAULT_TIER: 'FREE_TRIAL' }, tiers })));
  afterAll(() => service.close());

  /** Returns whether a request was refused because of unfinished bodies, and not because of the requests of the last second. */
  const isFull = ({ status, text }: Answer): boolean =>
    status === 429 && text.includes('Too many requests are waiting for their bodies');

  async function aKnownKey(): Promise<string> {
    const { token } = await createKey(service, { scopes: ['read:assets'] });
    expect((await service.query('{ viewer { scopes } }', { token })).status).toBe(200);
    return token;
  }

  it.each(PATHS)('R5: %s reads at most as many unfinished bodies of a key as its burst', async (path, body) => {
    const [token, other] = [await aKnownKey(), await aKnownKey()];
    const all = Array.from({ length: 30 }, () =>
      post(service.origin, path, [bearer(token)], { body: '{"query":"', length: 200_000 }),
    );
    await until(() => all.filter(isAnswered).length === 18);
    const refused = all.filter(isAnswered);
    expect(refused.map(statusOf)).toEqual(refused.map(() => 429));
    expect(refused[0]?.text()).toMatch(
      /Too many requests are waiting for their bodies: at most 12 at once.*RATE_LIMITED/,
    );
    expect(refused[0]?.text()).toMatch(/connection: close/i);
    await until(() => refused.every(({ isClosed }) => isClosed()));
    // The key's own whole requests are refused as well, and another key's are not.
    const own = post(service.origin, path, [bearer(token)], { body, length: body.length });
    const others = post(service.origin, path, [bearer(other)], { body, length: body.length });
    await until(() => isAnswered(own) && isAnswered(others));
    expect([statusOf(own), statusOf(others)]).toEqual([429, path === '/graphql/stream' ? 400 : 200]);
    own.socket.destroy();
    others.socket.destroy();
    // Given back with the connections.
    for (const { socket } of all) socket.destroy();
    await until(async () => (await service.query('{ viewer { scopes } }', { token })).status === 200, { every: 200 });
  });

  it('R5: all routes count together, and chunked bodies too', async () => {
    const token = await aKnownKey();
    const all = Array.from({ length: 12 }, (_, i) =>
      post(service.origin, PATHS[i % 3]?.[0] ?? '', [bearer(token)], { body: '{', length: i < 6 ? 100 : null }),
    );
    // An unknown document each time: a known one whose body has arrived is not counted.
    let spaces = 1;
    const ask = () => service.query(`{ viewer { scopes } }${' '.repeat((spaces += 1))}`, { token });
    await until(async () => isFull(await ask()), { every: 200 });
    expect(all.some(isAnswered)).toBe(false);
    // One that completes makes room for one.
    all[0]?.socket.write(QUERY.slice(1).padEnd(99));
    await until(() => all[0] !== undefined && statusOf(all[0]) === 200);
    expect((await ask()).status).toBe(200);
    for (const { socket } of all) socket.destroy();
  });

  it('R5: bodies without a key count by network', async () => {
    const token = await aKnownKey();
    const unfinished = () => post(service.origin, '/graphql', [], { body: '{', length: ANYBODYS.length });
    const all = Array.from({ length: 9 }, unfinished);
    // In the first second, they also use up the burst of the network.
    await until(
      async () => {
        const next = unfinished();
        await until(() => isAnswered(next));
        next.socket.destroy();
        return next.text().includes('at most 9 at once');
      },
      { every: 200 },
    );
    expect(all.some(isAnswered)).toBe(false);
    expect((await service.query('{ viewer { scopes } }', { token })).status).toBe(200);
    for (const { socket } of all) socket.destroy();
    await until(
      async () => {
        const again = unfinished();
        await delay(20);
        again.socket.write(ANYBODYS.slice(1));
        await until(() => isAnswered(again));
        again.socket.destroy();
        return statusOf(again) === 200;
      },
      { every: 200 },
    );
  });

  it('R5: many small requests at once do not wait', async () => {
    const token = await aKnownKey();
    const all = await Promise.all(Array.from({ length: 11 }, () => service.query('{ viewer { scopes } }', { token })));
    expect(all.map(({ status }) => status)).toEqual(all.map(() => 200));
  });

  it('R1: a body that is not complete after 10 s gets 408, on every route, compressed or not', async () => {
    const token = await aKnownKey();
    const fast = post(service.origin, '/graphql', [bearer(token)], { body: '{', length: QUERY.length });
    const slow = [
      ...PATHS.map(([path]) => post(service.origin, path, [bearer(token)], { body: '{', length: 1000 })),
      post(service.origin, '/graphql', [bearer(token), 'Content-Encoding: gzip'], { body: '{', length: 1000 }),
      post(service.origin, '/graphql', [bearer(token)], { body: '{', length: null }),
      post(service.origin, '/graphql', [], { body: '{', length: 1000 }),
    ];
    // A sender of single bytes gets no more time.
    const drip = setInterval(() => slow[0]?.socket.write(' '), 300);
    setTimeout(() => fast.socket.write(QUERY.slice(1)), 3_000);
    await until(() => slow.every(({ isClosed }) => isClosed()));
    clearInterval(drip);
    expect(slow.map(statusOf)).toEqual(slow.map(() => 408));
    expect(slow[0]?.text()).toContain('The body did not arrive within 10 s.');
    expect(statusOf(fast)).toBe(200);
    fast.socket.destroy();
    expect((await service.query('{ viewer { scopes } }', { token })).status).toBe(200);
  });
});

describe('in memory', () => {
  const KB = 1024;
  let [app, origin, reached] = [null as FastifyInstance | null, '', 0];
  const bodies = new UnfinishedBodies({ maxBytes: 1_000 * KB, time: 60_000 });

  beforeAll(async () => {
    app = Fastify();
    app.decorateRequest('principal');
    app.decorateRequest('caller');
    app.decorateRequest('outcome');
    app.addHook('onRequest', (request, _reply, done) => {
      request.principal = { ...ANONYMOUS, network: String(request.headers['x-network']) } as Principal;
      request.outcome = { word: 'ok', operation: null, operationName: null, begunAfter: null, isJudged: false };
      done();
    });
    countBodies(app, { limiter: { tiers: tierTable() }, verdicts: { refused: () => undefined }, bodies });
    answerFaults(app, { api: '/graphql', resourceMetadata: () => null });
    refuseUnknownRoutes(app, '/graphql');
    app.post('/', () => ({ reached: ++reached }));
    origin = await app.listen({ port: 0, host: '127.0.0.1' });
  });
  afterAll(() => app?.close());

  const send = (network: string, length = 200 * KB): Sending =>
    post(origin, '/', [`X-Network: ${network}`], { body: '{', length });

  it('R4: the bytes of unfinished bodies are limited, and the largest senders lose theirs', async () => {
    const greedy = [send('a'), send('a'), send('a'), send('a')];
    await until(() => bodies.size === 4);
    // More bodies are refused, and none of their bytes are kept.
    const more = send('a');
    await until(() => more.isClosed());
    expect([statusOf(more), bodies.size, bodies.bytes]).toEqual([503, 4, 4 * 216 * KB]);
    expect(more.text()).toMatch(/retry-after: 1/i);
    // A request of another sender ends the oldest body.
    const whole = send('b', 200 * KB);
    await until(() => greedy.some(({ isClosed }) => isClosed()));
    expect(greedy.map(statusOf)).toEqual([503, 0, 0, 0]);
    expect(bodies.bytes).toBeLessThanOrEqual(1_000 * KB);
    expect(reached).toBe(0);
    whole.socket.write('}'.padStart(200 * KB - 1));
    await until(() => isAnswered(whole));
    expect([statusOf(whole), reached]).toEqual([200, 1]);
    for (const { socket } of [...greedy, whole]) socket.destroy();
    await until(() => bodies.size === 0);
    expect(bodies.bytes).toBe(0);
  });

  it('R4: broken, oversized and unread bodies are freed too', async () => {
    const all = [
      post(origin, '/', ['X-Network: c'], { body: '{]', length: 2 }),
      post(origin, '/', ['X-Network: c'], { body: '{', length: 10_000_000 }),
      post(origin, '/nowhere', ['X-Network: c'], { body: '{', length: 1_000 }),
      post(origin, '/', ['X-Network: c', 'Content-Type: text/x'], { body: '{', length: 1_000 }),
    ];
    await until(() => all.every(isAnswered));
    expect(all.map(statusOf)).toEqual([400, 413, 404, 415]);
    for (const { socket } of all) socket.destroy();
    await until(() => bodies.size === 0);
    expect(bodies.bytes).toBe(0);
  });
});

test('R4: with many bodies, the oldest bodies of the largest group make room, and the sums stay correct', () => {
  const bodies = new UnfinishedBodies({ maxBytes: 4_096 * 17_408, time: 60_000 });
  const ended: string[] = [];
  const unused = new Socket();
  const take = (group: string, bytes = 1_024): IncomingMessage => {
    const request = new IncomingMessage(unused);
    const sender = { id: group, group, most: 10_000 };
    const body = { sender, request, response: new ServerResponse(request), bytes, refuse: () => ended.push(group) };
    if (bodies.take(body) !== null) throw new Error('The body was refused.');
    return request;
  };
  const requests = Array.from({ length: 4_096 }, (_, i) => take(i % 2 === 0 ? 'large' : `small ${i}`));
  expect([bodies.size, bodies.bytes]).toEqual([4_096, 4_096 * 17_408]);
  for (let i = 0; i < 1_000; i += 1) take(`new ${i}`);
  expect(ended).toEqual(Array.from({ length: 1_000 }, () => 'large'));
  expect([bodies.size, bodies.bytes]).toEqual([4_096, 4_096 * 17_408]);
  // The oldest 1,000 of the large group are gone already.
  for (const request of requests) request.emit('end');
  expect([bodies.size, bodies.bytes]).toEqual([1_000, 1_000 * 17_408]);
});
