import assert from 'node:assert/strict';
import type { Latchkey } from '../../index.js';
import { allowed, refused, until, wellFormed } from '../expect.js';
import type { ConformanceCase } from '../conformanceOptions.js';
import type { Answer } from '../httpRequest.js';
import { openStream } from '../streams/openStream.js';
import type { Suite } from '../suite.js';
import type { Asked, World } from '../world.js';

/** An operation with denied fields, and its response to callers without the scopes. */
interface Filtered {
  readonly name: string;
  readonly query: string;
  readonly variables?: object;
  readonly data: object;
  /** The paths of the errors. */
  readonly denied: readonly (readonly (string | number)[])[];
  readonly ran: readonly string[];
  /** The data for a key that may use every field. */
  readonly full: object;
}

const FILTERED: readonly Filtered[] = [
  {
    name: 'a root field',
    query: '{ report { id } open }',
    data: { report: null, open: 'yes' },
    denied: [['report']],
    ran: ['Query.open'],
    full: { report: { id: 'r1' }, open: 'yes' },
  },
  {
    name: 'aliases and fragments',
    query: 'query Q { a: report { id } ...F } fragment F on Query { open ... on Query { b: report { id } } }',
    data: { a: null, open: 'yes', b: null },
    denied: [['a'], ['b']],
    ran: ['Query.open'],
    full: { a: { id: 'r1' }, open: 'yes', b: { id: 'r1' } },
  },
  {
    name: 'a field below an allowed one',
    query: '{ board { title pinned { id } } }',
    data: { board: { title: 'board', pinned: null } },
    denied: [['board', 'pinned']],
    ran: ['Query.board'],
    full: { board: { title: 'board', pinned: { id: 'r1' } } },
  },
  {
    name: 'the nearest parent of a field that is not nullable',
    query: '{ board { title inner { title salary } } }',
    data: { board: { title: 'board', inner: null } },
    denied: [['board', 'inner']],
    ran: ['Query.board'],
    full: { board: { title: 'board', inner: { title: 'inner', salary: 8 } } },
  },
  {
    name: 'the only field of an object',
    query: '{ board { pinned { id } } }',
    data: { board: { pinned: null } },
    denied: [['board', 'pinned']],
    ran: ['Query.board'],
    full: { board: { pinned: { id: 'r1' } } },
  },
  {
    name: 'fields next to a variable',
    query: 'query ($t: String, $v: Boolean!) { search(text: $t) report @include(if: $v) { id } }',
    variables: { t: 'word', v: true },
    data: { search: 'found', report: null },
    denied: [['report']],
    ran: ['Query.search'],
    full: { search: 'found', report: { id: 'r1' } },
  },
  {
    name: 'fields next to an introspection field',
    query: '{ __typename report { id } open }',
    data: { __typename: 'Query', report: null, open: 'yes' },
    denied: [['report']],
    ran: ['Query.open'],
    full: { __typename: 'Query', report: { id: 'r1' }, open: 'yes' },
  },
];

/** Operations that have no part that may run. */
const WHOLE: readonly (readonly [string, string, readonly string[]])[] = [
  ['nothing remains', '{ report { id } }', ['read:reports']],
  ['nothing remains but an empty fragment', '{ ...F } fragment F on Query { report { id } }', ['read:reports']],
  ['a root field of a mutation is denied', 'mutation { touch drop }', ['write:reports']],
  ['a root field of a mutation has a denied type', 'mutation { touch publish { id } }', ['read:reports']],
];

const FULL = ['read:reports', 'read:salaries', 'write:reports'];

/** Cases about `onDenied: 'filter'`. */
export function filterCases<L extends Latchkey>(suite: Suite<L>): readonly ConformanceCase[] {
  const filtering = (name: string, look: (world: World) => Promise<void>): ConformanceCase =>
    suite.case(`filter: ${name}`, look, { latchkey: { onDenied: 'filter' } });
  return [
    ...FILTERED.map((expected) =>
      filtering(`leaves out ${expected.name}, and runs the rest`, (world) => leavesOut(world, expected)),
    ),
    ...WHOLE.map(([name, query, missing]) =>
      filtering(`refuses the whole operation if ${name}`, async (world) => {
        const [stranger, full] = [await world.key(['read:users']), await world.key(FULL)];
        const anonymous = await world.ask(query);
        refused(world, anonymous, { status: 401, code: 'UNAUTHENTICATED', details: { reason: 'missing' } });
        const answer = await world.ask(query, { token: stranger.token });
        refused(world, answer, { status: 403, code: 'FORBIDDEN', details: { missing } });
        assert.equal((await world.ask(query, { token: full.token })).status, 200);
      }),
    ),
    filtering('decides by the variables of each request', async (world) => {
      const { token } = await world.key(['read:users']);
      const query = 'query ($v: Boolean!) { open report @include(if: $v) { id } }';
      for (let i = 0; i < 3; i += 1) {
        const asked = (v: boolean): Promise<Answer> => world.ask(query, { token, variables: { v } });
        allowed(await asked(false), { open: 'yes' });
        left(await asked(true), { open: 'yes', report: null }, [['report']], 'FORBIDDEN');
      }
      assert.ok(!world.ran.includes('Query.report'), 'a denied resolver ran');
    }),
    filtering('reports an invalid key, and an invalid document, as without the filter', async (world) => {
      const { token } = await world.key(['read:users']);
      const wrong = await world.ask('{ open report { id } }', { token: `${token}x` });
      refused(world, wrong, { status: 401, code: 'UNAUTHENTICATED' });
      const invalid = await world.ask('{ open report { id nope } }', { token });
      refused(world, invalid, { status: 400, code: 'GRAPHQL_VALIDATION_FAILED' });
    }),
    ...(suite.lacks('NO_STREAMS') ? [] : [filtering('refuses a denied subscription entirely', refusesStream)]),
  ];
}

/** Asserts the responses for a caller without the scopes, alternating with one that has them, also from a cached document. */
async function leavesOut(world: World, { query, variables, data, denied, ran, full }: Filtered): Promise<void> {
  const [stranger, reader] = [await world.key(['read:users']), await world.key(FULL)];
  const asked = (by: Asked): Promise<Answer> => world.ask(query, { ...by, ...(variables && { variables }) });
  for (let i = 0; i < 3; i += 1) {
    world.ran.length = 0;
    left(await asked({ token: stranger.token }), data, denied, 'FORBIDDEN');
    left(await asked({}), data, denied, 'UNAUTHENTICATED');
    assert.deepEqual(world.ran, [...ran, ...ran]);
    allowed(await asked({ token: reader.token }), full);
  }
}

/** Asserts a response with data and an error at each path that was left out. */
function left(answer: Answer, data: object, paths: Filtered['denied'], code: string): void {
  const told = `${answer.status} ${answer.text}`;
  assert.equal(answer.status, 200, told);
  assert.deepEqual(answer.body?.data, data, told);
  assert.deepEqual(Object.keys(answer.body.data ?? {}), Object.keys(data), 'the order of the fields');
  const errors = answer.body.errors ?? [];
  assert.deepEqual(
    errors.map(({ path, extensions }) => [path, extensions?.code]),
    paths.map((path) => [path, code]),
    told,
  );
  wellFormed(answer);
}

async function refusesStream(world: World): Promise<void> {
  const { token } = await world.key(['read:users']);
  const stream = await openStream(world, 'subscription { reports }', token);
  await until(() => stream.isOver, 'the refusal');
  stream.close();
  assert.equal(stream.code, 'FORBIDDEN');
  assert.deepEqual(world.sources.opened, []);
}
