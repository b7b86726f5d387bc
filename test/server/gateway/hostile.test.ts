import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { startGateway, UNLIMITED, type TestGateway } from '../../support/gateway.js';
import { until } from '../../support/until.js';

/** The behavior of the upstream for one request, after its header and body have arrived. */
let behave: (socket: Socket, request: string) => void = () => undefined;
let upstream: Server;
let gateway: TestGateway;
let reader: string;
/** A gateway that waits for a second only, for upstreams that never end. */
let impatient: { readonly gateway: TestGateway; readonly reader: string };
const sockets = new Set<Socket>();
const requests: string[] = [];

const SDL = /* GraphQL */ `
  type Query {
    orders: [String!] @auth(scope: "read:orders")
    health: String @public
  }
  type Mutation {
    cancel: String @auth(scope: "write:orders")
  }
`;

beforeAll(async () => {
  upstream = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
      const [, length = ''] = /content-length: (\d+)/.exec(text) ?? [];
      const end = text.indexOf('\r\n\r\n');
      if (end === -1 || Buffer.byteLength(text.slice(end + 4)) < Number(length)) return;
      requests.push(text);
      const request = text;
      text = '';
      behave(socket, request);
    });
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const { port } = upstream.address() as AddressInfo;
  const start = (env: Record<string, string>): Promise<TestGateway> =>
    startGateway(`http://127.0.0.1:${port}/graphql`, {
      policy: null,
      sdl: SDL,
      tiers: UNLIMITED,
      env: { MAX_ANSWER_BYTES: '10000', GATEWAY_CONNECTIONS: '4', GATEWAY_CHECK_INTERVAL: '0', ...env },
    });
  gateway = await start({});
  reader = await gateway.key('read:orders', 'write:orders');
  const other = await start({ GATEWAY_TIMEOUT: '1000' });
  impatient = { gateway: other, reader: await other.key('read:orders') };
});
afterAll(async () => {
  await gateway.close();
  await impatient.gateway.close();
  for (const socket of sockets) socket.destroy();
  upstream.close();
});
beforeEach(() => {
  requests.length = 0;
});

const json = (body: string, more = ''): string =>
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${more}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const orders = () => gateway.query('{ orders }', { token: reader });
const ordersSoon = () => impatient.gateway.query('{ orders }', { token: impatient.reader });
const codeOf = (answer: Awaited<ReturnType<typeof orders>>) => [answer.status, answer.body.errors?.[0].extensions.code];

test.each<[string, (socket: Socket) => void, number, string]>([
  ['closes the connection', (socket) => socket.destroy(), 502, 'BAD_GATEWAY'],
  ['sends something that is not HTTP', (socket) => socket.end('garbage\r\n\r\n'), 502, 'BAD_GATEWAY'],
  [
    'sends a header without an end',
    (socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(40_000)}`),
    502,
    'BAD_GATEWAY',
  ],
  [
    'sends two lengths',
    (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x'),
    502,
    'BAD_GATEWAY',
  ],
  [
    'redirects',
    (socket) => socket.write('HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n'),
    502,
    'BAD_GATEWAY',
  ],
  [
    'switches the protocol',
    (socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    502,
    'BAD_GATEWAY',
  ],
  [
    'announces a response that is too large',
    (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10001\r\n\r\n{'),
    400,
    'ANSWER_TOO_LARGE',
  ],
  ['sends a status below 100', (socket) => socket.write(json('{}').replace('200', '099')), 502, 'BAD_GATEWAY'],
  ['sends the status 0', (socket) => socket.write(json('{}').replace('200', '000')), 502, 'BAD_GATEWAY'],
  [
    'sends a control character in a field',
    (socket) => socket.write(json('{}', 'vary: a\u007fb\r\n')),
    502,
    'BAD_GATEWAY',
  ],
  [
    'sends interim responses without an end',
    (socket) => {
      const timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(20)), 5);
      socket.on('close', () => clearInterval(timer));
    },
    504,
    'GATEWAY_TIMEOUT',
  ],
  [
    'says that it continues, and then nothing',
    (socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\n'),
    502,
    'BAD_GATEWAY',
  ],
  ['is silent', () => undefined, 504, 'GATEWAY_TIMEOUT'],
])('an upstream that %s', async (_, act, status, code) => {
  behave = act;
  const sent = code === 'GATEWAY_TIMEOUT' ? ordersSoon : orders;
  const answer = await sent();
  expect(codeOf(answer)).toEqual([status, code]);
  expect(answer.headers.get('ratelimit')).not.toBeNull();
  expect(answer.text).not.toMatch(/127\.0\.0\.1|ECONN|undici/);
  // The next request is not affected.
  behave = (socket) => socket.write(json('{"data":{"orders":[]}}'));
  expect((await sent()).body).toEqual({ data: { orders: [] } });
});

test.each<[string, (socket: Socket) => void, typeof orders?]>([
  [
    'closes the connection in the middle of a response',
    (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"data":'),
  ],
  [
    'sends a response without an end',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n');
      const timer = setInterval(() => socket.write('5\r\nxxxxx\r\n'), 20);
      socket.on('close', () => clearInterval(timer));
    },
    ordersSoon,
  ],
  [
    'sends a response that grows too large',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n');
      for (let i = 0; i < 20; i += 1) socket.write(`400\r\n${'x'.repeat(1024)}\r\n`);
    },
  ],
  [
    'sends an invalid chunk',
    (socket) => socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\nzz\r\n'),
  ],
])('an upstream that %s: the connection to the caller is cut', async (_, act, sent = orders) => {
  behave = act;
  await expect(sent()).rejects.toThrow();
  // Neither the pool nor the count of requests keeps anything.
  await until(() => sockets.size === 0 || [...sockets].every((socket) => !socket.writableNeedDrain));
  behave = (socket) => socket.write(json('{"data":{"orders":["A"]}}'));
  for (let i = 0; i < 5; i += 1) expect((await sent()).body).toEqual({ data: { orders: ['A'] } });
});

test('a compressed response passes as it is, and is not expanded', async () => {
  behave = (socket) => socket.write(json('not really compressed', 'content-encoding: br\r\n'));
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${reader}`, 'accept-encoding': 'identity' },
    body: '{"query":"{ orders }"}',
  });
  expect(response.headers.get('content-encoding')).toBe('br');
  await expect(response.text()).rejects.toThrow();
});

