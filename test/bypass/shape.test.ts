import { guardSchema } from '../../src/core/guard/guard.js';
import { keyWith, noting, ownSchema, serve, type OwnServer, type Ran } from './own.js';
import { graphql } from 'graphql';

const ran: Ran = [];

const SDL = `
  type Query {
    open: String @public
    constructor: String @public
    report: Report @auth(scope: "read:reports")
    board: Board @public
    found: Found @public
  }
  type Mutation {
    touch: String @public
    publish: Report @public
    drop: String @auth(scope: "write:reports")
  }
  type Board { title: String! pinned: Report salary: Int! @auth(scope: "read:salaries") inner: Board }
  type Report @auth(scope: "read:reports") { id: ID }
  type Note { text: String }
  union Found = Report | Note
`;

const schema = guardSchema(
  ownSchema(SDL, {
    Query: noting(ran, 'Query', {
      open: 'yes',
      constructor: 'built',
      report: { id: 'r1' },
      board: { title: 'board', pinned: { id: 'r1' }, salary: 7, inner: { title: 'inner', salary: 8 } },
      found: { __typename: 'Note', text: 'n1' },
    }),
    Mutation: noting(ran, 'Mutation', { touch: 'touched', publish: { id: 'r1' }, drop: 'dropped' }),
  }),
);

let server: OwnServer;
beforeAll(async () => {
  server = await serve(schema);
});
afterAll(() => server.close());
beforeEach(() => void ran.splice(0));

const READER = ['read:reports'];
const STRANGER = ['read:other'];

/** Asserts that it is refused without a key and for a key without the scope, and that no resolver ran. */
async function refused(query: string, more: Parameters<OwnServer['query']>[2] = {}, missing = ['read:reports']) {
  ran.splice(0);
  const anonymous = await server.query(query, null, more);
  expect(anonymous.status).toBe(401);
  expect(anonymous.body.data).toBeUndefined();
  const stranger = await server.query(query, STRANGER, more);
  expect(stranger.status).toBe(403);
  expect(stranger.body).toEqual({
    errors: [expect.objectContaining({ extensions: expect.objectContaining({ code: 'FORBIDDEN', missing }) })],
  });
  expect(ran).toEqual([]);
}

async function allowed(
  query: string,
  data: unknown,
  scopes: readonly string[] | null = READER,
  more: Parameters<OwnServer['query']>[2] = {},
) {
  const answer = await server.query(query, scopes, more);
  expect(answer.body).toEqual({ data });
  expect(answer.status).toBe(200);
}

