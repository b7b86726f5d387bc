import { tierTable } from '../../../src/index.js';
import { until } from '../../support/until.js';
import { remaining } from '../ownServer.js';
import { startYoga, type OwnYoga, type OwnYogaOptions } from './startYoga.js';

const typeDefs = `
  extend type Query { orders: Int @auth(scope: "read:orders") }
  type Subscription {
    ticks: Int @auth(scope: "read:ticks")
    open: Int @public
    bad: Int @auth(scope: "read:ticks")
  }
`;

/** A source of events, and how often it was opened and closed. */
class Source {
  opened = 0;
  closed = 0;
  #waiting: ((event: IteratorResult<number>) => void)[] = [];

  emit(value: number): void {
    this.#waiting.shift()?.({ done: false, value });
  }

  subscribe = (): AsyncIterable<number> & AsyncIterator<number> => {
    this.opened += 1;
    return {
      next: () => new Promise((resolve) => void this.#waiting.push(resolve)),
      return: () => {
        this.closed += 1;
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  };
}

async function on(look: (server: OwnYoga, source: Source) => Promise<void>, options: OwnYogaOptions = {}) {
  const source = new Source();
  const resolve = (value: number) => value;
  const fails = () => {
    throw new Error('hunter2');
  };
  const resolvers = {
    Subscription: {
      ticks: { subscribe: source.subscribe, resolve },
      open: { subscribe: source.subscribe, resolve },
      bad: { subscribe: source.subscribe, resolve: fails },
    },
  };
  const server = await startYoga({ typeDefs, resolvers, ...options });
  try {
    await look(server, source);
  } finally {
    await server.close();
  }
}

/** Opens a stream, and collects the text that arrives. */
async function open({ url, token }: OwnYoga, query: string, more: { token?: string | null; accept?: string } = {}) {
  const leaving = new AbortController();
  const by = more.token === undefined ? token : more.token;
  const response = await fetch(url, {
    method: 'POST',
    signal: leaving.signal,
    headers: {
      'content-type': 'application/json',
      accept: more.accept ?? 'text/event-stream',
      ...(by !== null && { authorization: `Bearer ${by}` }),
    },
    body: JSON.stringify({ query }),
  });
  const received = { text: '', isOver: false };
  void (async () => {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) received.text += decoder.decode(chunk as Uint8Array);
    } catch {
      // This side has disconnected.
    }
    received.isOver = true;
  })();
  return { response, received, leave: () => leaving.abort() };
}

it('sends events and the fields of the limits, and counts the opening and each event', async () => {
  await on(
    async (server, source) => {
      const { response, received, leave } = await open(server, 'subscription { ticks }');
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
      expect(remaining(response.headers)).toBe(99);
      for (const tick of [1, 2]) {
        source.emit(tick);
        await until(() => received.text.includes(`{"data":{"ticks":${tick}}}`));
      }
      const { headers } = await server.query('{ __typename }');
      expect(remaining(headers)).toBe(96);
      leave();
      await until(() => source.closed === 1);
    },
    { latchkey: { tiers: tierTable({ GROWTH: { rate: 100, burst: 100 } }) } },
  );
});

it.each([
  ['without a key', 'subscription { ticks }', null, 401],
  ['without a key, even if it is public', 'subscription { open }', null, 401],
  ['without the scope', 'subscription { ticks }', 'read:orders', 403],
] as const)('refuses a subscription %s before its source is opened', async (_, query, scope, status) => {
  await on(async (server, source) => {
    const token = scope === null ? null : await server.keyWith(scope);
    const { response, received } = await open(server, query, { token });
    expect(response.status).toBe(status);
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer realm="latchkey"/);
    await until(() => received.isOver);
    expect(source.opened).toBe(0);
  });
});

it.each(['application/json', 'multipart/mixed', 'text/event-stream;charset=latin1'])(
  'opens no source for a caller who accepts %s, and keeps no place for it',
  async (accept) => {
    await on(async (server, source) => {
      const { response, received } = await open(server, 'subscription { ticks }', { accept });
      expect(response.status).toBe(406);
      await until(() => received.isOver);
      expect(source.opened - source.closed).toBe(0);
      expect(server.latchkey.streams.size).toBe(0);
    });
  },
);

it('counts open streams by the limit of the tier, and frees a place when its reader leaves', async () => {
  await on(
    async (server, source) => {
      const first = await open(server, 'subscription { ticks }');
      expect(first.response.status).toBe(200);
      const second = await open(server, 'subscription { ticks }');
      expect(second.response.status).toBe(429);
      expect(source.opened).toBe(1);
      first.leave();
      await until(() => server.latchkey.streams.size === 0);
      const third = await open(server, 'subscription { ticks }');
      expect(third.response.status).toBe(200);
      third.leave();
    },
    { latchkey: { tiers: tierTable({ GROWTH: { rate: 1_000, burst: 1_000, streams: 1 } }) } },
  );
});

it('hides the error of an event, and reports it', async () => {
  await on(async (server, source) => {
    const { received, leave } = await open(server, 'subscription { bad }');
    await until(() => source.opened === 1);
    source.emit(1);
    await until(() => received.text.includes('INTERNAL_SERVER_ERROR'));
    expect(received.text).not.toContain('hunter2');
    expect(server.told).toEqual([expect.objectContaining({ message: 'hunter2' })]);
    leave();
  });
});

it('ends streams with a last message when Latchkey closes them', async () => {
  await on(async (server, source) => {
    const { received } = await open(server, 'subscription { ticks }');
    await until(() => source.opened === 1);
    server.latchkey.streams.close();
    await until(() => received.isOver);
    expect(received.text).toContain('"code":"UNAVAILABLE"');
    expect(source.closed).toBe(1);
  });
});
