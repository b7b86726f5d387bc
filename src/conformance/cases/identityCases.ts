import assert from 'node:assert/strict';
import type { Latchkey } from '../../index.js';
import { allowed, refused } from '../expect.js';
import type { ConformanceCase } from '../conformanceOptions.js';
import type { Suite } from '../suite.js';
import type { Key, World } from '../world.js';

const REPORT = '{ report { id } }';
const DATA = { report: { id: 'r1' } };

/** Returns a key that has been used, so that everything about it is cached. */
async function usedKey(world: World): Promise<Key> {
  const key = await world.key(['read:reports']);
  for (let i = 0; i < 3; i += 1) allowed(await world.ask(REPORT, { token: key.token }), DATA);
  world.ran.length = 0;
  return key;
}

/** Cases about decisions that were cached, and about stores that are away. */
export function identityCases<L extends Latchkey>(suite: Suite<L>): readonly ConformanceCase[] {
  return [
    suite.case('B30 a revoked key is refused at the next request', async (world) => {
      const [key, other] = [await usedKey(world), await usedKey(world)];
      await world.revoke(key.id);
      const answer = await world.ask(REPORT, { token: key.token });
      refused(world, answer, { status: 401, code: 'UNAUTHENTICATED', details: { reason: 'revoked' } });
      allowed(await world.ask(REPORT, { token: other.token }), DATA);
    }),
    suite.case('B30 an expired key is refused at the next request', async (world) => {
      const key = await usedKey(world);
      await world.expire(key.id, world.now + 60_000);
      allowed(await world.ask(REPORT, { token: key.token }), DATA);
      world.ran.length = 0;
      world.pass(60_001);
      const answer = await world.ask(REPORT, { token: key.token });
      refused(world, answer, { status: 401, code: 'UNAUTHENTICATED', details: { reason: 'expired' } });
    }),
    suite.case('B30 a rotated key: without an overlap only its successor works', async (world) => {
      const key = await usedKey(world);
      const successor = await world.rotate(key.id, 'PT0S');
      refused(world, await world.ask(REPORT, { token: key.token }), { status: 401, code: 'UNAUTHENTICATED' });
      allowed(await world.ask(REPORT, { token: successor }), DATA);
    }),
    suite.case('B30 changed scopes apply at the next request', async (world) => {
      const key = await usedKey(world);
      await world.update(key.id, { scopes: ['read:users'] });
      refused(world, await world.ask(REPORT, { token: key.token }), { status: 403, code: 'FORBIDDEN' });
      await world.update(key.id, { scopes: ['read:reports'] });
      allowed(await world.ask(REPORT, { token: key.token }), DATA);
    }),
    suite.case('B30 a decision is not cached without its variables and its caller', async (world) => {
      const [reader, stranger] = [await world.key(['read:reports']), await world.key(['read:users'])];
      const query = 'query ($v: Boolean!) { open report @include(if: $v) { id } }';
      for (let i = 0; i < 2; i += 1) {
        allowed(await world.ask(query, { token: stranger.token, variables: { v: false } }), { open: 'yes' });
        allowed(await world.ask(query, { token: reader.token, variables: { v: true } }), { open: 'yes', ...DATA });
        world.ran.length = 0;
        const answer = await world.ask(query, { token: stranger.token, variables: { v: true } });
        refused(world, answer, { status: 403, code: 'FORBIDDEN' });
      }
    }),
    suite.case(
      'B31 a store that is away: 503 with Retry-After, for known and unknown keys',
      async (world) => {
        const [known, unknown] = [await usedKey(world), await world.key(['read:reports'])];
        await world.store.close();
        for (const { token } of [known, unknown]) {
          const answer = await world.ask(REPORT, { token });
          refused(world, answer, { status: 503, code: 'UNAVAILABLE', details: { retryAfter: 1 } });
          assert.equal(answer.headers.get('retry-after'), '1');
        }
        allowed(await world.ask('{ open }'), { open: 'yes' });
      },
      { ownStore: true },
    ),
    suite.case('B32 responses for a key must not be stored by a shared cache', async (world) => {
      const { token } = await world.key(['read:reports']);
      for (const query of [REPORT, '{ open }', '{ board { salary } }', '{ unknown }']) {
        const { headers, text } = await world.ask(query, { token });
        assert.match(headers.get('cache-control') ?? '', /\b(?:private|no-store)\b/, text);
      }
    }),
  ];
}
