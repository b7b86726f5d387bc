import { Pacer } from '../../src/client/pacer.js';
import type { Operation } from '../../src/client/operation.js';

const QUERY: Operation = { type: 'query', cost: 1, kind: 'query a' };
const SUBSCRIPTION: Operation = { type: 'subscription', cost: 2, kind: 'subscription b' };
const NEVER = new AbortController().signal;

/** A pacer that knows one window of ten requests in a minute, and a clock for it. */
const known = async (): Promise<{ pacer: Pacer; pass: (ms: number) => void }> => {
  let now = 0;
  const pacer = new Pacer(() => now);
  const { end } = await pacer.turn(QUERY, NEVER);
  end(new Response(null, { headers: { 'ratelimit-policy': '"rate";q=10;w=60' } }));
  now = 61_000;
  return { pacer, pass: (ms) => void (now += ms) };
};

/** Takes turns until one has to wait. Returns the number of turns that did not. */
const room = async (pacer: Pacer): Promise<number> => {
  const abort = new AbortController();
  let taken = 0;
  for (; taken < 100; taken += 1) {
    const turn = pacer.turn(QUERY, abort.signal).catch(() => null);
    // A turn without a wait is taken within this turn of the event loop.
    const first = await Promise.race([turn, new Promise<null>((resolve) => setImmediate(() => resolve(null)))]);
    if (first === null) break;
    first.end(null);
  }
  abort.abort();
  return taken;
};

describe('an open stream', () => {
  it('leaves room for a single event, however many streams are open', async () => {
    const { pacer } = await known();
    const streams = ['one', 'two', 'one'].map((request) => pacer.stream(SUBSCRIPTION, request));
    expect(await room(pacer)).toBe(8);
    for (const { end } of streams) end();
    expect(await room(pacer)).toBe(2);
  });

  it('counts each event like a request', async () => {
    const { pacer, pass } = await known();
    const { received, end } = pacer.stream(SUBSCRIPTION, 'one');
    received();
    received();
    expect(await room(pacer)).toBe(4);
    end();
    expect(await room(pacer)).toBe(2);
    pass(61_000);
    expect(await room(pacer)).toBe(10);
  });

  it('counts an event once for all streams with the same request', async () => {
    const { pacer } = await known();
    const [one, same, other] = ['one', 'one', 'two'].map((request) => pacer.stream(SUBSCRIPTION, request));
    for (const stream of [one, same, other]) stream?.received();
    one?.end();
    same?.received();
    for (const stream of [one, same, other]) stream?.end();
    expect(await room(pacer)).toBe(4);
  });

  it('keeps its pacer', async () => {
    const { pacer } = await known();
    expect(pacer.isIdle).toBe(true);
    const { end } = pacer.stream(SUBSCRIPTION, 'one');
    expect(pacer.isIdle).toBe(false);
    end();
    end();
    expect(pacer.isIdle).toBe(true);
  });

  it('still lets requests through if the window has only room for an event', async () => {
    const pacer = new Pacer(() => 0);
    const { end } = await pacer.turn(QUERY, NEVER);
    end(new Response(null, { status: 429, headers: { 'ratelimit-policy': '"rate";q=1;w=60' } }));
    pacer.stream(SUBSCRIPTION, 'one');
    expect(await room(pacer)).toBe(1);
  });
});
