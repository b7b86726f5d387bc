import type { Redis } from 'ioredis';
import type { Change } from '../../../src/core/keys/changeFeed.js';
import { CHANGES } from '../../../src/server/redis/changesChannel.js';
import { connectionTo } from '../../../src/server/redis/redisConnection.js';
import { RedisFeed } from '../../../src/server/redis/redisFeed.js';
import { startRedis, type TestRedis } from '../../support/redis.js';
import { until } from '../../support/until.js';

let server: TestRedis;
let opened: (() => void)[] = [];
beforeEach(async () => {
  server = await startRedis();
});
afterEach(async () => {
  for (const close of opened) close();
  opened = [];
  await server.stop();
});

interface One {
  readonly publisher: Redis;
  readonly changes: RedisFeed<Change>;
  readonly heard: (Change | null)[];
}

async function join(): Promise<One> {
  const [publisher, subscriber] = [connectionTo(server.url), connectionTo(server.url)];
  await Promise.all([publisher.connect(), subscriber.connect()]);
  const changes = new RedisFeed({ publisher, subscriber }, CHANGES);
  opened.push(() => {
    changes.close();
    publisher.disconnect();
    subscriber.disconnect();
  });
  const heard: (Change | null)[] = [];
  changes.subscribe((change) => heard.push(change));
  await changes.listen();
  return { publisher, changes, heard };
}

test('sends a change to all other processes, but not to the sender', async () => {
  const [first, second, third] = [await join(), await join(), await join()] as const;
  const key = { kind: 'key', lookupId: 'abc123' } as const;
  const workspace = { kind: 'workspace', workspaceId: 'the default one' } as const;
  first.changes.publish(key);
  first.changes.publish(workspace);
  second.changes.publish(key);
  await until(() => third.heard.length === 3);
  expect(third.heard.filter((change) => change?.kind === 'workspace')).toEqual([workspace]);
  await until(() => second.heard.length === 2 && first.heard.length === 1);
  expect([first.heard, second.heard]).toEqual([[key], [key, workspace]]);
});

test('ignores messages in another format', async () => {
  const one = await join();
  const redis = server.client();
  const garbage = [
    '',
    'x',
    '{}',
    'a key',
    'a key ',
    'a lock b',
    `a key ${'x'.repeat(201)}`,
    `${'x'.repeat(65)} key b`,
    'x'.repeat(1_000_000),
    'a key b\nc',
  ];
  for (const text of garbage) expect(await redis.publish('latchkey:changes', text)).toBe(1);
  await redis.publish('latchkey:changes', 'a key b');
  await until(() => one.heard.length > 0);
  expect(one.heard).toEqual([{ kind: 'key', lookupId: 'b' }]);
});

test('notifies all other processes of possibly missed changes if a change could not be published', async () => {
  const [first, second, third] = [await join(), await join(), await join()] as const;
  // The other connections stay open: only a message can notify them.
  first.publisher.disconnect(true);
  first.changes.publish({ kind: 'key', lookupId: 'lost' });
  await until(() => second.heard.length > 0 && third.heard.length > 0);
  const later = { kind: 'key', lookupId: 'later' } as const;
  first.changes.publish(later);
  await until(() => second.heard.length > 1 && third.heard.length > 1);
  expect([first.heard, second.heard, third.heard]).toEqual([[], [null, later], [null, later]]);
});

test.each(['kill', 'pause'] as const)(
  'notifies listeners of possibly missed messages (%s) with null after reconnecting',
  async (how) => {
    const [first, second] = [await join(), await join()];
    await server[how]();
    // Neither waits nor throws.
    first.changes.publish({ kind: 'key', lookupId: 'missed' });
    if (how === 'kill') await server.start();
    else {
      // The silent connections are closed, and opened again when Redis responds.
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      server.resume();
    }
    await until(() => second.heard.includes(null) && first.heard.includes(null));
    second.changes.publish({ kind: 'key', lookupId: 'later' });
    await until(async () => {
      if (first.heard.at(-1) !== null) return true;
      // Its publisher may reconnect after its subscriber.
      second.changes.publish({ kind: 'key', lookupId: 'later' });
      await new Promise((resolve) => setTimeout(resolve, 50));
      return false;
    });
    expect(first.heard.at(-1)).toEqual({ kind: 'key', lookupId: 'later' });
  },
);
