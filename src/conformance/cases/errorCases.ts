import assert from 'node:assert/strict';
import type { Latchkey } from '../../index.js';
import { INTERNAL_SECRET } from '../testDomain.js';
import { nothingRan, wellFormed } from '../expect.js';
import type { ConformanceCase } from '../conformanceOptions.js';
import type { Suite } from '../suite.js';

/** Cases about errors of resolvers and of the request. */
export function errorCases<L extends Latchkey>(suite: Suite<L>): readonly ConformanceCase[] {
  return [
    ...(suite.lacks('FORWARDED_ERRORS') ? forwardedErrors(suite) : ownErrors(suite)),
    suite.case('a refusal of a resolver is sent with its code and message', async (world) => {
      const { token } = await world.key();
      const answer = await world.ask('{ refusing any }', { token });
      wellFormed(answer);
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(answer.body?.data, { refusing: null, any: 'anybody' });
      assert.equal(answer.body.errors?.[0]?.extensions?.code, 'NOT_FOUND');
      assert.equal(answer.body.errors[0].message, 'There is no such order. Check the ID.');
    }),
    suite.case('a token in a document is not repeated in an error', async (world) => {
      const { token } = await world.key();
      for (const query of [`{ ${token} }`, `{ search(text: ${token}) }`, `{ open(${token}: 1) }`]) {
        const answer = await world.ask(query, { token });
        nothingRan(world, answer, [400]);
        wellFormed(answer);
        assert.ok(!answer.text.includes(token), answer.text);
      }
    }),
    suite.case('errors of the request have a code, a message and status 400', async (world) => {
      for (const body of [
        { query: '{ open' },
        { query: '{ unknown }' },
        { query: 'query A { open }', operationName: 'B' },
        { query: 'query ($v: Int!) { node(id: $v) { id } }', variables: {} },
        { query: 7 },
        { query: '{ open }', variables: 'x' },
        {},
      ]) {
        const answer = await world.post(JSON.stringify(body));
        nothingRan(world, answer, [400]);
        wellFormed(answer);
        assert.ok((answer.body?.errors ?? []).length >= 1, answer.text);
        assert.ok(!('data' in (answer.body ?? {})), answer.text);
      }
    }),
  ];
}

/** Cases about errors of resolvers that the server formats itself. */
function ownErrors<L extends Latchkey>(suite: Suite<L>): readonly ConformanceCase[] {
  return [
    suite.case('an unexpected error of a resolver is hidden from the caller, and reported', async (world) => {
      const answer = await world.ask('{ failing open }');
      wellFormed(answer);
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(answer.body?.data, { failing: null, open: 'yes' });
      assert.deepEqual(
        answer.body.errors?.map(({ path, extensions }) => [path, extensions?.code]),
        [[['failing'], 'INTERNAL_SERVER_ERROR']],
      );
      assert.ok(!answer.text.includes(INTERNAL_SECRET) && !answer.text.includes('ECONNREFUSED'), answer.text);
      const reported = world.hidden.map((error) => (error instanceof Error ? error.message : String(error)));
      assert.ok(
        reported.some((message) => message.includes(INTERNAL_SECRET)),
        `reported: ${reported.join(', ')}`,
      );
    }),
    suite.case('errors of many fields: at most 20 are sent', async (world) => {
      const { token } = await world.key();
      const answer = await world.ask('{ faults(count: 100) { text } }', { token });
      wellFormed(answer);
      assert.equal(answer.body?.errors?.length, 20, answer.text.slice(0, 2_000));
      assert.equal((answer.body.data as { faults: unknown[] }).faults.length, 100);
      assert.ok(!answer.text.includes(INTERNAL_SECRET));
    }),
    suite.case('an error with a code is sent, without tokens', async (world) => {
      const { token } = await world.key();
      world.leak.text = token;
      const answer = await world.ask('{ telling }');
      wellFormed(answer);
      assert.equal(answer.body?.errors?.[0]?.extensions?.code, 'OUT_OF_STOCK', answer.text);
      assert.match(answer.body.errors[0].message, /is out of stock/);
      assert.ok(!answer.text.includes(token), answer.text);
    }),
  ];
}

/** Cases about errors of resolvers that another server has formatted. */
function forwardedErrors<L extends Latchkey>(suite: Suite<L>): readonly ConformanceCase[] {
  return [
    suite.case(
      'an unexpected error of a resolver of another server is sent with its path, and not reported',
      async (world) => {
        const answer = await world.ask('{ failing open }');
        assert.equal(answer.status, 200, answer.text);
        assert.deepEqual(answer.body?.data, { failing: null, open: 'yes' });
        assert.deepEqual(
          answer.body.errors?.map(({ path }) => path),
          [['failing']],
        );
        assert.deepEqual(world.hidden, []);
      },
    ),
    suite.case('errors of many fields of another server: all are sent', async (world) => {
      const { token } = await world.key();
      const answer = await world.ask('{ faults(count: 100) { text } }', { token });
      assert.deepEqual(
        answer.body?.errors?.map(({ path }) => path),
        Array.from({ length: 100 }, (_, i) => ['faults', i, 'text']),
      );
    }),
    suite.case('an error of another server is sent with its message and extensions', async (world) => {
      world.leak.text = 'A-1';
      const answer = await world.ask('{ telling }');
      const [{ message, extensions } = { message: '' }] = answer.body?.errors ?? [];
      assert.equal(message, 'The key A-1 is out of stock.');
      assert.deepEqual(extensions, { code: 'OUT_OF_STOCK', token: 'A-1' });
    }),
  ];
}
