import assert from 'node:assert/strict';
import type { Latchkey } from '../../index.js';
import { allowed, nothingRan, refused, remaining, times } from '../expect.js';
import type { Answer } from '../httpRequest.js';
import type { ConformanceCase } from '../conformanceOptions.js';
import type { Suite } from '../suite.js';
import type { World, WorldOptions } from '../world.js';

const ANY = '{ any }';
const DATA = { any: 'anybody' };
const BURST = 5;
const MINUTE = 60_000;
/** The rate and the burst are equal, so that the fields describe the same number of requests left in both. */
const FULL = { limit: BURST, window: 60 };
const LOW: WorldOptions = { tiers: { GROWTH: { rate: BURST, burst: BURST, keys: null } } };
const LOW_ANONYMOUS: WorldOptions = { tiers: { ANONYMOUS: { rate: BURST, burst: BURST } } };

/** Requests that fail before an operation runs. */
const FAILING: readonly (readonly [string, object, number])[] = [
  ['a syntax error', { query: '{ any' }, 400],
  ['an empty document', { query: '' }, 400],
  ['an unknown field', { query: '{ unknown }' }, 400],
  ['an unknown operation', { query: 'query A { any }', operationName: 'B' }, 400],
  [
    'a variable of the wrong type',
    { query: 'query ($v: Int!) { items(count: $v) { id } }', variables: { v: 'x' } },
    400,
  ],
  ['no operation', { variables: {} }, 400],
  ['a missing scope', { query: '{ report { id } }' }, 403],
];

/** Documents whose cost is hidden, and their cost. */
const COSTS: readonly (readonly [string, number])[] = [
  ['{ any }', 1],
  ['{ a: any b: any c: any }', 3],
  ['{ ...F ...F } fragment F on Query { any }', 2],
  ['{ ...__schema } fragment __schema on Query { a: any b: any }', 2],
  ['{ a: __typename b: __typename }', 2],
  ['mutation { a: touch b: touch }', 2],
];

/** Query and `items` cost 1 each, and so does each item: an estimate of 12, because a list of items can have 10. */
const ONE_ITEM = '{ items(count: 1) { id } }';
const ONE_ITEM_DATA = { items: [{ id: 0 }] };
const COSTLY: WorldOptions = { tiers: { GROWTH: { cost: { max: 20, rate: 24, burst: 24 }, keys: null } } };

