import assert from 'node:assert/strict';
import type { Latchkey } from '../../index.js';
import { allowed, nothingRan, refused, remaining, times, wellFormed } from '../expect.js';
import type { ConformanceCase } from '../conformanceOptions.js';
import type { Suite } from '../suite.js';
import type { WorldOptions } from '../world.js';

const SMALL: WorldOptions = {
  latchkey: {
    document: { tokens: 100, depth: 4, aliases: 8, directives: 4, lines: 20 },
    answer: { fields: 50, bytes: 2_000 },
  },
};

/** Documents beyond a bound, the error's text, and one next to it that runs. */
const BEYOND: readonly (readonly [string, string, RegExp, string])[] = [
  ['tokens', `{ ${'any '.repeat(120)} }`, /100 tokens/, `{ ${'any '.repeat(90)} }`],
  [
    'depth',
    `{ items(count: 1) { inner { inner { inner { id } } } } }`,
    /depth limit of 4 exceeded/,
    '{ items(count: 1) { inner { inner { id } } } }',
  ],
  [
    'aliases',
    `{ ${times(9, (i) => `a${i}: any`)} }`,
    /Aliases limit of 8 exceeded/,
    `{ ${times(8, (i) => `a${i}: any`)} }`,
  ],
  [
    'directives',
    `{ any ${times(5, () => '@skip(if: false)')} open }`,
    /Directives limit of 4 exceeded|can only be used once/,
    '{ any @skip(if: false) open @skip(if: false) }',
  ],
  ['lines', `{ any ${'\n'.repeat(30)} }`, /lines/, `{ any ${'\n'.repeat(10)} }`],
];

/** 30 fragments, each of which spreads the next one twice: 2^30 paths to the last. */
const FAN_OUT = `{ ...F0 } ${times(30, (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`)} fragment F30 on Query { any }`;

/** Cases about the size of documents and responses. */
export function boundCases<L extends Latchkey>(suite: Suite<L>): readonly ConformanceCase[] {
  return [
    ...BEYOND.map(([what, beyond, message, within]) =>
      suite.case(
        `B41 too many ${what} in a document: 400 with the limit, counted once`,
        async (world) => {
          const { token } = await world.key();
          const before = remaining(await world.ask('{ any }', { token }));
          world.ran.length = 0;
          const answer = await world.ask(beyond, { token });
          nothingRan(world, answer, [400]);
          wellFormed(answer);
          assert.match(answer.body?.errors?.[0]?.message ?? '', message);
          assert.equal(remaining(answer), before - 1);
          nothingRan(world, await world.ask(beyond), [400]);
          const next = await world.ask(within, { token });
          assert.equal(next.status, 200, next.text);
        },
        SMALL,
      ),
    ),
    suite.case('B40 fragments that fan out: refused for their cost, at once', async (world) => {
      const { token } = await world.key();
      const details = { cost: 2 ** 30, burst: 10_000 };
      const start = performance.now();
      for (const by of [token, null]) {
        refused(
          world,
          await world.ask(FAN_OUT, { token: by }),
          by === null ? UNAUTHENTICATED : { ...TOO_COSTLY, details },
        );
      }
      // Walking each path would take minutes.
      assert.ok(performance.now() - start < 10_000);
    }),
    ...(
      [
        ['unknown fields', `{ ${times(300, (i) => `unknown${i}`)} }`],
        ['unknown directives', `{ open ${times(150, (i) => `@a${i}`)} }`],
        ['unused variables', `query (${times(100, (i) => `$v${i}: Int`)}) { open }`],
        ['conflicts', `{ ${times(100, (i) => `x: ${i % 2 === 0 ? 'open' : 'any'}`)} }`],
      ] as const
    ).map(([what, query]) =>
      suite.case(`B41 a document with many faults (${what}): at most 20 errors`, async (world) => {
        const answer = await world.ask(query);
        nothingRan(world, answer, [400]);
        wellFormed(answer);
        const { errors = [] } = answer.body ?? {};
        assert.ok(errors.length >= 1 && errors.length <= 20, `${errors.length} errors`);
        assert.ok(answer.text.length < 20_000);
      }),
    ),
    suite.case('B41 variables with many faults: reported once, and not repeated', async (world) => {
      const query = 'query ($f: Filter) { search(filter: $f) }';
      for (const f of [
        Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`unknown${i}`, 1])),
        { word: 'a', deep: { word: Array.from({ length: 5_000 }, () => 'P') } },
        { word: { text: 'x'.repeat(50_000) } },
      ]) {
        const answer = await world.ask(query, { variables: { f } });
        nothingRan(world, answer, [400]);
        wellFormed(answer);
        assert.ok((answer.body?.errors ?? []).length <= 2, answer.text.slice(0, 2_000));
        assert.ok(answer.text.length < 5_000);
      }
    }),
    suite.case('B41 a variable that nests deeper than the stack: 400, as for other wrong variables', async (world) => {
      const { token } = await world.key();
      const query = 'query ($f: Filter) { search(filter: $f) }';
      const deep = `${'{"word":"a","deep":'.repeat(3_000)}null${'}'.repeat(3_000)}`;
      for (const headers of [[], [['authorization', `Bearer ${token}`]]] as const) {
        const answer = await world.post(JSON.stringify({ query, variables: { f: 0 } }).replace('0', deep), headers);
        nothingRan(world, answer, [400]);
        wellFormed(answer);
        assert.match(answer.text, /BAD_USER_INPUT/);
      }
    }),
    suite.case(
      'a response with too many fields: 400 without data',
      async (world) => {
        const { token } = await world.key();
        const many = '{ items(count: 100) { id } }';
        if (world.lacks('UNCOUNTED_FIELDS')) {
          allowed(await world.ask(many, { token }), { items: Array.from({ length: 100 }, (_, id) => ({ id })) });
          return;
        }
        await tooLarge(world, token, many, { limit: 50, unit: 'fields' });
        const answer = await world.ask('{ items(count: 2) { id } }', { token });
        allowed(answer, { items: [{ id: 0 }, { id: 1 }] });
      },
      SMALL,
    ),
    suite.case(
      'a response with too many bytes: 400 without data',
      async (world) => {
        const { token } = await world.key();
        await tooLarge(world, token, '{ text(length: 3000) }', { limit: 2_000, unit: 'bytes' });
        allowed(await world.ask('{ text(length: 100) }', { token }), { text: 'x'.repeat(100) });
      },
      SMALL,
    ),
    suite.case(
      'filter: a response with too many bytes: 400 without data',
      async (world) => {
        const { token } = await world.key();
        const limit = { limit: 2_000, unit: 'bytes' };
        await tooLarge(world, token, '{ text(length: 3000) report { id } }', limit);
      },
      { latchkey: { ...SMALL.latchkey, onDenied: 'filter' } },
    ),
  ];
}

const UNAUTHENTICATED = { status: 401, code: 'UNAUTHENTICATED' };
const TOO_COSTLY = { status: 400, code: 'COST_EXCEEDS_BURST' };

type World = Parameters<Parameters<Suite['case']>[1]>[0];

async function tooLarge(
  world: World,
  token: string,
  query: string,
  details: Readonly<Record<string, unknown>>,
): Promise<void> {
  const answer = await world.ask(query, { token });
  const { message } = refused({ ran: [] }, answer, { status: 400, code: 'ANSWER_TOO_LARGE', details });
  assert.match(message, /Request fewer/);
  assert.ok(answer.text.length < 1_000);
}
