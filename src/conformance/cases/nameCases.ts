import assert from 'node:assert/strict';
import type { Latchkey } from '../../index.js';
import { allowed, nothingRan, refused } from '../expect.js';
import type { Answer } from '../httpRequest.js';
import type { ConformanceCase } from '../conformanceOptions.js';
import type { Suite } from '../suite.js';

/** Documents with a mistake next to a name of the schema. */
const PROBES = [
  '{ repor { id } }',
  '{ board }',
  '{ board { titl } }',
  '{ open { x } }',
  '{ node(i: "x") { __typename } }',
  '{ node { __typename } }',
  '{ search(level: LO) }',
  '{ search(filter: { wor: "x" }) }',
  '{ search(filter: {}) }',
  '{ ... on Quer { __typename } }',
  '{ board { ... on Note { __typename } } }',
  '{ open @inclde(if: true) }',
  'query ($v: Filte) { search(filter: $v) }',
];

const NAMES =
  /\b(?:report|board|title|pinned|salary|node|nodes|search|level|LOW|HIGH|filter|word|deep|Report|Board|Note|Found|Filter|Level)\b/g;

/** Reads the schema and another field. */
const BESIDE = '{ ...F } fragment F on Query { open x: __schema { queryType { name } } }';

const INTROSPECTIONS = ['{ __schema { queryType { name } } }', '{ open: __type(name: "Report") { name } }', BESIDE];

/** Cases about the schema: who may read it, and what errors reveal of it. */
export function nameCases<L extends Latchkey>(suite: Suite<L>): readonly ConformanceCase[] {
  return [
    suite.case('B42 a caller without introspection learns no names from errors of the document', async (world) => {
      for (const query of PROBES) {
        const answer = await world.ask(query);
        nothingRan(world, answer, [400]);
        assert.deepEqual(learned(answer, query), [], answer.text);
      }
    }),
    suite.case('B42 a caller without introspection learns no names from errors of variables', async (world) => {
      const filter = 'query ($v: Filter) { search(filter: $v) }';
      for (const [query, v] of [
        [filter, {}],
        [filter, { wor: 1 }],
        ['query ($v: Level) { search(level: $v) }', 'LO'],
      ] as const) {
        const answer = await world.ask(query, { variables: { v } });
        nothingRan(world, answer, [400]);
        assert.deepEqual(learned(answer, query + JSON.stringify(v)), [], answer.text);
      }
    }),
    suite.case('a caller with introspection gets suggestions', async (world) => {
      const { token } = await world.key();
      const answer = await world.ask('{ repor { id } }', { token });
      nothingRan(world, answer, [400]);
      assert.match(answer.body?.errors?.[0]?.message ?? '', /Did you mean "report"/);
    }),
    suite.case('introspection: authenticated, 401 without a key', async (world) => {
      const { token } = await world.key();
      for (const query of INTROSPECTIONS) {
        refused(world, await world.ask(query), { status: 401, code: 'UNAUTHENTICATED' });
        const answer = await world.ask(query, { token });
        if (query === BESIDE && world.lacks('SEPARATE_INTROSPECTION')) {
          refused(world, answer, { status: 400, code: 'BAD_REQUEST' });
          continue;
        }
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.body?.errors, undefined, answer.text);
        world.ran.length = 0;
      }
    }),
    suite.case(
      'introspection: off, 403 with any key, even for names in errors',
      async (world) => {
        const { token } = await world.key();
        for (const query of INTROSPECTIONS) {
          refused(world, await world.ask(query, { token }), { status: 403, code: 'FORBIDDEN' });
        }
        for (const query of PROBES) assert.deepEqual(learned(await world.ask(query, { token }), query), []);
      },
      { latchkey: { introspection: 'off' } },
    ),
    suite.case(
      'introspection: on, for every caller',
      async (world) => {
        allowed(await world.ask('{ __schema { queryType { name } } }'), { __schema: { queryType: { name: 'Query' } } });
        const { body } = await world.ask('{ repor { id } }');
        assert.match(body?.errors?.[0]?.message ?? '', /Did you mean "report"/);
      },
      { latchkey: { introspection: 'on' } },
    ),
    suite.case(
      'introspection: scoped, each caller sees the part that it may use',
      async (world) => {
        const query = '{ __type(name: "Query") { fields { name } } report: __type(name: "Report") { name } }';
        const see = async (token: string | null) => {
          const { body, text } = await world.ask(query, { token });
          assert.equal(body?.errors, undefined, text);
          const { __type, report } = (body?.data ?? {}) as {
            __type: { fields: { name: string }[] };
            report: object | null;
          };
          return { fields: __type.fields.map(({ name }) => name), report };
        };
        const [reader, stranger] = [await world.key(['read:reports']), await world.key(['read:users'])];
        const all = await see(reader.token);
        assert.ok(all.fields.includes('report'));
        assert.deepEqual(all.report, { name: 'Report' });
        for (const token of [stranger.token, null]) {
          const part = await see(token);
          assert.ok(!part.fields.includes('report'));
          assert.ok(part.fields.includes('open'));
          assert.equal(part.report, null);
        }
        const hidden = await world.ask('{ repor { id } }', { token: stranger.token });
        assert.deepEqual(learned(hidden, '{ repor { id } }'), [], hidden.text);
      },
      { latchkey: { introspection: 'scoped' } },
    ),
  ];
}

/** Returns the names of the schema in the messages that the caller did not send. */
function learned({ body, text }: Answer, sent: string): readonly string[] {
  assert.doesNotMatch(text, /Did you mean/);
  const own = new Set(sent.match(/\w+/g));
  const messages = (body?.errors ?? []).map(({ message }) => message).join('\n');
  return (messages.match(NAMES) ?? []).filter((name) => !own.has(name));
}
