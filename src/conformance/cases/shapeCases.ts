import assert from 'node:assert/strict';
import type { Latchkey } from '../../index.js';
import { allowed, nothingRan, refused } from '../expect.js';
import type { ConformanceCase } from '../conformanceOptions.js';
import { recording, schemaOf } from '../resolvedSchema.js';
import type { Suite } from '../suite.js';
import type { Asked, World } from '../world.js';

/** Checks operations without a key, with a key without the scope, and with one that has it. */
class Callers {
  readonly #world: World;
  readonly #reader: string;
  readonly #stranger: string;

  private constructor(world: World, reader: string, stranger: string) {
    this.#world = world;
    this.#reader = reader;
    this.#stranger = stranger;
  }

  static async of(world: World, scopes: readonly string[] = ['read:reports']): Promise<Callers> {
    const [reader, stranger] = [await world.key(scopes), await world.key(['read:users'])];
    return new Callers(world, reader.token, stranger.token);
  }

  /** Asserts that the operation is refused before anything runs. */
  async refuses(query: string, more: Asked = {}, missing: readonly string[] = ['read:reports']): Promise<void> {
    this.#world.ran.length = 0;
    const anonymous = await this.#world.ask(query, more);
    refused(this.#world, anonymous, { status: 401, code: 'UNAUTHENTICATED', details: { reason: 'missing' } });
    const stranger = await this.#world.ask(query, { ...more, token: this.#stranger });
    refused(this.#world, stranger, { status: 403, code: 'FORBIDDEN', details: { missing } });
  }

  /** Asserts the data of an operation with the scope. */
  async allows(query: string, data: object, more: Asked = {}): Promise<void> {
    allowed(await this.#world.ask(query, { ...more, token: this.#reader }), data);
  }

  /** Asserts the data of an operation without a key. */
  async opens(query: string, data: object, more: Asked = {}): Promise<void> {
    allowed(await this.#world.ask(query, more), data);
  }
}

const REPORT = { report: { id: 'r1' } };
const OPEN = { open: 'yes' };

const FRAGMENTS = [
  '{ ...F } fragment F on Query { report { id } }',
  '{ ... { report { id } } }',
  '{ ... on Query { report { id } } }',
  '{ ...F } fragment F on Query { ... on Query { ...G } } fragment G on Query { report { id } }',
  '{ ...F ...F ...F } fragment F on Query { report { id } }',
];

/** The declaration, the directive, the variables that select the field, and the variables that omit it. */
const CONDITIONS: readonly (readonly [string, string, object, object])[] = [
  ['$v: Boolean!', '@skip(if: $v)', { v: false }, { v: true }],
  ['$v: Boolean!', '@include(if: $v)', { v: true }, { v: false }],
  ['$v: Boolean! = false', '@skip(if: $v)', {}, { v: true }],
  ['$v: Boolean = true', '@include(if: $v)', {}, { v: false }],
  ['$v: Boolean = true', '@skip(if: $v)', { v: false }, {}],
];

const REACHED: readonly (readonly [string, object])[] = [
  ['{ node(id: "r1") { ... on Report { id } } }', { node: { id: 'r1' } }],
  ['{ node(id: "r1") { id } }', { node: { id: 'r1' } }],
  ['{ nodes(ids: ["r1"]) { id } }', { nodes: [{ id: 'r1' }] }],
  ['{ nodes(ids: ["r1"]) { ...R } } fragment R on Report { __typename }', { nodes: [{ __typename: 'Report' }] }],
];

/** graphql-js accepts any field of these, and a server that executes operations elsewhere would run them there. */
const ROOTLESS = [
  'mutation { open }',
  'mutation { dropTables(sure: true) { id } }',
  'mutation { __typename }',
  'mutation { ...A } fragment A on Mutation { open }',
  'subscription { open }',
];

/** Cases about the shape of an operation. */
export function shapeCases<L extends Latchkey>(suite: Suite<L>): readonly ConformanceCase[] {
  const asCallers = (name: string, look: (callers: Callers, world: World) => Promise<void>): ConformanceCase =>
    suite.case(name, async (world) => look(await Callers.of(world), world));
  return [
    asCallers('B20 a guarded type is refused however it is reached', async (callers) => {
      for (const [query, data] of REACHED) {
        await callers.refuses(query);
        await callers.allows(query, data);
      }
    }),
    suite.case('B20 only __typename of an abstract type: the type of a guarded value stays hidden', async (world) => {
      const { token } = await world.key(['read:users']);
      const answer = await world.ask('{ nodes(ids: ["r1", "n1"]) { __typename } }', { token });
      if (world.lacks('UNSEEN_VALUES')) {
        refused(world, answer, { status: 403, code: 'FORBIDDEN', details: { missing: ['read:reports'] } });
        return;
      }
      const { status, body, text } = answer;
      assert.equal(status, 200, text);
      assert.deepEqual(body?.data, { nodes: [null, { __typename: 'Note' }] });
      assert.deepEqual(
        body.errors?.map(({ path, extensions }) => [path, extensions?.code]),
        [[['nodes', 0], 'FORBIDDEN']],
      );
    }),
    asCallers("B21 an alias: the field's name decides", async (callers) => {
      await callers.refuses('{ open: report { id } }');
      await callers.refuses('{ __typename: report { id } }');
      await callers.opens('{ report: open }', { report: 'yes' });
      await callers.allows('{ open: report { id } }', { open: { id: 'r1' } });
    }),
    asCallers('B22 named, inline, nested and repeated fragments', async (callers) => {
      for (const query of FRAGMENTS) {
        await callers.refuses(query);
        await callers.allows(query, REPORT);
        await callers.opens(query.replace('report { id }', 'report: open'), { report: 'yes' });
      }
    }),
    asCallers('B22 a fragment on a guarded type inside an open parent', async (callers) => {
      await callers.refuses('{ found { ... on Report { id } } }');
      await callers.refuses('{ found { ...F } } fragment F on Report { __typename }');
      await callers.opens('{ found { ... on Note { text } } }', { found: { text: 'n1' } });
    }),
    asCallers('B23 several operations: only the selected one is checked', async (callers, world) => {
      const document = 'query Open { open } query Guarded { report { id } }';
      await callers.opens(document, OPEN, { operationName: 'Open' });
      await callers.refuses(document, { operationName: 'Guarded' });
      await callers.allows(document, REPORT, { operationName: 'Guarded' });
      world.ran.length = 0;
      for (const more of [{}, { operationName: 'Missing' }]) nothingRan(world, await world.ask(document, more), [400]);
    }),
    suite.case(
      'an operation whose root type the schema does not have is refused',
      async (world) => {
        const { token } = await world.key(['read:reports']);
        for (const query of ROOTLESS) {
          for (const more of [{}, { token }]) nothingRan(world, await world.ask(query, more), [400]);
        }
        allowed(await world.ask('{ open }', { token }), OPEN);
      },
      {
        schema: ({ latchkey, ran }) =>
          latchkey.guard(
            schemaOf('type Query { open: String @public }', { Query: recording(ran, 'Query', { open: 'yes' }) }),
          ),
      },
    ),
    asCallers(
      'B24 @skip and @include with literals: a selected field is checked, a skipped one is not',
      async (callers) => {
        for (const directive of ['@skip(if: false)', '@include(if: true)', '@skip(if: false) @include(if: true)']) {
          await callers.refuses(`{ open report ${directive} { id } }`);
          await callers.allows(`{ open report ${directive} { id } }`, { ...OPEN, ...REPORT });
        }
        for (const directive of ['@skip(if: true)', '@include(if: false)', '@skip(if: true) @include(if: true)']) {
          await callers.opens(`{ open report ${directive} { id } }`, OPEN);
          await callers.opens(`{ open ...F ${directive} } fragment F on Query { report { id } }`, OPEN);
        }
      },
    ),
    asCallers('B24 @skip and @include with variables and their defaults', async (callers) => {
      for (const [declared, directive, selecting, leaving] of CONDITIONS) {
        const query = `query (${declared}) { open report ${directive} { id } }`;
        await callers.refuses(query, { variables: selecting });
        await callers.opens(query, OPEN, { variables: leaving });
        await callers.allows(query, { ...OPEN, ...REPORT }, { variables: selecting });
      }
    }),
    asCallers('B24 a variable that is not a boolean gives no access', async (callers, world) => {
      const { token } = await world.key(['read:reports']);
      const query = 'query ($v: Boolean!) { open report @skip(if: $v) { id } }';
      for (const variables of [{}, { v: null }, { v: 'true' }, { v: 1 }]) {
        await callers.refuses(query, { variables });
        nothingRan(world, await world.ask(query, { variables, token }), [400]);
      }
    }),
    asCallers('B24 one variable with another default in another operation', async (callers) => {
      const document = `query A($v: Boolean = true) { open ...F } query B($v: Boolean = false) { open ...F }
        fragment F on Query { report @skip(if: $v) { id } }`;
      await callers.opens(document, OPEN, { operationName: 'A' });
      await callers.refuses(document, { operationName: 'B' });
      await callers.refuses(document, { operationName: 'A', variables: { v: false } });
    }),
    asCallers('B25 __schema or __typename next to a guarded field does not disable the check', async (callers) => {
      await callers.refuses('{ __typename report { id } }');
      await callers.refuses('{ __schema { queryType { name } } report { id } }');
      await callers.allows('{ __typename report { id } }', { __typename: 'Query', ...REPORT });
      await callers.opens('{ __typename open }', { __typename: 'Query', ...OPEN });
    }),
    asCallers(
      'B26 only __typename of a guarded type: its parent does not run, and no mutation acts first',
      async (callers) => {
        await callers.refuses('{ report { __typename } }');
        await callers.refuses('{ board { pinned { __typename } } }');
        await callers.refuses('mutation { publish { __typename } }');
        await callers.allows('mutation { publish { __typename } }', { publish: { __typename: 'Report' } });
        await callers.opens('mutation { touch }', { touch: 'touched' });
      },
    ),
    suite.case('B27 a refused non-null field: no sibling leaks', async (world) => {
      const callers = await Callers.of(world, ['read:salaries']);
      await callers.refuses('{ board { title salary } }', {}, ['read:salaries']);
      await callers.refuses('{ board { inner { title salary } } }', {}, ['read:salaries']);
      await callers.opens('{ board { title } }', { board: { title: 'board' } });
      await callers.allows('{ board { title salary } }', { board: { title: 'board', salary: 7 } });
    }),
    suite.case('B28 a mutation with a refused field behind an allowed one: neither runs', async (world) => {
      const callers = await Callers.of(world, ['write:reports']);
      await callers.refuses('mutation { touch drop }', {}, ['write:reports']);
      await callers.refuses('mutation { touch drop again: drop }', {}, ['write:reports']);
      await callers.allows('mutation { touch drop }', { touch: 'touched', drop: 'dropped' });
      assert.deepEqual(world.ran, ['Mutation.touch', 'Mutation.drop']);
    }),
    ...['constructor', 'hasOwnProperty', 'toString', '__proto__'].map((name) =>
      asCallers(`B29 the name ${name} is a name like any other`, async (callers, world) => {
        await callers.refuses(`{ ${name}: report { id } }`);
        await callers.refuses(`{ ...${name} } fragment ${name} on Query { report { id } }`);
        await callers.refuses(`query ${name} { report { id } }`, { operationName: name });
        const query = `query ($${name}: Boolean!) { open report @include(if: $${name}) { id } }`;
        const given = (value: boolean) => JSON.parse(`{ "${name}": ${value} }`) as object;
        if (name === '__proto__' && world.lacks('NO_PROTO_KEYS')) {
          world.ran.length = 0;
          nothingRan(world, await world.ask(query, { variables: given(true) }), [400]);
        } else {
          await callers.refuses(query, { variables: given(true) });
          await callers.opens(query, OPEN, { variables: given(false) });
        }
        await callers.opens('{ constructor }', { constructor: 'built' });
      }),
    ),
  ];
}
