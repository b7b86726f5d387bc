import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { authenticated, type AuthenticatedPrincipal } from '../../../src/core/auth/principal.js';
import { EventStream } from '../../../src/server/http/eventStream.js';
import { Limiter } from '../../../src/core/limits/limiter.js';
import { tierTable } from '../../../src/core/limits/tierTable.js';
import { TIER_LIMITS } from '../../../src/core/limits/tiers.js';
import { Refusal } from '../../../src/core/errors/refusal.js';
import { ASSET_EVENTS } from '../../../src/demo/assets/assetEvents.js';
import { Message } from '../../../src/server/streams/message.js';
import { EventKinds } from '../../../src/server/streams/streamEvent.js';
import { EventBus } from '../../../src/server/streams/bus.js';
import { EventMeter } from '../../../src/core/streams/eventMeter.js';
import { OpenStreams } from '../../../src/core/streams/openStreams.js';
import { Stream } from '../../../src/core/streams/stream.js';
import { Subscription } from '../../../src/core/streams/subscription.js';
import { until } from '../../support/until.js';

const holder = (familyId: string): AuthenticatedPrincipal =>
  authenticated({
    kind: 'key',
    keyId: familyId,
    familyId,
    workspaceId: 'ws',
    projectId: null,
    userId: null,
    tier: 'STARTER',
    keyType: 'SECRET',
    scopes: [],
  });

const codeOf = (place: Promise<unknown>): Promise<unknown> =>
  place.then(
    () => null,
    (error: unknown) => (error instanceof Refusal ? error.details : error),
  );

describe('places', () => {
  it('are limited by the tier for a family, and by the process for all', async () => {
    const streams = new OpenStreams({ tiers: TIER_LIMITS, max: 3 });
    const first = await streams.take(holder('a'));
    await streams.take(holder('a'));
    expect(await codeOf(streams.take(holder('a')))).toEqual({ code: 'TOO_MANY_STREAMS', limit: 2 });
    await streams.take(holder('b'));
    expect(await codeOf(streams.take(holder('c')))).toMatchObject({ code: 'UNAVAILABLE' });
    first.giveBack();
    first.giveBack();
    expect(streams.size).toBe(2);
    await streams.take(holder('a'));
    expect(streams.size).toBe(3);
  });

  it('are taken before the stream opens, and free again if it does not open', async () => {
    const answers: { yes(taken: boolean): void; no(error: Error): void }[] = [];
    const places = {
      take: () => new Promise<boolean>((yes, no) => void answers.push({ yes, no })),
      giveBack: () => undefined,
    };
    const streams = new OpenStreams({ tiers: TIER_LIMITS, max: 2, places });
    const asked = [streams.take(holder('a')), streams.take(holder('a'))];
    expect(await codeOf(streams.take(holder('b')))).toMatchObject({ code: 'UNAVAILABLE' });
    answers[0]?.yes(false);
    answers[1]?.no(new Error('Nobody answers.'));
    expect(await Promise.all(asked.map(codeOf))).toEqual([{ code: 'TOO_MANY_STREAMS', limit: 2 }, expect.any(Error)]);
    expect(streams.size).toBe(0);
  });
});

/** Opens a stream to a separate reader, over a real connection. */
interface Open {
  readonly bus: EventBus;
  readonly streams: OpenStreams;
  readonly response: IncomingMessage;
  readonly judged: () => number;
  /** From now on its key is refused. */
  readonly refuse: () => void;
}

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

/** Limits that admit everything. */
const limitless = new Limiter({ tiers: tierTable({ STARTER: { rate: 1_000_000, burst: 1_000_000 } }) });
afterAll(() => limitless.close());

async function open(answer: (event: unknown) => object, beatEvery = 60_000): Promise<Open> {
  const bus = new EventBus(new EventKinds(ASSET_EVENTS));
  const streams = new OpenStreams({ tiers: TIER_LIMITS, max: 10, beatEvery });
  let judged = 0;
  let refused = false;
  const server = createServer((_request, response) => {
    const { credential } = streams.credentials.watch('a', holder('a'), () => {
      judged += 1;
      if (refused) throw new Refusal('It is over.', { code: 'UNAUTHENTICATED', reason: 'revoked' });
      return { principal: holder('a'), lookupId: 'a', countsFor: 0, expiresAt: null };
    });
    const stream = new Stream({
      sink: new EventStream(response, { headers: {}, workspaceId: 'ws', waiting: streams.bytes }),
      credential,
      check: () => undefined,
      tell: (error) => ({ errors: [{ extensions: (error as Refusal).details }] }),
    });
    const subscription = new Subscription({
      source: bus.listen('asset p'),
      meter: new EventMeter({
        limits: limitless,
        cost: 1,
        category: 'read',
        admitted: () => undefined,
        refused: () => undefined,
      }),
      turns: streams.turns,
      bytes: streams.bytes,
      messageOf: (result) => Message.next(result),
      bytesOf: streams.bytesOf,
      answer,
      onEnd: () => undefined,
    });
    response.once('close', () => stream.end());
    void streams.take(holder('a')).then((place) => {
      place.keep(stream);
      subscription.join(stream);
      return credential.settle();
    });
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const [response] = (await once(
    get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false }),
    'response',
  )) as [IncomingMessage];
  return { bus, streams, response: response.setEncoding('utf8'), judged: () => judged, refuse: () => (refused = true) };
}

const event = (name: string) => ({ kind: 'asset', projectId: 'p', name }) as const;

test('sends no event to a key that is now refused', async () => {
  const { bus, streams, response, refuse } = await open((told) => ({ data: told }));
  let text = '';
  response.on('data', (chunk: string) => (text += chunk));
  bus.publish(event('before'));
  await until(() => text.includes('before'));
  refuse();
  bus.publish(event('after'));
  await once(response, 'end');
  expect(text).not.toContain('after');
  expect(text.endsWith('"reason":"revoked"}}]}\n\nevent: complete\ndata:\n\n')).toBe(true);
  expect(streams.size).toBe(0);
});

test('checks the credential of an idle stream, and sends keep-alives', async () => {
  const { response, judged, refuse } = await open(() => ({}), 10);
  let text = '';
  response.on('data', (chunk: string) => (text += chunk));
  await until(() => judged() >= 2 && text.startsWith(':\n\n:\n\n:\n\n'));
  refuse();
  await once(response, 'end');
  expect(text).toContain('"code":"UNAUTHENTICATED"');
});

test('ends the stream of a slow reader with an error, and limits its waiting data', async () => {
  const large = 'x'.repeat(200_000);
  let answered = 0;
  const { bus, streams, response } = await open(() => ({ data: { large, answered: (answered += 1) } }));
  // It reads nothing.
  response.pause();
  for (let sent = 0; streams.size > 0 && sent < 10_000; sent += 1) {
    bus.publish(event('e'));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(streams.size).toBe(0);
  let tail = '';
  response.on('data', (chunk: string) => (tail = (tail + chunk).slice(-300))).resume();
  await once(response, 'end');
  expect(tail).toContain('{"code":"STREAM_OVERFLOW","events":100}');
  expect(tail.endsWith('event: complete\ndata:\n\n')).toBe(true);
});

test('a close ends all streams with a last message, and ends new ones immediately', async () => {
  const { streams, response } = await open(() => ({}));
  let text = '';
  response.on('data', (chunk: string) => (text += chunk));
  await until(() => streams.size === 1);
  streams.close();
  await once(response, 'end');
  expect(text).toContain('"code":"UNAVAILABLE"');
  expect(streams.size).toBe(0);
});
