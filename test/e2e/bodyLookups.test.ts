import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { act } from './operations.js';
import { Moments } from '../../src/server/http/changeMoments.js';
import { createKey, startService, type TestService } from '../support/service.js';

/** A key is looked up once for a request, and again only if the body may have arrived later than the header. */

let service: TestService;
let token: string;
let id: string;
let socket: Socket;
let received = '';
beforeAll(async () => void (service = await startService({ env: { AUTH_CACHE_TTL: '60000' } })));
afterAll(() => service.close());
beforeEach(async () => {
  ({ id, token } = await createKey(service, { scopes: ['read:all'] }));
  expect((await service.query('{ viewer { scopes } }', { token })).status).toBe(200);
  received = '';
  socket = connect(Number(new URL(service.origin).port), '127.0.0.1');
  socket.setEncoding('utf8').on('data', (chunk: string) => void (received += chunk));
});
afterEach(() => void socket.destroy());

const hits = async (): Promise<number> =>
  Number(/latchkey_key_lookups_total\{outcome="hit"\} (\d+)/.exec(await service.service.metrics.text())?.[1]);

const statuses = (): string[] => [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status = '']) => status);

async function answered(count: number): Promise<string[]> {
  while (statuses().length < count) await delay(5);
  return statuses();
}

const MESSAGES = {
  '/graphql': { query: '{ viewer { scopes } }' },
  '/mcp': { jsonrpc: '2.0', id: 1, method: 'tools/list' },
};

function requestOf(path: keyof typeof MESSAGES): { header: string; body: string } {
  const body = JSON.stringify(MESSAGES[path]);
  const fields = [
    `authorization: Bearer ${token}`,
    'content-type: application/json',
    'accept: application/json, text/event-stream',
    `content-length: ${body.length}`,
  ];
  return { header: `POST ${path} HTTP/1.1\r\nhost: localhost\r\n${fields.join('\r\n')}\r\n\r\n`, body };
}

test.each(['/graphql', '/mcp'] as const)(
  'R9: %s looks up a key once if the body arrives with the header',
  async (path) => {
    const { header, body } = requestOf(path);
    const before = await hits();
    for (let i = 1; i <= 3; i += 1) {
      socket.write(header + body);
      expect((await answered(i)).at(-1)).toBe('200');
    }
    expect((await hits()) - before).toBe(3);
  },
);

test('R9: pipelined requests look up the key once each', async () => {
  const { header, body } = requestOf('/graphql');
  const before = await hits();
  socket.write((header + body).repeat(4));
  expect(await answered(4)).toEqual(['200', '200', '200', '200']);
  expect((await hits()) - before).toBe(4);
});

test.each(['/graphql', '/mcp'] as const)('R9: %s looks up a key again if the body arrives later', async (path) => {
  const { header, body } = requestOf(path);
  const before = await hits();
  socket.write(header);
  while ((await hits()) === before) await delay(5);
  socket.write(body);
  expect(await answered(1)).toEqual(['200']);
  expect((await hits()) - before).toBe(2);
});

test('R9: refuses a pipelined request whose body arrives after a revocation', async () => {
  const { header, body } = requestOf('/graphql');
  const before = await hits();
  socket.write(header + body + header + body.slice(0, 10));
  expect(await answered(1)).toEqual(['200']);
  while ((await hits()) < before + 2) await delay(5);
  await act(service, 'revokeApiKey', { id });
  socket.write(body.slice(10));
  expect(await answered(2)).toEqual(['200', '401']);
  expect(received).toContain('"reason":"revoked"');
});

test('R9: a moment ends with each change of a key, and with the turn of the event loop', async () => {
  let change = (): void => undefined;
  const moments = new Moments({ onChange: (listener) => void (change = () => listener(null)) });
  const first = moments.now;
  expect(moments.now).toBe(first);
  await Promise.resolve();
  expect(moments.now).toBe(first);
  change();
  const second = moments.now;
  expect(second).not.toBe(first);
  await new Promise((resolve) => setTimeout(resolve, 1));
  const third = moments.now;
  expect(third).not.toBe(second);
  await new Promise((resolve) => setTimeout(resolve, 1));
  expect(moments.now).not.toBe(third);
});
