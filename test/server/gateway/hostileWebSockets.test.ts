import type { WebSocket } from 'ws';
import { POLICY, SDL, startGateway, UNLIMITED, type TestGateway, type TestUpstream } from '../../support/gateway.js';
import {
  hear,
  hostileUpstream,
  rawSocket,
  say,
  socketClient,
  socketUpstream,
  type Heard,
} from '../../support/socketUpstream.js';
import { until } from '../../support/until.js';

const over = async (heard: Heard): Promise<Heard> => {
  await until(() => heard.isOver);
  return heard;
};
const TIERS = { ...UNLIMITED, GROWTH: { ...UNLIMITED.GROWTH, keys: 1_000, streams: 50 } };

describe('a hostile caller', () => {
  let upstream: Awaited<ReturnType<typeof socketUpstream>>;
  let gateway: TestGateway;
  let token: string;
  beforeAll(async () => {
    upstream = await socketUpstream();
    gateway = await startGateway(upstream.url, { tiers: TIERS });
    token = await gateway.key('read:orders');
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });
  const opened = async () => {
    const raw = rawSocket(gateway.url);
    await raw.opened;
    raw.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    await until(() => raw.messages.length > 0);
    return raw;
  };

  test.each([
    ['text that is not JSON', '{', 4400],
    ['a message of an unknown type', { type: 'start', id: '1' }, 4400],
    ['a message that only servers send', { type: 'next', id: '1', payload: {} }, 4400],
    ['a query that is not a string', { type: 'subscribe', id: '1', payload: { query: {} } }, 4400],
    ['a second connection_init', { type: 'connection_init' }, 4429],
    ['a long ID', { type: 'subscribe', id: 'x'.repeat(129), payload: { query: '{ health }' } }, 4400],
    [
      'a message over 256 KiB',
      { type: 'subscribe', id: '1', payload: { query: `{ health } #${'x'.repeat(300_000)}` } },
      1009,
    ],
  ])('loses its connection by %s', async (_, message, code) => {
    const before = upstream.operations.length;
    const raw = await opened();
    raw.send(message);
    expect((await raw.closed).code).toBe(code);
    expect(upstream.operations.length).toBe(before);
  });

  test.each([
    ['an operation before connection_init', {}, { type: 'subscribe', id: '1', payload: { query: '{ health }' } }, 4401],
    ['another subprotocol', { protocols: ['graphql-ws'] }, { type: 'connection_init' }, 4406],
    ['a key in the address', { search: `?api_key=${'k'.repeat(20)}` }, { type: 'connection_init' }, 4400],
  ])(
    'is refused for %s',
    async (_, { protocols, search = '' }: { protocols?: string[]; search?: string }, message, code) => {
      const raw = rawSocket(`${gateway.url}${search}`, protocols);
      void raw.opened.then(() => raw.send(message));
      // ws itself fails a connection without the subprotocol that it asked for.
      expect([code, 1006]).toContain((await raw.closed).code);
    },
  );

  test('an operation that only the upstream knows, and members next to the operation, do not reach the upstream', async () => {
    const before = upstream.operations.length;
    const raw = await opened();
    const extensions = { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } };
    raw.send({ type: 'subscribe', id: '1', payload: { query: '', extensions } });
    await until(() => raw.messages.length === 2);
    expect(raw.messages[1]).toMatchObject({
      type: 'error',
      payload: [{ extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } }],
    });
    expect(upstream.operations.length).toBe(before);
    const payload = { query: '{ health }', Query: '{ internal }', extensions };
    raw.send({ type: 'subscribe', id: '2', payload });
    await until(() => raw.messages.length >= 4);
    expect(upstream.operations.slice(before)).toEqual(['{ health }']);
    raw.socket.close();
  });

  test('has its operation refused if a variable nests deeper than the stack', async () => {
    const raw = await opened();
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const query = 'query ($id: ID!) { order(id: $id) { id } }';
    raw.send(`{"type":"subscribe","id":"1","payload":{"query":"${query}","variables":{"id":${deep}}}}`);
    await until(() => raw.messages.length > 1);
    expect(raw.messages[1]).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
    raw.send({ type: 'subscribe', id: '2', payload: { query: '{ health }' } });
    await until(() => raw.messages.some(({ type }) => type === 'next'));
    raw.send(`{"type":"ping","payload":{"deep":${deep}}}`);
    raw.socket.close();
    await raw.closed;
  });

  test('has at most 50 running operations', async () => {
    const raw = await opened();
    for (let id = 1; id <= 51; id += 1) {
      raw.send({ type: 'subscribe', id: String(id), payload: { query: 'subscription { ticks(to: 100000) }' } });
    }
    await until(() => raw.messages.some(({ type }) => type === 'error'));
    expect(raw.messages.find(({ type }) => type === 'error')).toMatchObject({
      id: '51',
      payload: [{ extensions: { code: 'TOO_MANY_STREAMS' } }],
    });
    raw.socket.terminate();
    await until(() => upstream.sockets.clients.size === 0);
  });

  test('has its operation refused if a name occurs twice in one object of the variables', async () => {
    const before = upstream.operations.length;
    const raw = await opened();
    const query = 'query ($id: ID!) { order(id: $id) { id } }';
    raw.send(`{"type":"subscribe","id":"1","payload":{"query":"${query}","variables":{"id":"1","id":"2"}}}`);
    await until(() => raw.messages.length > 1);
    expect(raw.messages[1]).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'BAD_REQUEST' } }] });
    expect(upstream.operations.length).toBe(before);
    raw.socket.close();
  });

  test('sends its own Latchkey-Principal in vain', async () => {
    const raw = rawSocket(gateway.url, undefined, { 'latchkey-principal': 'forged', cookie: 'a=b' });
    await raw.opened;
    raw.send({
      type: 'connection_init',
      payload: { authorization: `Bearer ${token}`, 'Latchkey-Principal': 'forged', tenant: 'other' },
    });
    raw.send({ type: 'ping' });
    await until(() => raw.messages.some(({ type }) => type === 'connection_ack'));
    raw.send({ type: 'subscribe', id: '1', payload: { query: '{ health }' } });
    await until(() => raw.messages.some(({ type }) => type === 'complete'));
    const received = JSON.stringify(upstream.connected.at(-1));
    expect(received).not.toMatch(/forged|tenant|cookie/);
    raw.socket.close();
  });
});

