import { createHash, randomBytes } from 'node:crypto';
import {
  ask,
  startGateway,
  UNLIMITED,
  yogaUpstream,
  type TestGateway,
  type TestUpstream,
} from '../../support/gateway.js';
import { answerOf } from '../../support/service.js';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { until } from '../../support/until.js';

const typeDefs = /* GraphQL */ `
  scalar File
  type Query {
    health: String
  }
  type Mutation {
    store(file: File!, note: String): String
    storeAll(files: [File!]!): [String!]
    secret: String
  }
`;
const digest = async (file: Blob): Promise<string> =>
  `${file.name} ${createHash('sha256')
    .update(new Uint8Array(await file.arrayBuffer()))
    .digest('hex')}`;
type Blob = globalThis.Blob & { readonly name: string };
const resolvers = {
  Mutation: {
    store: (_: unknown, { file }: { file: Blob }) => digest(file),
    storeAll: (_: unknown, { files }: { files: Blob[] }) => Promise.all(files.map(digest)),
    secret: () => 'a secret',
  },
};
const POLICY = 'Query.health: public\nMutation.secret: admin\nMutation.s*: write:files\n';
const STORE = 'mutation ($file: File!) { store(file: $file) }';

let upstream: TestUpstream;
let gateway: TestGateway;
let token: string;
beforeAll(async () => {
  upstream = await yogaUpstream({ typeDefs, resolvers });
  gateway = await startGateway(upstream.url, {
    policy: POLICY,
    tiers: UNLIMITED,
    env: { GATEWAY_MAX_UPLOAD_BYTES: '2000000', GATEWAY_CHECK_INTERVAL: '0' },
  });
  token = await gateway.key('write:files', 'read:all');
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

type Part = readonly [name: string, value: string | Uint8Array, filename?: string];

async function send(
  parts: readonly Part[],
  headers: Record<string, string> = { authorization: `Bearer ${token}` },
  url = gateway.url,
) {
  const form = new FormData();
  for (const [name, value, filename] of parts) {
    if (filename === undefined) form.append(name, String(value));
    else form.append(name, new globalThis.Blob([new Uint8Array(Buffer.from(value))]), filename);
  }
  return answerOf(await fetch(url, { method: 'POST', headers, body: form }));
}

const operations = (query = STORE, variables: object = { file: null }): Part => [
  'operations',
  JSON.stringify({ query, variables }),
];
const map = (paths: object = { 0: ['variables.file'] }): Part => ['map', JSON.stringify(paths)];
const file = (name = '0', content: string | Uint8Array = 'content'): Part => [name, content, 'a.txt'];

test('files reach the upstream unchanged', async () => {
  const content = randomBytes(1_500_000);
  const { body, headers } = await send([operations(), map(), file('0', content)]);
  expect(body).toEqual({ data: { store: `a.txt ${createHash('sha256').update(content).digest('hex')}` } });
  expect(headers.get('ratelimit')).not.toBeNull();
  expect(JSON.stringify(upstream.received.at(-1)?.headers)).not.toContain(token);
});

test('variables may nest deep', async () => {
  const deep = `{"file":null,"more":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
  const { status, body } = await send([
    ['operations', `{"query":${JSON.stringify(STORE)},"variables":${deep}}`],
    map(),
    file(),
  ]);
  expect([status, body.data?.store]).toEqual([200, expect.stringContaining('a.txt')]);
});

test('the name of a file contains no character that could end it, or its line', async () => {
  const { body } = await send([operations(), map(), ['0', 'content', 'a\\\u2028\u0085"b \u00e9.txt']]);
  expect(body.data.store).toMatch(/^a%5C%E2%80%A8%C2%85%22b \u00e9\.txt /);
});

test('no file reaches the upstream with the name of another part', async () => {
  for (const name of ['operations', 'map', 'Operations']) {
    const { body } = await send([
      operations(),
      map({ [name]: ['variables.file'] }),
      file(name, '{"query":"{ secret }"}'),
    ]);
    expect(body.data.store).toContain('a.txt');
    const parts = [...(upstream.received.at(-1)?.body ?? '').matchAll(/; name="([^"]*)"/g)].map(([, found]) => found);
    expect(parts).toEqual(['operations', 'map', '0']);
  }
});

test('several files, one of them in a list', async () => {
  const query = 'mutation ($files: [File!]!) { storeAll(files: $files) }';
  const { body } = await send([
    operations(query, { files: [null, null] }),
    map({ a: ['variables.files.0'], b: ['variables.files.1'] }),
    file('a', 'one'),
    file('b', ''),
  ]);
  expect(body.data.storeAll).toHaveLength(2);
});

test.each<[string, readonly Part[], number, string]>([
  ['a path to the query', [operations('{ health }', {}), map({ 0: ['query'] }), file()], 400, 'BAD_REQUEST'],
  ['a path to the name', [operations(STORE), map({ 0: ['operationName'] }), file()], 400, 'BAD_REQUEST'],
  ['a path into a batch', [operations(STORE), map({ 0: ['0.variables.file'] }), file()], 400, 'BAD_REQUEST'],
  ['a path to all variables', [operations(STORE), map({ 0: ['variables'] }), file()], 400, 'BAD_REQUEST'],
  ['a path to a prototype', [operations(STORE), map({ 0: ['variables.__proto__.x'] }), file()], 400, 'BAD_REQUEST'],
  ['a path to a value that is not null', [operations(STORE, { file: 'x' }), map(), file()], 400, 'BAD_REQUEST'],
  [
    'a path twice',
    [operations(STORE), map({ 0: ['variables.file'], 1: ['variables.file'] }), file()],
    400,
    'BAD_REQUEST',
  ],
  ['operations twice', [operations(), operations('mutation { secret }', {}), map(), file()], 400, 'BAD_REQUEST'],
  ['map twice', [operations(), map(), map(), file()], 400, 'BAD_REQUEST'],
  ['map before operations', [map(), operations(), file()], 400, 'BAD_REQUEST'],
  ['no map', [operations(), file()], 400, 'BAD_REQUEST'],
  ['no file', [operations(), map()], 400, 'BAD_REQUEST'],
  ['a file before operations', [file(), operations(), map()], 400, 'BAD_REQUEST'],
  ['operations as a file', [['operations', operations()[1], 'operations.json'], map(), file()], 400, 'BAD_REQUEST'],
  ['a batch', [['operations', '[{"query":"{ health }"}]'], map(), file()], 400, 'BAD_REQUEST'],
  [
    'a persisted query',
    [['operations', '{"extensions":{"persistedQuery":{}}}'], map(), file()],
    400,
    'PERSISTED_QUERY_NOT_SUPPORTED',
  ],
  [
    'a scope too few',
    [operations('mutation ($file: File!) { store(file: $file) secret }'), map(), file()],
    403,
    'FORBIDDEN',
  ],
  [
    'operations that are too large',
    [operations(`{ health } #${'x'.repeat(300_000)}`), map(), file()],
    413,
    'BAD_REQUEST',
  ],
])('refuses %s before anything reaches the upstream', async (_, parts, status, code) => {
  const before = upstream.received.length;
  const answer = await send(parts);
  expect([answer.status, answer.body.errors[0].extensions.code]).toEqual([status, code]);
  expect(upstream.received.length).toBe(before);
});

test.each<[string, readonly Part[]]>([
  [
    'a second operations after a file',
    [operations(), map(), file(), ['operations', '{"query":"mutation { secret }"}']],
  ],
  ['a second map after a file', [operations(), map(), file(), ['map', '{"0":["query"]}']]],
  ['a file that map does not name', [operations(), map(), file(), file('query')]],
  ['a file twice', [operations(), map(), file(), file()]],
  [
    'a missing file',
    [
      operations('mutation ($files: [File!]!) { storeAll(files: $files) }', { files: [null, null] }),
      map({ a: ['variables.files.0'], b: ['variables.files.1'] }),
      file('a'),
    ],
  ],
])('does not complete a request with %s', async (_, parts) => {
  const before = upstream.received.length;
  const answer = await send(parts);
  expect([answer.status, answer.body.errors[0].extensions.code]).toEqual([400, 'BAD_REQUEST']);
  expect(upstream.received.length).toBe(before);
});

test('an upload without a key needs a header field that no page of another origin can send', async () => {
  expect((await send([operations(), map(), file()], {})).status).toBe(400);
  expect((await send([operations(), map(), file()], { 'apollo-require-preflight': '1' })).status).toBe(401);
});

test('an upload over the limit is refused with 413', async () => {
  const answer = await send([operations(), map(), file('0', randomBytes(2_100_000))]);
  expect([answer.status, answer.body.errors[0].message]).toEqual([413, expect.stringContaining('2000000 bytes')]);
});

describe('a slow upload', () => {
  const SIZE = 200_000;
  const HEAD = [
    '--b\r\nContent-Disposition: form-data; name="operations"\r\n\r\n',
    `${String(operations()[1])}\r\n--b\r\nContent-Disposition: form-data; name="map"\r\n\r\n${String(map()[1])}\r\n`,
    '--b\r\nContent-Disposition: form-data; name="0"; filename="a.txt"\r\n\r\n',
  ].join('');
  const TAIL = '\r\n--b--\r\n';

  /** Sends an upload in parts of this size, twice a second. @returns the status of the response, once the file or the upload has ended */
  async function sendSlowly({ origin }: TestGateway, key: string, size: number): Promise<number> {
    const socket: Socket = connect(Number(new URL(origin).port), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('error', () => undefined);
    const fields = ['Host: x', `Authorization: Bearer ${key}`, 'Content-Type: multipart/form-data; boundary=b'];
    const length = `Content-Length: ${HEAD.length + SIZE + TAIL.length}`;
    socket.write(`${['POST /graphql HTTP/1.1', ...fields, length].join('\r\n')}\r\n\r\n${HEAD}`);
    let left = SIZE;
    const timer = setInterval(() => {
      const part = Math.min(left, size);
      left -= part;
      if (part > 0) socket.write('x'.repeat(part));
      if (part > 0 && left === 0) socket.write(TAIL);
    }, 500);
    await until(() => text.includes('\r\n\r\n'));
    clearInterval(timer);
    socket.destroy();
    return Number(text.slice(9, 12));
  }

  test('is passed on as long as it progresses, and ends with 408 if it stops, trickles or takes too long', async () => {
    const start = (env: Record<string, string>) =>
      startGateway(upstream.url, {
        policy: POLICY,
        tiers: UNLIMITED,
        env: { GATEWAY_TIMEOUT: '1500', GATEWAY_CHECK_INTERVAL: '0', ...env },
      });
    const [patient, strict] = [await start({}), await start({ GATEWAY_UPLOAD_TIMEOUT: '10000' })];
    const [key, strictKey] = [await patient.key('write:files'), await strict.key('write:files')];
    const before = upstream.received.length;
    const [progressing, stopped, trickling, long] = await Promise.all([
      sendSlowly(patient, key, 8_000),
      sendSlowly(patient, key, 0),
      sendSlowly(patient, key, 100),
      sendSlowly(strict, strictKey, 8_000),
    ]);
    expect({ progressing, stopped, trickling, long }).toEqual({
      ...{ progressing: 200, stopped: 408, trickling: 408, long: 408 },
    });
    expect(upstream.received.length).toBe(before + 1);
    await patient.close();
    await strict.close();
  });
});

test('an upload that the upstream does not read ends with 504', async () => {
  const sockets = new Set<Socket>();
  const silent = createServer({ pauseOnConnect: true }, (socket) => {
    sockets.add(socket.on('error', () => undefined));
  }).listen(0, '127.0.0.1');
  await until(() => silent.listening);
  const other = await startGateway(`http://127.0.0.1:${(silent.address() as AddressInfo).port}/graphql`, {
    ...{ policy: POLICY, sdl: typeDefs, tiers: UNLIMITED },
    env: { GATEWAY_TIMEOUT: '1000', GATEWAY_CHECK_INTERVAL: '0', GATEWAY_MAX_UPLOAD_BYTES: '30000000' },
  });
  const headers = { authorization: `Bearer ${await other.key('write:files')}` };
  const answer = await send([operations(), map(), file('0', Buffer.alloc(25_000_000))], headers, other.url);
  expect([answer.status, answer.body.errors[0].extensions.code]).toEqual([504, 'GATEWAY_TIMEOUT']);
  await other.close();
  for (const socket of sockets) socket.destroy();
  silent.close();
});

test('a body without a boundary is refused', async () => {
  const answer = await ask(gateway.url, 'x', {
    authorization: `Bearer ${token}`,
    'content-type': 'multipart/form-data',
  });
  expect(answer.status).toBe(400);
});

test('key management takes no uploads', async () => {
  const form = new FormData();
  form.append('operations', '{"query":"{ viewer { scopes } }"}');
  const headers = { authorization: `Bearer ${gateway.adminToken}` };
  expect((await fetch(`${gateway.origin}/admin/graphql`, { method: 'POST', headers, body: form })).status).toBe(415);
});