test('statuses and errors of the upstream pass; cookies, addresses and fields of the gateway do not', async () => {
  behave = (socket) =>
    socket.write(
      json(
        '{"errors":[{"message":"theirs"}]}',
        [
          'set-cookie: session=1',
          'x-request-id: theirs',
          'cache-control: public, max-age=60',
          'access-control-allow-origin: *',
          'ratelimit: "x";r=0',
          'alt-svc: h2=":443"',
          'location: /x',
          'x-internal: 10.0.0.1',
          'retry-after: 7\r\n',
        ].join('\r\n'),
      ).replace('200 OK', '418 Teapot'),
    );
  const { status, headers, body } = await orders();
  expect([status, body]).toEqual([418, { errors: [{ message: 'theirs' }] }]);
  expect(headers.get('retry-after')).toBe('7');
  expect(headers.get('cache-control')).toBe('private, no-store');
  expect(headers.get('x-request-id')).not.toBe('theirs');
  expect(headers.get('ratelimit')).toMatch(/^"(rate|burst)"/);
  for (const name of ['set-cookie', 'access-control-allow-origin', 'alt-svc', 'location', 'x-internal']) {
    expect([name, headers.get(name)]).toEqual([name, null]);
  }
});

test('a caller who closes the connection cancels the request to the upstream', async () => {
  let ended = false;
  behave = (socket) => socket.on('close', () => (ended = true));
  const stop = new AbortController();
  const asked = fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${reader}` },
    body: '{"query":"{ orders }"}',
    signal: stop.signal,
  });
  await until(() => requests.length === 1);
  stop.abort();
  await expect(asked).rejects.toThrow();
  const from = Date.now();
  await until(() => ended);
  // The gateway itself would cancel it after 30 seconds.
  expect(Date.now() - from).toBeLessThan(20_000);
});

test('no more requests than GATEWAY_CONNECTIONS wait for the upstream', async () => {
  const waiting: Socket[] = [];
  behave = (socket) => void waiting.push(socket);
  const asked = Array.from({ length: 5 }, () => orders());
  await until(() => waiting.length === 4);
  const refused = await Promise.race(asked);
  expect(codeOf(refused)).toEqual([503, 'UNAVAILABLE']);
  for (const socket of waiting) socket.write(json('{"data":{"orders":[]}}'));
  const answers = await Promise.all(asked);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 503]);
});

describe('retries', () => {
  test('a query or mutation that was sent is never sent again', async () => {
    behave = (socket) => socket.destroy();
    await orders();
    await gateway.query('mutation { cancel }', { token: reader });
    expect(requests).toHaveLength(2);
  });

  test('a query whose connection failed before anything was sent is sent once more, and a mutation is not', async () => {
    let connections = 0;
    const closing = createServer((socket) => {
      connections += 1;
      socket.destroy();
    }).listen(0, '127.0.0.1');
    await once(closing, 'listening');
    const { port } = closing.address() as AddressInfo;
    // With TLS, the request is sent after the handshake.
    const other = await startGateway(`https://127.0.0.1:${port}/graphql`, { policy: null, sdl: SDL });
    try {
      const token = await other.key('read:orders', 'write:orders');
      expect(codeOf(await other.query('{ orders }', { token }))).toEqual([502, 'BAD_GATEWAY']);
      expect(connections).toBe(2);
      expect(codeOf(await other.query('mutation { cancel }', { token }))).toEqual([502, 'BAD_GATEWAY']);
      expect(connections).toBe(3);
    } finally {
      await other.close();
      closing.close();
    }
  });

  test('an upstream that is back is used again', async () => {
    const { port } = upstream.address() as AddressInfo;
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => upstream.close(() => resolve()));
    expect(codeOf(await orders())).toEqual([502, 'BAD_GATEWAY']);
    upstream.listen(port, '127.0.0.1');
    await once(upstream, 'listening');
    behave = (socket) => socket.write(json('{"data":{"orders":[]}}'));
    expect((await orders()).status).toBe(200);
  });
});
