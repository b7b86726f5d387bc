import { tierTable } from '../../../src/index.js';
import { until } from '../../support/until.js';
import { listen, startOwnSockets, type OwnSockets } from './ownSockets.js';

const WIDE = { rate: 1_000_000, burst: 1_000_000 };
const SHIPPED = 'subscription { shipped }';

let own: OwnSockets;
beforeAll(async () => {
  own = await startOwnSockets();
});
afterAll(() => own.close());

const revoke = (id: string, by = own) =>
  by.run('mutation ($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { id } } }', { id });

/** A connection whose end is recorded. */
function connected(by: OwnSockets, token: string) {
  const closings: { code: number; reason: string }[] = [];
  const client = by.client(token, {
    lazy: false,
    on: { closed: (event) => closings.push(event as { code: number; reason: string }) },
  });
  return { client, closings };
}

it('receives events, until the client stops', async () => {
  const { token } = await own.createKey();
  const { client } = connected(own, token);
  const listening = listen(client, SHIPPED);
  await until(() => own.ran.sources.size === 1);
  own.publish('1');
  own.publish('2');
  await until(() => listening.results.length === 2);
  expect(listening.results).toEqual([{ data: { shipped: '1' } }, { data: { shipped: '2' } }]);
  listening.stop();
  await until(() => own.ran.sources.size === 0);
});

it('is refused without the scope, and the source is not opened', async () => {
  const { token } = await own.createKey({ scopes: ['write:orders'] });
  const { client } = connected(own, token);
  const listening = listen(client, SHIPPED);
  await until(() => listening.error !== null);
  expect(listening.error).toMatchObject([{ extensions: { code: 'FORBIDDEN', missing: ['read:orders'] } }]);
  expect(own.ran.sources.size).toBe(0);
});

it('ends with its connection when the key is revoked, even without an event', async () => {
  const key = await own.createKey();
  const { client, closings } = connected(own, key.token);
  const listening = listen(client, SHIPPED);
  await until(() => own.ran.sources.size === 1);
  await revoke(key.id);
  await until(() => closings.length === 1);
  expect(closings).toMatchObject([{ code: 4401, reason: expect.stringContaining('was revoked') }]);
  expect(listening.results).toEqual([
    { errors: [expect.objectContaining({ extensions: { code: 'UNAUTHENTICATED', reason: 'revoked' } })] },
  ]);
  await until(() => own.ran.sources.size === 0);
});

it('a connection without operations is also closed when the key is revoked', async () => {
  const key = await own.createKey();
  const { client, closings } = connected(own, key.token);
  let isConnected = false;
  client.on('connected', () => (isConnected = true));
  await until(() => isConnected);
  await revoke(key.id);
  await until(() => closings.length === 1);
  expect(closings).toMatchObject([{ code: 4401 }]);
});

it('ends when the key loses the scope, and the connection stays open', async () => {
  const key = await own.createKey();
  const { client, closings } = connected(own, key.token);
  const lost = listen(client, SHIPPED);
  const kept = listen(client, 'subscription { opened }');
  await until(() => own.ran.sources.size === 2);
  await own.run('mutation ($input: UpdateApiKeyInput!) { updateApiKey(input: $input) { apiKey { id } } }', {
    input: { id: key.id, scopes: ['write:orders'] },
  });
  await until(() => lost.isComplete);
  expect(lost.results).toEqual([
    { errors: [expect.objectContaining({ extensions: expect.objectContaining({ code: 'FORBIDDEN' }) })] },
  ]);
  own.publish('3');
  await until(() => kept.results.length === 1);
  expect([kept.isComplete, closings]).toEqual([false, []]);
  kept.stop();
  await until(() => own.ran.sources.size === 0);
});

it('ends with its connection when the key expires, although nothing is announced', async () => {
  let now = Date.now();
  const clocked = await startOwnSockets({ latchkey: { now: () => now, cacheTtl: 100 } });
  try {
    const key = await clocked.createKey({ expiresAt: new Date(now + 3_600_000).toISOString() });
    const { client, closings } = connected(clocked, key.token);
    listen(client, SHIPPED);
    await until(() => clocked.ran.sources.size === 1);
    now += 3_600_001;
    await until(() => closings.length === 1);
    expect(closings).toMatchObject([{ code: 4401, reason: expect.stringContaining('has expired') }]);
  } finally {
    await clocked.close();
  }
});

it('counts each event, and ends when the limit of the key is reached', async () => {
  const tiers = tierTable({ ANONYMOUS: WIDE, GROWTH: { rate: 3, burst: 3 } });
  const limited = await startOwnSockets({ latchkey: { tiers } });
  try {
    const { token } = await limited.createKey();
    const { client } = connected(limited, token);
    const listening = listen(client, SHIPPED);
    await until(() => limited.ran.sources.size === 1);
    for (const value of ['1', '2', '3']) limited.publish(value);
    await until(() => listening.isComplete);
    expect(listening.results).toEqual([
      { data: { shipped: '1' } },
      { data: { shipped: '2' } },
      { errors: [expect.objectContaining({ extensions: expect.objectContaining({ code: 'RATE_LIMITED' }) })] },
    ]);
  } finally {
    await limited.close();
  }
});

it('of a reader that is too slow ends with STREAM_OVERFLOW', async () => {
  const { token } = await own.createKey();
  const raw = own.raw();
  await raw.opened;
  raw.send({ type: 'connection_init', payload: { 'x-api-key': token } });
  await until(() => raw.messages.length === 1);
  raw.send({ type: 'subscribe', id: 'a', payload: { query: SHIPPED } });
  await until(() => own.ran.sources.size === 1);
  raw.socket.pause();
  // The buffers of the connection take some of them.
  const value = 'x'.repeat(500_000);
  await until(() => {
    own.publish(value);
    return own.ran.sources.size === 0;
  });
  raw.socket.resume();
  await until(() => raw.messages.some(({ type }) => type === 'complete'));
  expect(raw.messages.at(-2)).toMatchObject({
    type: 'next',
    payload: { errors: [{ extensions: { code: 'STREAM_OVERFLOW' } }] },
  });
  raw.socket.terminate();
});

it('latchkey.close ends connections, so that clients connect to another server', async () => {
  const closing = await startOwnSockets();
  const { token } = await closing.createKey();
  const { client, closings } = connected(closing, token);
  listen(client, SHIPPED);
  await until(() => closing.ran.sources.size === 1);
  await closing.latchkey.close();
  await until(() => closings.length === 1);
  expect(closings).toMatchObject([{ code: 1013, reason: expect.stringContaining('stopping') }]);
  await closing.close();
});