describe('a hostile upstream', () => {
  let upstream: TestUpstream;
  let gateway: TestGateway;
  let token: string;
  /** A gateway that waits for half a second only. */
  let impatient: { readonly gateway: TestGateway; readonly token: string };
  let serve: (socket: WebSocket, message: { type: string; id?: string }) => void;
  let subscribed = 0;
  beforeAll(async () => {
    upstream = await hostileUpstream((socket, message) => {
      if (message.type === 'subscribe') subscribed += 1;
      serve(socket, message);
    });
    const start = (env: Record<string, string>): Promise<TestGateway> =>
      startGateway(upstream.url, {
        ...{ policy: POLICY, sdl: SDL, tiers: TIERS },
        env: { GATEWAY_CHECK_INTERVAL: '0', MAX_ANSWER_BYTES: '10000', ...env },
      });
    gateway = await start({});
    token = await gateway.key('read:orders', 'write:orders');
    const other = await start({ GATEWAY_TIMEOUT: '500' });
    impatient = { gateway: other, token: await other.key('read:orders', 'write:orders') };
  });
  beforeEach(() => (subscribed = 0));
  afterAll(async () => {
    await gateway.close();
    await impatient.gateway.close();
    await upstream.close();
  });
  /** Acknowledges, and then does this for each operation. */
  const forEach =
    (run: (socket: WebSocket, id: string) => void): typeof serve =>
    (socket, { type, id = '' }) => {
      if (type === 'connection_init') say(socket, { type: 'connection_ack' });
      if (type === 'subscribe') run(socket, id);
    };
  const CHANGE = 'mutation { cancel(id: "1") { id } }';

  test.each<[string, typeof serve, string, number]>([
    ['never acknowledges', () => undefined, 'GATEWAY_TIMEOUT', 0],
    ['closes instead of acknowledging', (socket) => socket.close(4403, 'no'), 'BAD_GATEWAY', 0],
    ['closes with 1000 instead of acknowledging', (socket) => socket.close(1000), 'BAD_GATEWAY', 0],
    ['never responds', forEach(() => undefined), 'GATEWAY_TIMEOUT', 1],
    ['closes with 1000 instead of responding', forEach((socket) => socket.close(1000)), 'BAD_GATEWAY', 1],
    ['cuts the connection off', forEach((socket) => socket.terminate()), 'BAD_GATEWAY', 1],
    ['sends text that is not JSON', forEach((socket) => socket.send('{')), 'BAD_GATEWAY', 1],
    [
      'sends a result over MAX_ANSWER_BYTES',
      forEach((socket, id) => say(socket, { type: 'next', id, payload: { data: { x: 'x'.repeat(20_000) } } })),
      'BAD_GATEWAY',
      1,
    ],
  ])('that %s ends the operation with an error, which is never sent again', async (_, how, code, times) => {
    serve = how;
    const asked = code === 'GATEWAY_TIMEOUT' ? impatient : { gateway, token };
    const client = socketClient(asked.gateway.url, asked.token);
    const heard = await over(hear(client, CHANGE));
    const told = heard.results.at(-1)?.errors?.[0];
    expect([told?.extensions?.code, told?.message]).toEqual([code, expect.not.stringMatching(/127\.0\.0\.1|ws:/)]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(subscribed).toBe(times);
    await client.dispose();
  });

  test('passes on a result that is nested too deep for the stack, and answers pings', async () => {
    const wide = await startGateway(upstream.url, {
      ...{ policy: POLICY, sdl: SDL },
      env: { GATEWAY_CHECK_INTERVAL: '0' },
    });
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    serve = forEach((socket, id) => {
      socket.send(`{"type":"ping","payload":{"deep":${deep}}}`);
      socket.send(`{"type":"next","id":"${id}","payload":{"data":${deep}}}`);
      say(socket, { type: 'complete', id });
    });
    const client = socketClient(wide.url, await wide.key('read:orders'));
    const heard = await over(hear(client, '{ health }'));
    expect([heard.error, heard.results.length]).toEqual([null, 1]);
    serve = forEach((socket, id) => {
      say(socket, { type: 'next', id, payload: { data: { health: 'ok' } } });
      say(socket, { type: 'complete', id });
    });
    expect((await over(hear(client, '{ health }'))).results).toEqual([{ data: { health: 'ok' } }]);
    await client.dispose();
    await wide.close();
  });

  test.each([
    ['of results', '{"data":{"total":9007199254740993,"e":1e400, "cost":0.10}}', 'next'],
    ['of errors', '[{"message":"Too much.","extensions":{"max":12345678901234567890}}]', 'error'],
  ])('numbers %s keep all digits', async (_, payload, type) => {
    serve = forEach((socket, id) => {
      socket.send(`{"payload":${payload},"id":"${id}","type":"${type}"}`);
      if (type === 'next') say(socket, { type: 'complete', id });
    });
    const raw = rawSocket(gateway.url);
    const texts: string[] = [];
    raw.socket.on('message', (data: Buffer) => texts.push(data.toString()));
    await raw.opened;
    raw.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    await until(() => raw.messages.length > 0);
    raw.send({ type: 'subscribe', id: 'mine', payload: { query: '{ health }' } });
    await until(() => raw.messages.length > 1);
    expect(texts[1]).toBe(`{"id":"mine","type":"${type}","payload":${payload}}`);
    raw.socket.close();
  });

  test('its errors pass, and its results for other operations are dropped', async () => {
    serve = forEach((socket, id) => {
      say(socket, { type: 'next', id: 'other', payload: { data: { health: 'stolen' } } });
      say(socket, { type: 'error', id, payload: [{ message: 'Not today.', extensions: { code: 'CLOSED' } }] });
    });
    const client = socketClient(gateway.url, token);
    const heard = await over(hear(client, '{ health }'));
    expect(heard).toMatchObject({ results: [], error: [{ message: 'Not today.', extensions: { code: 'CLOSED' } }] });
    await client.dispose();
  });

  test('a caller who does not read pauses it', async () => {
    let written = 0;
    serve = forEach((socket, id) => {
      const push = (): void => {
        if (socket.readyState !== 1 || written > 500e6) return;
        written += 8_000;
        socket.send(JSON.stringify({ type: 'next', id, payload: { data: { ticks: 1, x: 'x'.repeat(8_000) } } }), () =>
          setImmediate(push),
        );
      };
      push();
    });
    const raw = rawSocket(gateway.url);
    await raw.opened;
    raw.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    await until(() => raw.messages.length > 0);
    raw.send({ type: 'subscribe', id: '1', payload: { query: 'subscription { ticks(to: 1) }' } });
    await until(() => raw.messages.length > 1);
    raw.socket.pause();
    let before = -1;
    await until(async () => {
      const same = written === before;
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return same;
    });
    // The buffers of four sockets.
    expect(written).toBeLessThan(60e6);
    const reached = written;
    raw.socket.resume();
    await until(() => written > reached);
    raw.socket.terminate();
  });

  test('an unreachable upstream is a refusal, and the connection stays open', async () => {
    serve = forEach(() => undefined);
    const away = await startGateway('http://127.0.0.1:9/graphql', {
      ...{ policy: POLICY, sdl: SDL },
      env: { GATEWAY_CHECK_INTERVAL: '0' },
    });
    const client = socketClient(away.url, await away.key('read:orders'));
    const first = await over(hear(client, '{ health }'));
    expect(first.results).toMatchObject([{ errors: [{ extensions: { code: 'BAD_GATEWAY' } }] }]);
    await client.dispose();
    await away.close();
  });

  test('a WebSocket that it does not accept is a refusal', async () => {
    const plain = await hostileUpstream(() => undefined);
    plain.server.removeAllListeners('upgrade');
    const other = await startGateway(plain.url, { policy: POLICY, sdl: SDL, env: { GATEWAY_CHECK_INTERVAL: '0' } });
    const client = socketClient(other.url, await other.key('read:orders'));
    const heard = await over(hear(client, '{ health }'));
    expect(heard.results).toMatchObject([
      {
        errors: [
          { message: expect.stringContaining('did not accept a WebSocket'), extensions: { code: 'BAD_GATEWAY' } },
        ],
      },
    ]);
    await client.dispose();
    await other.close();
    await plain.close();
  });
});
