import type { Client } from 'graphql-ws';
import { WebSocket } from 'ws';
import { until } from '../../support/until.js';
import { results, startOwnSockets, type OwnSockets } from './ownSockets.js';

let own: OwnSockets;
let token: string;
beforeAll(async () => {
  own = await startOwnSockets();
  ({ token } = await own.createKey());
});
afterAll(() => own.close());

const ORDERS = [{ data: { orders: ['a', 'b'] } }];

/** Returns the code and the reason with which the server closes a client's connection. */
const closing = (client: Client): Promise<unknown> =>
  results(client, '{ orders }').then(
    (all) => all,
    (closed: unknown) => {
      const { code, reason } = closed as { code: number; reason: string };
      return { code, reason };
    },
  );

const withProtocols = (...more: string[]) =>
  class extends WebSocket {
    constructor(url: string, protocol: string) {
      super(url, [protocol, ...more]);
    }
  };

const withHeaders = (headers: Record<string, string>) =>
  class extends WebSocket {
    constructor(url: string, protocol: string) {
      super(url, protocol, { headers });
    }
  };

describe('a key is accepted', () => {
  it.each<[string, object]>([
    ['Authorization: Bearer', { Authorization: 'Bearer KEY' }],
    ['authorization: Api-Key', { authorization: 'Api-Key KEY' }],
    ['X-API-Key', { 'X-API-Key': 'KEY' }],
  ])('in connection_init, as %s', async (_, params) => {
    const connectionParams = JSON.parse(JSON.stringify(params).replace('KEY', token)) as Record<string, unknown>;
    expect(await results(own.client(null, { connectionParams }), '{ orders }')).toEqual(ORDERS);
  });

  it('in Sec-WebSocket-Protocol, and the server does not repeat it', async () => {
    const client = own.client(null, { webSocketImpl: withProtocols(`bearer.${token}`) });
    expect(await results(client, '{ orders }')).toEqual(ORDERS);
    const raw = own.raw({ protocols: ['graphql-transport-ws', `bearer.${token}`] });
    await raw.opened;
    expect(raw.socket.protocol).toBe('graphql-transport-ws');
  });

  it('in a header field', async () => {
    const webSocketImpl = withHeaders({ authorization: `Bearer ${token}` });
    expect(await results(own.client(null, { webSocketImpl }), '{ orders }')).toEqual(ORDERS);
  });

  it('in several places, if it is the same key', async () => {
    const webSocketImpl = withHeaders({ 'x-api-key': token });
    expect(await results(own.client(token, { webSocketImpl }), '{ orders }')).toEqual(ORDERS);
  });

  it('together with the login of a proxy', async () => {
    const webSocketImpl = withHeaders({ authorization: 'Basic cHJveHk6bG9naW4=' });
    const connectionParams = { 'x-api-key': token };
    expect(await results(own.client(null, { webSocketImpl, connectionParams }), '{ orders }')).toEqual(ORDERS);
  });
});

describe('a connection is closed', () => {
  it('with 4401 without a key', async () => {
    expect(await closing(own.client(null))).toEqual({
      code: 4401,
      reason: 'No API key. Send it in the payload of connection_init: {"authorization": "Bearer <key>"}.',
    });
  });

  it('with 4401 for an unknown, a malformed and a revoked key', async () => {
    const revoked = await own.createKey();
    await own.run('mutation ($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { id } } }', { id: revoked.id });
    expect(await closing(own.client('wrong'))).toMatchObject({
      code: 4401,
      reason: expect.stringContaining('malformed'),
    });
    expect(await closing(own.client(revoked.token))).toEqual({
      code: 4401,
      reason: 'The API key was revoked. Ask an administrator of the workspace for a new one.',
    });
  });

  it('with 4403 for a key that may not be used from this address', async () => {
    const elsewhere = await own.createKey({ allowedAddresses: ['203.0.113.7'] });
    expect(await closing(own.client(elsewhere.token))).toMatchObject({
      code: 4403,
      reason: expect.stringContaining('address'),
    });
  });

  it.each<[string, (other: string) => Client]>([
    [
      'connection_init and a header field',
      (other) => own.client(token, { webSocketImpl: withHeaders({ 'x-api-key': other }) }),
    ],
    [
      'connection_init and a subprotocol',
      (other) => own.client(token, { webSocketImpl: withProtocols(`bearer.${other}`) }),
    ],
    [
      'two fields of connection_init',
      (other) => own.client(null, { connectionParams: { authorization: `Bearer ${token}`, 'X-API-Key': other } }),
    ],
    [
      'two spellings of one field',
      (other) =>
        own.client(null, { connectionParams: { authorization: `Bearer ${token}`, Authorization: `Bearer ${other}` } }),
    ],
  ])('with 4400 for two different keys, in %s', async (_, clientWith) => {
    const other = await own.createKey();
    expect(await closing(clientWith(other.token))).toEqual({
      code: 4400,
      reason: 'The connection has two different credentials. Send one key.',
    });
  });

  it.each(['api_key', 'access_token', 'x'])(
    'with 4400 for a key in the URL, as %s, even if it is also sent elsewhere',
    async (name) => {
      expect(await closing(own.client(token, { url: `${own.url}?${name}=${token}` }))).toEqual({
        code: 4400,
        reason: 'The key is in the URL, which is logged. Replace the key, and send the new one in connection_init.',
      });
    },
  );

  it('with 4400 for a key that is not a string', async () => {
    expect(await closing(own.client(null, { connectionParams: { authorization: [token] } }))).toMatchObject({
      code: 4400,
    });
  });

  it('and its place is free again', async () => {
    await until(() => own.latchkey.streams.size <= 8);
    const before = own.latchkey.streams.size;
    await closing(own.client(null));
    await until(() => own.latchkey.streams.size === before);
  });
});

test('counts connections by the tier of the key', async () => {
  const small = await startOwnSockets({ latchkey: { defaultTier: 'STARTER' } });
  try {
    const key = await small.createKey();
    const first = small.client(key.token, { lazy: false });
    const second = small.client(key.token, { lazy: false });
    await until(() => small.latchkey.streams.size === 2);
    expect(await closing(small.client(key.token))).toMatchObject({
      code: 4429,
      reason: expect.stringContaining("tier's limit of 2 open streams"),
    });
    await first.dispose();
    await until(() => small.latchkey.streams.size === 1);
    expect(await results(small.client(key.token), '{ orders }')).toEqual(ORDERS);
    await second.dispose();
  } finally {
    await small.close();
  }
});