/** Cases about counting requests. */
export function limitCases<L extends Latchkey>(suite: Suite<L>): readonly ConformanceCase[] {
  return [
    suite.case(
      'B37 concurrent requests: exactly the burst is admitted',
      async (world) => {
        const { token } = await world.key();
        const answers = await Promise.all(Array.from({ length: 2 * BURST }, () => world.ask(ANY, { token })));
        const admitted = answers.filter(({ status }) => status === 200);
        assert.equal(admitted.length, BURST);
        assert.equal(world.ran.length, BURST);
        assert.deepEqual(admitted.map(remaining).sort(), [0, 1, 2, 3, 4]);
        for (const answer of answers) if (answer.status !== 200) limited(answer, FULL);
        world.pass(MINUTE);
        allowed(await world.ask(ANY, { token }), DATA);
        const other = await world.key();
        assert.equal(remaining(await world.ask(ANY, { token: other.token })), BURST - 1);
      },
      LOW,
    ),
    suite.case(
      'two concurrent requests for the last place: one is admitted',
      async (world) => {
        const { token } = await world.key();
        for (let i = 1; i < BURST; i += 1) allowed(await world.ask(ANY, { token }), DATA);
        const answers = await Promise.all([world.ask(ANY, { token }), world.ask(ANY, { token })]);
        assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 429]);
        assert.equal(world.ran.length, BURST);
      },
      LOW,
    ),
    suite.case(
      'the rate of a minute is exact',
      async (world) => {
        const { token } = await world.key();
        for (let second = 0; second < 4; second += 1) {
          for (let i = 0; i < BURST; i += 1) allowed(await world.ask(ANY, { token }), DATA);
          world.pass(1_000);
        }
        limited(await world.ask(ANY, { token }), { limit: 20, window: 60 });
        assert.equal(world.ran.length, 20);
        world.pass(56_000);
        allowed(await world.ask(ANY, { token }), DATA);
      },
      { tiers: { GROWTH: { rate: 20, burst: BURST, keys: null } } },
    ),
    suite.case(
      'B37 the cost of aliases, fragments and mutations is counted',
      async (world) => {
        for (const [query, cost] of COSTS) {
          const { token } = await world.key();
          const answer = await world.ask(query, { token });
          assert.equal(answer.status, 200, answer.text);
          assert.equal(remaining(answer), BURST - cost, query);
        }
      },
      LOW,
    ),
    suite.case(
      'B39 an operation that costs more than the burst never runs: 400, counted once',
      async (world) => {
        const { token } = await world.key();
        const queries = [
          `{ ${times(6, (i) => `a${i}: any`)} }`,
          `{ ${times(6, (i) => `t${i}: __typename`)} }`,
          `mutation { ${times(6, (i) => `m${i}: touch`)} }`,
        ];
        for (const [i, query] of queries.entries()) {
          const answer = await world.ask(query, { token });
          const details = { cost: 6, burst: BURST };
          const { message } = refused(world, answer, { status: 400, code: 'COST_EXCEEDS_BURST', details });
          assert.match(message, /Split it/);
          assert.equal(remaining(answer), BURST - 1 - i);
        }
      },
      LOW,
    ),
    suite.case(
      'an operation that costs more than the rest of the limit: 429, nothing runs',
      async (world) => {
        const { token } = await world.key();
        allowed(await world.ask('{ a: any b: any c: any }', { token }), { a: 'anybody', b: 'anybody', c: 'anybody' });
        world.ran.length = 0;
        limited(await world.ask('mutation { a: touch b: touch c: touch }', { token }), FULL);
        assert.deepEqual(world.ran, []);
      },
      LOW,
    ),
    suite.case(
      'an operation that costs more than the tier allows never runs: 400, and a cheaper one runs',
      async (world) => {
        const { token } = await world.key();
        const answer = await world.ask('{ a: items(count: 1) { id } b: items(count: 1) { id } }', { token });
        const { message } = refused(world, answer, {
          status: 400,
          code: 'COST_EXCEEDED',
          details: { cost: 23, limit: 20 },
        });
        assert.match(message, /Query\.items \(22\)/);
        allowed(await world.ask(ONE_ITEM, { token }), ONE_ITEM_DATA);
      },
      COSTLY,
    ),
    suite.case(
      'the difference between the estimate and the cost of the response is given back',
      async (world) => {
        const { token } = await world.key();
        // Each of them costs 3 of 24, and needs room for 12.
        for (let i = 0; i < 5; i += 1) allowed(await world.ask(ONE_ITEM, { token }), ONE_ITEM_DATA);
        world.ran.length = 0;
        refused(world, await world.ask(ONE_ITEM, { token }), {
          status: 429,
          code: 'RATE_LIMITED',
          details: { unit: 'cost', limit: 24 },
        });
      },
      COSTLY,
    ),
    suite.case('a request can get its cost in the response', async (world) => {
      const { token } = await world.key();
      const asked = await world.ask(ONE_ITEM, { token, headers: [['latchkey-cost', 'report']] });
      assert.deepEqual(asked.body, { data: ONE_ITEM_DATA, extensions: { cost: { estimate: 12, actual: 3 } } });
      allowed(await world.ask(ONE_ITEM, { token }), ONE_ITEM_DATA);
    }),
    ...FAILING.map(([name, body, status]) =>
      suite.case(
        `${name} counts as one request, and reports the limits`,
        async (world) => {
          const { token } = await world.key();
          const headers = [['authorization', `Bearer ${token}`]] as const;
          for (let left = BURST - 1; left >= 0; left -= 1) {
            const answer = await world.post(JSON.stringify(body), headers);
            nothingRan(world, answer, [status]);
            assert.equal(remaining(answer), left, answer.text);
          }
          limited(await world.post(JSON.stringify(body), headers), FULL);
          limited(await world.ask(ANY, { token }), FULL);
          assert.deepEqual(world.ran, []);
        },
        LOW,
      ),
    ),
    ...['', '{}', '[]', '{"query": "{ any }"'].map((body) =>
      suite.case(
        `the body ${body || '""'} without an operation is refused with 400`,
        (world) => unreadBody(world, body),
        LOW,
      ),
    ),
    ...(suite.lacks('NO_ADDRESS') ? [withoutAddress(suite)] : byNetwork(suite)),
    suite.case(
      'the older header fields, if they are selected',
      async (world) => {
        const { token } = await world.key();
        const { headers } = await world.ask(ANY, { token });
        assert.equal(headers.get('ratelimit-limit'), '5');
        assert.equal(headers.get('ratelimit-remaining'), '4');
        assert.match(headers.get('ratelimit-reset') ?? '', /^\d+$/);
        assert.equal(headers.has('ratelimit'), false);
      },
      { ...LOW, latchkey: { rateLimitHeaders: 'legacy' } },
    ),
  ];
}

