import assert from 'node:assert/strict';
import type { Latchkey } from '../../index.js';
import { nothingRan, remaining, until } from '../expect.js';
import type { ConformanceCase } from '../conformanceOptions.js';
import { openStream } from '../streams/openStream.js';
import type { Suite } from '../suite.js';
import type { Key, World } from '../world.js';

const REPORTS = 'subscription { reports }';

/** Changes that end a key, and the code of the last result. */
const ENDINGS: readonly (readonly [string, (world: World, key: Key) => unknown, string])[] = [
  ['is revoked', (world, { id }) => world.revoke(id), 'UNAUTHENTICATED'],
  ['loses the scope', (world, { id }) => world.update(id, { scopes: ['read:users'] }), 'FORBIDDEN'],
  ['is rotated without an overlap', (world, { id }) => world.rotate(id, 'PT0S'), 'UNAUTHENTICATED'],
  ['is expired', (world, { id }) => world.expire(id, world.now), 'UNAUTHENTICATED'],
];

/** Cases about subscriptions. */
export function streamCases<L extends Latchkey>(suite: Suite<L>): readonly ConformanceCase[] {
  if (suite.lacks('NO_STREAMS')) return [withoutStreams(suite)];
  return [
    suite.case('B33 a refused subscription does not open its source', async (world) => {
      const stranger = await world.key(['read:users']);
      const { token } = await world.key(['read:reports']);
      for (const [query, by, code] of [
        [REPORTS, null, 'UNAUTHENTICATED'],
        [REPORTS, `${token}x`, 'UNAUTHENTICATED'],
        [REPORTS, stranger.token, 'FORBIDDEN'],
        ['subscription { alias: reports }', stranger.token, 'FORBIDDEN'],
        ['subscription { ...F } fragment F on Subscription { reports }', stranger.token, 'FORBIDDEN'],
      ] as const) {
        const stream = await openStream(world, query, by);
        await until(() => stream.isOver, 'the refusal');
        stream.close();
        assert.equal(stream.code, code, query);
      }
      const both = await openStream(world, 'subscription { reports ticks }', token);
      await until(() => both.isOver, 'the refusal of two root fields');
      assert.deepEqual(world.sources.opened, []);
    }),
    suite.case(
      'an allowed subscription opens its source once, gets events, and ends it when the caller leaves',
      async (world) => {
        const { token } = await world.key(['read:reports']);
        const stream = await openStream(world, REPORTS, token);
        await until(() => world.sources.opened.length === 1, 'the source');
        world.sources.emit();
        await until(() => stream.results.length === 1, 'an event');
        assert.deepEqual(stream.results[0], { data: { reports: 'reports 1' } });
        stream.close();
        await until(() => world.sources.ended === 1, 'the end of the source');
        assert.deepEqual(world.sources.opened, ['reports']);
      },
    ),
    ...ENDINGS.map(([name, act, code]) =>
      suite.case(`B30 a subscription ends when its key ${name}`, async (world) => {
        const key = await world.key(['read:reports']);
        const stream = await openStream(world, REPORTS, key.token);
        await until(() => world.sources.opened.length === 1, 'the source');
        world.sources.emit();
        await until(() => stream.results.length === 1, 'an event');
        await act(world, key);
        await until(() => stream.isOver, 'the end of the stream');
        await until(() => world.sources.ended === 1, 'the end of the source');
        assert.equal(stream.code, code);
        const again = await openStream(world, REPORTS, key.token);
        await until(() => again.isOver, 'the refusal');
        assert.equal(again.code, code);
        assert.deepEqual(world.sources.opened, ['reports']);
      }),
    ),
    suite.case('B34 opening a subscription counts as a request', async (world) => {
      const { token } = await world.key(['read:reports']);
      const before = remaining(await world.ask('{ any }', { token }));
      const stream = await openStream(world, REPORTS, token);
      await until(() => world.sources.opened.length === 1, 'the source');
      assert.equal(remaining(await world.ask('{ any }', { token })), before - 2);
      stream.close();
    }),
    suite.case(
      'B34 subscriptions beyond the limit of the key are refused, and their source is not opened',
      async (world) => {
        const { token } = await world.key(['read:reports']);
        const first = await openStream(world, REPORTS, token);
        await until(() => world.sources.opened.length === 1, 'the source');
        const second = await openStream(world, 'subscription { alias: reports }', token);
        await until(() => second.isOver, 'the refusal');
        assert.equal(second.code, 'TOO_MANY_STREAMS');
        assert.deepEqual(world.sources.opened, ['reports']);
        first.close();
      },
      { tiers: { GROWTH: { rate: 10_000, burst: 1_000, keys: null, streams: 1 } } },
    ),
  ];
}

/** Asserts the alternative to streams: the subscription is refused as a request. */
function withoutStreams<L extends Latchkey>(suite: Suite<L>): ConformanceCase {
  return suite.case(
    'B33 a server without streams refuses subscriptions, and does not open their source',
    async (world) => {
      const { token } = await world.key(['read:reports']);
      for (const accept of ['application/json', 'text/event-stream', 'multipart/mixed']) {
        for (const by of [null, token]) {
          const headers = [
            ['content-type', 'application/json'],
            ['accept', accept],
            ...(by === null ? [] : [['authorization', `Bearer ${by}`] as const]),
          ] as const;
          const answer = await world.send({ method: 'POST', headers, body: JSON.stringify({ query: REPORTS }) });
          nothingRan(world, answer, [400, 401, 404, 405, 406]);
          assert.deepEqual(world.sources.opened, [], 'the source was opened');
        }
      }
    },
  );
}
