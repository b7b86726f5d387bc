import { jest } from '@jest/globals';
import { DirectAnswers } from '../../../src/server/http/directAnswers.js';
import { openRaw, type RawConnection } from '../../support/rawConnection.js';
import { createKey, demoOf, startService, type TestService } from '../../support/service.js';
import { until } from '../../support/until.js';

/** Known operations run without the framework, which handles all other requests. Both send the same responses. */

/** The responses without the framework. */
const direct = jest.spyOn(DirectAnswers.prototype, 'send');

const QUERY = '{ viewer { scopes } }';

let service: TestService;
let token: string;
let connection: RawConnection;
beforeAll(async () => {
  service = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE' } });
  ({ token } = await createKey(service, { scopes: ['read:all', 'write:all'] }));
});
afterAll(() => service.close());
beforeEach(async () => {
  await service.query(QUERY, { token });
  connection = await openRaw(Number(new URL(service.origin).port));
  direct.mockClear();
});
afterEach(() => void connection.socket.destroy());

interface Message {
  readonly head: string;
  readonly body: string;
}

function message(body: string, fields: Record<string, string> = {}): Message {
  const all = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...fields };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  const length = `content-length: ${Buffer.byteLength(body)}`;
  return { head: ['POST /graphql HTTP/1.1', 'host: x', ...lines, length].join('\r\n') + '\r\n\r\n', body };
}

const known = (fields?: Record<string, string>): Message => message(JSON.stringify({ query: QUERY }), fields);
const statuses = (): string[] => [...connection.text().matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status = '']) => status);

async function answered(count: number): Promise<string[]> {
  await until(() => statuses().length >= count);
  return statuses();
}

/** The parts of a response that are the same for equal requests. */
async function answerTo({ origin }: TestService, ...parts: readonly string[]): Promise<object> {
  const raw = await openRaw(Number(new URL(origin).port));
  for (const part of parts) {
    raw.socket.write(part);
    // In a separate packet.
    if (part !== parts.at(-1)) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await until(() => /\r\n\r\n[^]+/.test(raw.text()));
  raw.socket.destroy();
  const [head = '', body = ''] = raw.text().split('\r\n\r\n', 2);
  const [status, ...lines] = head.split('\r\n');
  const fields = lines.filter((line) => !/^(?:date|x-request-id|ratelimit):/i.test(line));
  return { status, fields: fields.map((line) => line.toLowerCase()).sort(), body };
}

test('runs a known operation without the framework, and with it if the body arrives later', async () => {
  const { head, body } = known();
  const whole = await answerTo(service, head + body);
  expect(direct).toHaveBeenCalledTimes(1);
  const divided = await answerTo(service, head, body);
  expect(direct).toHaveBeenCalledTimes(1);
  expect(whole).toEqual(divided);
  expect(whole).toMatchObject({ status: 'HTTP/1.1 200 OK', body: expect.stringContaining('"scopes"') });
});

test.each<[string, () => Message]>([
  ['an unknown document', () => message(JSON.stringify({ query: '{ viewer { keyId } }' }))],
  ['invalid JSON', () => message('{"query": ')],
  ['JSON that would change a prototype', () => message('{"query":"{ viewer { scopes } }","__proto__":{}}')],
  ['a batch', () => message(JSON.stringify([{ query: QUERY }]))],
  ['an empty body', () => message('')],
  ['another type of body', () => known({ 'content-type': 'text/plain' })],
  ['an encoded body', () => known({ 'content-encoding': 'gzip' })],
  ['another type of response', () => known({ accept: 'text/event-stream' })],
  ['a page of another origin', () => known({ origin: 'https://other.example' })],
])('leaves %s to the framework, whose response is the same for a body that arrives later', async (_, of) => {
  const { head, body } = of();
  const whole = await answerTo(service, head + body);
  expect(direct).not.toHaveBeenCalled();
  expect(whole).toEqual(await answerTo(service, head, body));
});

test('responds to pipelined requests of both kinds in their order, on a connection that stays open', async () => {
  const [one, other] = [known(), message('{"query":"{ nothing }"}')].map(({ head, body }) => head + body);
  connection.socket.write(`${one}${other}${one}${one}`);
  expect(await answered(4)).toEqual(['200', '400', '200', '200']);
  expect(direct).toHaveBeenCalledTimes(3);
  connection.socket.write(one ?? '');
  expect((await answered(5)).at(-1)).toBe('200');
  expect(connection.isClosed()).toBe(false);
});

test('counts and logs it like other requests', async () => {
  const counted = async (): Promise<number> =>
    Number(
      /latchkey_http_requests_total\{route="\/graphql",status="200"\} (\d+)/.exec(
        await service.service.metrics.text(),
      )?.[1] ?? 0,
    );
  const before = await counted();
  const { head, body } = known();
  connection.socket.write(head + body);
  await answered(1);
  expect((await counted()) - before).toBe(1);
  const id = /x-request-id: (\S+)/i.exec(connection.text())?.[1];
  const line = service.logs.map((text) => JSON.parse(text)).find(({ requestId }) => requestId === id);
  expect(line).toMatchObject({ method: 'POST', path: '/graphql', operation: 'query', status: 200, outcome: 'ok' });
});

test('sends nothing and logs nothing if the caller has gone', async () => {
  const query = '{ assets { name } }';
  await service.query(query, { token });
  direct.mockClear();
  let proceed = (): void => undefined;
  const list = jest.spyOn(demoOf(service).store.assets, 'list');
  list.mockImplementation(() => new Promise((resolve) => (proceed = () => resolve([]))));
  const { head, body } = message(JSON.stringify({ query }));
  connection.socket.write(head + body);
  await until(() => list.mock.calls.length > 0);
  connection.socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const lines = service.logs.length;
  proceed();
  await until(() => direct.mock.calls.length > 0);
  list.mockRestore();
  expect(service.logs).toHaveLength(lines);
});

describe('with REQUIRE_HTTPS', () => {
  let secure: TestService;
  beforeAll(async () => {
    const env = { DEFAULT_TIER: 'ENTERPRISE', REQUIRE_HTTPS: 'true', TRUST_PROXY: '127.0.0.1' };
    secure = await startService({ env });
  });
  afterAll(() => secure.close());

  test('runs a known operation over HTTPS without the framework, which refuses it over plain HTTP', async () => {
    const over = { 'x-forwarded-proto': 'https' };
    const { token: own } = await createKey(secure, { scopes: ['read:all'] });
    const fields = { ...over, authorization: `Bearer ${own}` };
    await secure.query(QUERY, { token: own, headers: over });
    direct.mockClear();
    const { head, body } = known(fields);
    const whole = await answerTo(secure, head + body);
    expect(direct).toHaveBeenCalledTimes(1);
    expect(whole).toEqual(await answerTo(secure, head, body));
    expect(whole).toMatchObject({ fields: expect.arrayContaining(['strict-transport-security: max-age=31536000']) });
    const plain = known({ ...fields, 'x-forwarded-proto': 'http' });
    expect(await answerTo(secure, plain.head + plain.body)).toMatchObject({
      body: expect.stringContaining('HTTPS_REQUIRED'),
    });
    expect(direct).toHaveBeenCalledTimes(1);
  });
});