/** Cases about callers without a key. */
function byNetwork<L extends Latchkey>(suite: Suite<L>): readonly ConformanceCase[] {
  return [
    suite.case(
      'without a key, requests are counted by network',
      async (world) => {
        const answers: Answer[] = [];
        for (let i = 0; i < BURST; i += 1) answers.push(await world.ask('{ open }'));
        for (const answer of answers) allowed(answer, { open: 'yes' });
        assert.deepEqual(answers.map(remaining), [4, 3, 2, 1, 0]);
        world.ran.length = 0;
        limited(await world.ask('{ open }'), FULL);
        assert.deepEqual(world.ran, []);
        const { token } = await world.key();
        allowed(await world.ask('{ open }', { token }), { open: 'yes' });
        world.pass(MINUTE);
        allowed(await world.ask('{ open }'), { open: 'yes' });
      },
      LOW_ANONYMOUS,
    ),
    suite.case(
      'without a key, failed requests and costs are counted once',
      async (world) => {
        const failed = await world.ask('{ unknown }');
        nothingRan(world, failed, [400]);
        assert.equal(remaining(failed), BURST - 1);
        assert.equal(remaining(await world.ask('{ report { id } }')), BURST - 2);
        const both = await world.ask('{ a: open b: open }');
        assert.equal(both.status, 200, both.text);
        assert.equal(remaining(both), BURST - 4);
      },
      LOW_ANONYMOUS,
    ),
  ];
}

/** Asserts the alternative to counting by network. */
function withoutAddress<L extends Latchkey>(suite: Suite<L>): ConformanceCase {
  return suite.case(
    'without an address, requests without a key are not counted',
    async (world) => {
      for (let i = 0; i <= BURST; i += 1) {
        const answer = await world.ask('{ open }');
        allowed(answer, { open: 'yes' });
        assert.equal(answer.headers.has('ratelimit'), false);
      }
    },
    LOW_ANONYMOUS,
  );
}

async function unreadBody(world: World, body: string): Promise<void> {
  const { token } = await world.key();
  const headers = [['authorization', `Bearer ${token}`]] as const;
  const answer = await world.post(body, headers);
  nothingRan(world, answer, world.lacks('UNCOUNTED_REQUESTS') ? [400, 500] : [400]);
  const counted = world.lacks('UNCOUNTED_REQUESTS') ? 0 : 1;
  assert.equal(remaining(await world.ask(ANY, { token })), BURST - 1 - counted);
}

/** Asserts a 429: its error, and that its header fields agree with it. */
function limited(answer: Answer, { limit, window }: { limit: number; window: number } = FULL): void {
  const world = { ran: [] };
  const { message, extensions } = refused(world, answer, {
    status: 429,
    code: 'RATE_LIMITED',
    details: { limit, window },
  });
  assert.match(message, /Try again in \d+ s/);
  const retryAfter = Number(extensions?.retryAfter);
  assert.ok(Number.isInteger(retryAfter) && retryAfter >= 1 && retryAfter <= window, answer.text);
  assert.equal(answer.headers.get('retry-after'), String(retryAfter));
  assert.match(answer.headers.get('ratelimit-policy') ?? '', /"burst";q=5;w=1/);
  remaining(answer);
  assert.equal(answer.headers.get('www-authenticate'), undefined);
}
