import { jest } from '@jest/globals';
import { until } from '../../support/until.js';
import { latchkeyWs } from '../../../src/graphqlWs.js';
import { startOwnSockets, type OwnSockets, type Raw } from './ownSockets.js';

let own: OwnSockets;
let token: string;
beforeAll(async () => {
  // graphql-ws logs each message that is too large, and each result that it could not send.
  jest.spyOn(console, 'error').mockImplementation(() => undefined);
  own = await startOwnSockets({ ws: { maxMessages: 50, maxUnverified: 3 } });
  ({ token } = await own.createKey());
});
afterEach(() => {
  for (const socket of own.sockets.clients) socket.terminate();
});
afterAll(() => own.close());

async function verified(): Promise<Raw> {
  const raw = own.raw();
  await raw.opened;
  raw.send({ type: 'connection_init', payload: { 'x-api-key': token } });
  await until(() => raw.messages.length === 1);
  return raw;
}

const subscribe = (id: unknown, payload: unknown = { query: '{ orders }' }) => ({ type: 'subscribe', id, payload });

describe('before the key is verified', () => {
  it('an operation closes the connection, and runs nothing', async () => {
    const raw = own.raw();
    await raw.opened;
    raw.send(subscribe('a', { query: 'mutation { ship(id: "1") }' }));
    expect(await raw.closed).toMatchObject({ code: 4401 });
    expect(own.ran.shipped).toEqual([]);
  });

  it('an operation that follows connection_init at once closes the connection', async () => {
    const fresh = await own.createKey();
    const raw = own.raw();
    await raw.opened;
    raw.send({ type: 'connection_init', payload: { 'x-api-key': fresh.token } });
    raw.send(subscribe('a', { query: 'mutation { ship(id: "2") }' }));
    expect((await raw.closed).code).toBe(4401);
    expect(own.ran.shipped).toEqual([]);
    await until(() => own.latchkey.streams.size === 0);
  });

  it('a connection that sends nothing is closed in time', async () => {
    const raw = own.raw();
    expect(await raw.closed).toMatchObject({ code: 4408 });
  });

  it('a connection may only send a few messages', async () => {
    const raw = own.raw();
    await raw.opened;
    for (let i = 0; i < 30; i += 1) raw.send({ type: 'ping' });
    expect([1006, 1008]).toContain((await raw.closed).code);
  });

  it('the oldest connection is closed if there are too many, and verified ones stay', async () => {
    const kept = await verified();
    const idle: Raw[] = [];
    for (let i = 0; i < 4; i += 1) {
      const raw = own.raw();
      await raw.opened;
      idle.push(raw);
    }
    expect((await idle[0]?.closed)?.code).toBe(1006);
    expect(idle[3]?.socket.readyState).toBe(1);
    kept.send(subscribe('a'));
    await until(() => kept.messages.some(({ type }) => type === 'complete'));
  });
});

describe('a verified connection', () => {
  it.each<[string, unknown, number]>([
    ['text that is not JSON', 'x', 4400],
    ['a list', [], 4400],
    ['an unknown type', { type: 'start', id: 'a', payload: {} }, 4400],
    ['an operation without a query', subscribe('a', {}), 4400],
    ['a query that is not a string', subscribe('a', { query: { a: 1 } }), 4400],
    ['variables that are a list', subscribe('a', { query: '{ orders }', variables: [1] }), 4400],
    ['an ID that is not a string', subscribe(1), 4400],
    ['a long ID', subscribe('a'.repeat(129)), 4400],
    ['a second connection_init', { type: 'connection_init', payload: {} }, 4429],
    ['a message that is too large', { type: 'ping', payload: { text: 'x'.repeat(300_000) } }, 1009],
  ])('is closed after %s', async (_, message, code) => {
    const raw = await verified();
    raw.send(message);
    expect((await raw.closed).code).toBe(code);
  });

  it('is closed after two operations with one ID', async () => {
    const raw = await verified();
    raw.send(subscribe('a', { query: '{ slow }' }));
    raw.send(subscribe('a'));
    expect((await raw.closed).code).toBe(4409);
    for (const finish of own.ran.finishSlow.splice(0)) finish();
  });

  it('is closed after too many messages in a second', async () => {
    const raw = await verified();
    for (let i = 0; i < 60; i += 1) raw.send({ type: 'ping' });
    expect(await raw.closed).toMatchObject({ code: 1008, reason: expect.stringContaining('Too many messages') });
  });

  it('survives names of Object.prototype as IDs and as operation names', async () => {
    const raw = await verified();
    for (const id of ['__proto__', 'constructor', 'toString']) {
      raw.send(subscribe(id, { query: '{ orders }', operationName: null, variables: JSON.parse('{"__proto__": 1}') }));
    }
    await until(() => raw.messages.filter(({ type }) => type === 'complete').length === 3);
    expect(raw.messages.filter(({ type }) => type === 'next').map(({ payload }) => payload.data)).toEqual(
      Array.from({ length: 3 }, () => ({ orders: ['a', 'b'] })),
    );
  });

  it('can subscribe with variables that nest deeper than the stack', async () => {
    const raw = await verified();
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    raw.socket.send(
      `{"type":"subscribe","id":"a","payload":{"query":"subscription { shipped }","variables":{"other":${deep}}}}`,
    );
    await until(() => own.ran.sources.size > 0 || raw.messages.length > 1);
    own.publish('x');
    await until(() => raw.messages.length > 1);
    expect(raw.messages[1]).toMatchObject({ type: 'next', payload: { data: { shipped: 'x' } } });
    raw.socket.close();
  });

  it('does not repeat a key of a document', async () => {
    const raw = await verified();
    raw.send(subscribe('a', { query: `{ ${token} }` }));
    await until(() => raw.messages.length === 2);
    expect(JSON.stringify(raw.messages)).not.toContain(token);
  });
});

it('bytes that wait for a reader are limited: the connection of a reader that reads no results is closed', async () => {
  const wide = await startOwnSockets({ ws: { maxMessages: 10_000 } });
  try {
    const key = await wide.createKey();
    const raw = wide.raw();
    await raw.opened;
    raw.send({ type: 'connection_init', payload: { 'x-api-key': key.token } });
    await until(() => raw.messages.length === 1);
    raw.socket.pause();
    for (let i = 0; i < 40; i += 1) raw.send(subscribe(`${i}`, { query: '{ large }' }));
    const { bytes } = wide.latchkey.streams;
    let most = 0;
    await until(() => {
      most = Math.max(most, bytes.held);
      return wide.sockets.clients.size === 0;
    });
    expect(most).toBeLessThanOrEqual(bytes.max);
    await until(() => bytes.held === 0);
  } finally {
    await wide.close();
  }
});

it('options that would turn off a bound are refused', () => {
  const { latchkey } = own;
  const given = { schema: {} as never, sockets: null };
  expect(() => latchkeyWs(latchkey, { ...given, maxOperations: 0 })).toThrow(
    'latchkeyWs: maxOperations is 0. Allowed: an integer from 1 to 10000.',
  );
  expect(() => latchkeyWs(latchkey, { schema: given.schema } as never)).toThrow('latchkeyWs: sockets');
  expect(() => latchkeyWs(latchkey, given)).toThrow();
});

it('an operation that did not pass the check cannot be executed', () => {
  const hooks = latchkeyWs(own.latchkey, { schema: own.schema, sockets: null });
  expect(() =>
    hooks.execute?.({ schema: own.schema, document: { kind: 'Document', definitions: [] } as never }),
  ).toThrow('was not checked');
});