describe('shape of the query', () => {
  it("B21 alias: the field's name decides", async () => {
    await refused('{ open: report { id } }');
    await refused('{ __typename: report { id } }');
    await allowed('{ report: open }', { report: 'yes' }, null);
    await allowed('{ open: report { id } }', { open: { id: 'r1' } });
  });

  it.each([
    ['named', '{ ...F } fragment F on Query { report { id } }'],
    ['inline', '{ ... { report { id } } }'],
    ['inline with a condition', '{ ... on Query { report { id } } }'],
    ['nested', '{ ...F } fragment F on Query { ... on Query { ...G } } fragment G on Query { report { id } }'],
    ['repeated', '{ ...F ...F ...F } fragment F on Query { report { id } }'],
  ])('B22 fragment, %s', async (_, query) => {
    await refused(query);
    await allowed(query, { report: { id: 'r1' } });
    await allowed(query.replace('report { id }', 'report: open'), { report: 'yes' }, null);
  });

  it('B22 a fragment on a guarded type inside an open parent', async () => {
    await refused('{ report { ...F } } fragment F on Report { id }');
    await refused('{ found { ... on Report { id } } }');
    await refused('{ found { ... on Report { __typename } } }');
    await refused('{ found { ...F } } fragment F on Report { __typename }');
    await allowed('{ found { ... on Note { text } } }', { found: { text: 'n1' } }, null);
    await allowed('{ found { ... on Report { id } ... on Note { text } } }', { found: { text: 'n1' } });
  });

  it('B23 several operations: only the selected one counts', async () => {
    const document = 'query Open { open } query Guarded { report { id } }';
    await allowed(document, { open: 'yes' }, null, { operationName: 'Open' });
    await refused(document, { operationName: 'Guarded' });
    await allowed(document, { report: { id: 'r1' } }, READER, { operationName: 'Guarded' });

    for (const operationName of [undefined, '', 'Missing']) {
      const answer = await server.query(document, null, operationName === undefined ? {} : { operationName });
      expect(answer.status).toBe(400);
      expect(answer.body.data).toBeUndefined();
    }
    expect(ran).toEqual(['Query.report']);
  });

  describe('B24 @skip and @include', () => {
    const withVariable = (declared: string, directive: string) =>
      `query (${declared}) { open report ${directive} { id } }`;

    it.each([
      ['@skip(if: false)', {}],
      ['@include(if: true)', {}],
      ['@skip(if: false) @include(if: true)', {}],
    ])('B24 literal %s: refused', async (directive) => {
      await refused(`{ open report ${directive} { id } }`);
      await allowed(`{ open report ${directive} { id } }`, { open: 'yes', report: { id: 'r1' } });
    });

    it.each(['@skip(if: true)', '@include(if: false)', '@skip(if: true) @include(if: true)'])(
      'B24 literal %s: a skipped field needs no scope',
      async (directive) => {
        await allowed(`{ open report ${directive} { id } }`, { open: 'yes' }, null);
        await allowed(`{ open ... ${directive} { report { id } } }`, { open: 'yes' }, null);
        await allowed(`{ open ...F ${directive} } fragment F on Query { report { id } }`, { open: 'yes' }, null);
        expect(ran).toEqual(['Query.open', 'Query.open', 'Query.open']);
      },
    );

    it.each([
      ['$v: Boolean!', '@skip(if: $v)', { v: false }, { v: true }],
      ['$v: Boolean!', '@include(if: $v)', { v: true }, { v: false }],
      ['$v: Boolean! = false', '@skip(if: $v)', {}, { v: true }],
      ['$v: Boolean = true', '@include(if: $v)', {}, { v: false }],
      ['$v: Boolean = true', '@skip(if: $v)', { v: false }, {}],
      ['$v: Boolean! = false', '@include(if: $v)', { v: true }, {}],
    ])('B24 (%s) %s: refused only if it is selected', async (declared, directive, asks, leaves) => {
      const query = withVariable(declared, directive);
      await refused(query, { variables: asks });
      await allowed(query, { open: 'yes' }, null, { variables: leaves });
      await allowed(query, { open: 'yes', report: { id: 'r1' } }, READER, { variables: asks });
    });

    it.each([
      ['$v: Boolean!', {}],
      ['$v: Boolean!', { v: null }],
      ['$v: Boolean!', { v: 'true' }],
      ['$v: Boolean!', { v: 1 }],
      ['$v: Boolean! = true', { v: null }],
      ['$v: Boolean! = true', { v: [true] }],
    ])('B24 (%s) given %j: a value that is not a boolean gives no access', async (declared, variables) => {
      const query = withVariable(declared, '@skip(if: $v)');
      await refused(query, { variables });
      const answer = await server.query(query, READER, { variables });
      expect(answer.status).toBe(400);
      expect(ran).toEqual([]);
    });

    it('B24 the same name with another default in another operation', async () => {
      const document =
        'query A($v: Boolean = true) { open ...F } query B($v: Boolean = false) { open ...F } fragment F on Query { report @skip(if: $v) { id } }';
      await allowed(document, { open: 'yes' }, null, { operationName: 'A' });
      await refused(document, { operationName: 'B' });
      await refused(document, { operationName: 'A', variables: { v: false } });
    });
  });

  it('B25 __schema or __typename next to a guarded field: the check stays on', async () => {
    await refused('{ __typename report { id } }');
    await refused('{ __schema { queryType { name } } report { id } }');
    await refused('{ report { id } __type(name: "Report") { name } }');
    await allowed('{ __typename report { id } }', { __typename: 'Query', report: { id: 'r1' } });
    await allowed('{ __typename open }', { __typename: 'Query', open: 'yes' }, null);
  });

  it("B26 { guarded { __typename } }: the parent's resolver does not run, and no mutation acts first", async () => {
    await refused('{ report { __typename } }');
    await refused('{ board { pinned { __typename } } }');
    await refused('mutation { publish { __typename } }');
    await allowed('{ board { pinned { __typename } } }', { board: { pinned: { __typename: 'Report' } } });
    await allowed('mutation { publish { __typename } }', { publish: { __typename: 'Report' } });
    await allowed('mutation { touch }', { touch: 'touched' }, null);
  });

  it('B27 a refused non-null field: no sibling leaks, neither before it runs nor behind the field', async () => {
    await refused('{ board { title salary } }', {}, ['read:salaries']);
    await refused('{ board { inner { title salary } } }', {}, ['read:salaries']);
    await allowed('{ board { title } }', { board: { title: 'board' } }, null);
    await allowed('{ board { title salary } }', { board: { title: 'board', salary: 7 } }, ['read:salaries']);

    // Executed without the plugin: only the guards of the fields protect the data.
    const result = await graphql({
      schema,
      source: '{ open board { title inner { title wage: salary } } }',
      contextValue: { principal: keyWith(STRANGER) },
    });
    expect(result.data).toEqual({ open: 'yes', board: { title: 'board', inner: null } });
    expect(result.errors).toEqual([
      expect.objectContaining({
        path: ['board', 'inner', 'wage'],
        extensions: expect.objectContaining({ code: 'FORBIDDEN' }),
      }),
    ]);
  });

  it('B28 a mutation with a refused field behind an allowed one: neither runs', async () => {
    await refused('mutation { touch drop }', {}, ['write:reports']);
    await refused('mutation { touch drop drop2: drop }', {}, ['write:reports']);
    await allowed('mutation { touch drop }', { touch: 'touched', drop: 'dropped' }, ['write:reports']);
    expect(ran).toEqual(['Mutation.touch', 'Mutation.drop']);
  });

  it.each(['constructor', 'hasOwnProperty', 'toString', '__proto__'])(
    'B29 the name %s is a name like any other',
    async (name) => {
      await refused(`{ ${name}: report { id } }`);
      await refused(`{ ...${name} } fragment ${name} on Query { report { id } }`);
      await refused(`query ${name} { report { id } }`, { operationName: name });
      const query = `query ($${name}: Boolean!) { open report @include(if: $${name}) { id } }`;
      const given = (value: unknown) => JSON.parse(`{ "${name}": ${JSON.stringify(value)} }`) as object;
      await refused(query, { variables: given(true) });
      await refused(query, { variables: {} });
      await allowed(query, { open: 'yes' }, null, { variables: given(false) });
      await allowed('{ constructor }', { constructor: 'built' }, null);
      for (const scopes of [[name], [`read:${name}`]]) {
        expect((await server.query('{ report { id } }', scopes)).status).toBe(403);
      }
    },
  );
});
