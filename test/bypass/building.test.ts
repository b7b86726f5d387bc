import { addResolversToSchema, makeExecutableSchema, mergeSchemas } from '@graphql-tools/schema';
import { mapSchema, MapperKind } from '@graphql-tools/utils';
import { defaultFieldResolver, extendSchema, graphql, parse } from 'graphql';
import { assertGuarded, guardSchema } from '../../src/core/guard/guard.js';
import { faultsIn, faultsOf, keyWith, noting, ownSchema, serve, serving, type Ran } from './own.js';

let ran: Ran = [];
beforeEach(() => {
  ran = [];
});

const notEnforced = (coordinate: string) =>
  `${coordinate}: its rule is not enforced. Call guardSchema last, after every resolver, merge, extension and wrapper.`;

const REPORTS =
  'type Query { report: Report @auth open: String @public } type Report @auth(scope: "read:reports") { id: ID }';

const reports = () =>
  guardSchema(
    ownSchema(REPORTS, {
      Query: noting(ran, 'Query', { report: { id: 'r1' }, open: 'yes' }),
      Report: noting(ran, 'Report', { id: 'r1' }),
    }),
  );

describe('order of building the schema', () => {
  it('B16 resolvers added after the guard: the schema does not start until it is guarded again', async () => {
    const later = addResolversToSchema({
      schema: reports(),
      resolvers: { Query: noting(ran, 'Later', { report: { id: 'r2' } }) },
    });
    expect(faultsOf(() => assertGuarded(later))).toEqual([notEnforced('Query.report')]);
    await expect(serve(later)).rejects.toThrow(notEnforced('Query.report'));

    await serving(guardSchema(later), async (server) => {
      expect((await server.query('{ report { id } }', ['read:other'])).status).toBe(403);
      expect(ran).toEqual([]);
      expect((await server.query('{ report { id } }', ['read:reports'])).status).toBe(200);
      expect(ran).toEqual(['Later.report', 'Report.id']);
    });
  });

  it('B16 schemas merged after the guard: added fields without a rule or a guard prevent the start', () => {
    const added = makeExecutableSchema({ typeDefs: 'type Query { added: String }' });
    expect(faultsOf(() => assertGuarded(mergeSchemas({ schemas: [reports(), added] })))).toEqual([
      'Query.added: a root field needs @auth or @public, so that it is clear who can call it.',
    ]);
    const guardedLater = ownSchema('type Query { added: String @auth(scope: "read:added") }');
    const merged = mergeSchemas({ schemas: [reports(), guardedLater] });
    expect(faultsOf(() => assertGuarded(merged))).toEqual([notEnforced('Query.added')]);
    expect(faultsOf(() => assertGuarded(guardSchema(merged)))).toEqual([]);
  });

  it('B17 a guarded type extended after the guard: the schema does not start until it is guarded again, with the new field', async () => {
    const extended = extendSchema(reports(), parse('extend type Report { extra: String }'));
    expect(faultsOf(() => assertGuarded(extended))).toEqual([notEnforced('Report.extra')]);
    await expect(serve(extended)).rejects.toThrow(notEnforced('Report.extra'));

    await serving(guardSchema(extended), async (server) => {
      expect((await server.query('{ report { extra } }', ['read:other'])).status).toBe(403);
      expect(ran).toEqual([]);
      expect((await server.query('{ report { extra } }', ['read:reports'])).body.data).toEqual({
        report: { extra: null },
      });
      expect((await server.query('{ open }', null)).body.data).toEqual({ open: 'yes' });
    });
  });

  it('B18 wrapped again by a builder: the schema does not start', async () => {
    const wrapped = mapSchema(reports(), {
      [MapperKind.OBJECT_FIELD]: (field) => {
        const resolve = field.resolve ?? defaultFieldResolver;
        return { ...field, resolve: (...args) => resolve(...args) };
      },
    });
    expect(faultsOf(() => assertGuarded(wrapped))).toEqual([notEnforced('Query.report'), notEnforced('Report.id')]);
    await expect(serve(wrapped)).rejects.toThrow(
      'Call guard last, after every resolver, merge, extension and wrapper.',
    );
  });

  it('B18 a copy with its guards is accepted and enforces them', async () => {
    const copy = mapSchema(reports(), {});
    expect(assertGuarded(copy).fields.get('Query')?.has('report')).toBe(true);
    await serving(copy, async (server) => {
      expect((await server.query('{ report { id } }', ['read:other'])).status).toBe(403);
      expect(ran).toEqual([]);
      expect((await server.query('{ report { id } }', ['read:reports'])).body.data).toEqual({ report: { id: 'r1' } });
    });
  });

  it('B18 a copy with changed rules does not start', () => {
    const stricter = mapSchema(reports(), {
      [MapperKind.OBJECT_FIELD]: (field, name) =>
        name === 'id' ? { ...field, extensions: { directives: { auth: { scope: 'read:ids' } } } } : undefined,
    });
    expect(faultsOf(() => assertGuarded(stricter))).toEqual([notEnforced('Report.id')]);
  });

  it('B19 on a root type: every field is guarded, and @public on one of them is an error', async () => {
    const sdl =
      'type Query { open: String @public } type Mutation @auth(scope: "write:reports") { add: Int drop: Int }';
    expect(faultsIn(sdl.replace('drop: Int', 'drop: Int @public'))).toEqual([
      'Mutation.drop: @public has no effect, because @auth on Mutation applies too. Move one of them.',
    ]);
    const schema = ownSchema(sdl, {
      Query: noting(ran, 'Query', { open: 'yes' }),
      Mutation: noting(ran, 'Mutation', { add: 1, drop: 2 }),
    });
    await serving(guardSchema(schema), async (server) => {
      expect((await server.query('mutation { add }', null)).status).toBe(401);
      expect((await server.query('mutation { drop }', ['read:reports'])).status).toBe(403);
      expect(ran).toEqual([]);
      expect((await server.query('{ open }', null)).body.data).toEqual({ open: 'yes' });
      expect((await server.query('mutation { add drop }', ['write:reports'])).body.data).toEqual({ add: 1, drop: 2 });
    });
  });

  describe('B20 every way to reach a guarded type', () => {
    const FEDERATED = `
      scalar _Any
      union _Entity = Report | Note
      interface Node { id: ID }
      type Report implements Node @auth(scope: "read:reports") { id: ID }
      type Note implements Node { id: ID }
      type Query {
        _entities(representations: [_Any!]!): [_Entity]! @public
        node(id: ID!): Node @public
        nodes(ids: [ID!]!): [Node]! @public
      }`;
    const find = (id: string) => ({ __typename: id.startsWith('r') ? 'Report' : 'Note', id });
    const schema = () =>
      guardSchema(
        ownSchema(FEDERATED, {
          Query: {
            _entities: (_: unknown, { representations }: { representations: { id: string }[] }) => {
              ran.push('_entities');
              return representations.map(({ id }) => find(id));
            },
            node: (_: unknown, { id }: { id: string }) => {
              ran.push('node');
              return find(id);
            },
            nodes: (_: unknown, { ids }: { ids: string[] }) => {
              ran.push('nodes');
              return ids.map(find);
            },
          },
        }),
      );

    it.each([
      ['_entities', '{ found: _entities(representations: [{ id: "r1" }]) { ... on Report { id } } }'],
      [
        '_entities by fragment',
        '{ found: _entities(representations: [{ id: "r1" }]) { ...R } } fragment R on Report { __typename }',
      ],
      ['node', '{ found: node(id: "r1") { id } }'],
      ['nodes', '{ found: nodes(ids: ["r1"]) { ... on Node { id } } }'],
    ])('B20 by %s: refused before it runs', async (_, query) => {
      await serving(schema(), async (server) => {
        expect((await server.query(query, null)).status).toBe(401);
        expect((await server.query(query, ['read:notes'])).body.errors[0].extensions.missing).toEqual(['read:reports']);
        expect(ran).toEqual([]);
        const { body } = await server.query(query, ['read:reports']);
        expect([body.data.found].flat()).toEqual([expect.anything()]);
      });
    });

    it.each([
      ['_entities', '{ found: _entities(representations: [{ id: "r1" }, { id: "n1" }]) { __typename } }'],
      ['nodes', '{ found: nodes(ids: ["r1", "n1"]) { __typename } }'],
    ])('B20 by %s with only __typename: does not reveal the type', async (_, query) => {
      await serving(schema(), async (server) => {
        const { body } = await server.query(query, ['read:notes']);
        expect(body.data.found).toEqual([null, { __typename: 'Note' }]);
        expect(body.errors).toEqual([
          expect.objectContaining({ path: ['found', 0], extensions: expect.objectContaining({ code: 'FORBIDDEN' }) }),
        ]);
        const allowed = await server.query(query, ['read:reports']);
        expect(allowed.body.data.found).toEqual([{ __typename: 'Report' }, { __typename: 'Note' }]);
      });
    });

    it.each([
      ['a name', (name: string) => name],
      ['a promise', async (name: string) => name],
      // Not a Promise of this realm, but one of a database driver's own promise library.
      ['a thenable', (name: string) => ({ then: (done: (value: string) => unknown) => Promise.resolve(done(name)) })],
    ])('B20 by a type resolver that returns %s', async (_, give) => {
      const own = guardSchema(
        ownSchema(
          `union Found = Report | Note type Report @auth(scope: "read:reports") { id: ID } type Note { id: ID }
           type Query { found(type: String): Found @public }`,
          {
            Query: { found: (_source: unknown, { type }: { type: string }) => ({ type }) },
            Found: { __resolveType: ({ type }: { type: string }) => give(type) },
          },
        ),
      );
      const run = (type: string, scopes: string[]) =>
        graphql({
          schema: own,
          source: '{ found(type: "' + type + '") { __typename } }',
          contextValue: { principal: keyWith(scopes) },
        });
      expect(await run('Report', ['read:notes'])).toMatchObject({
        data: { found: null },
        errors: [{ extensions: { code: 'FORBIDDEN' } }],
      });
      expect(await run('Note', ['read:notes'])).toEqual({ data: { found: { __typename: 'Note' } } });
      expect(await run('Report', ['read:reports'])).toEqual({ data: { found: { __typename: 'Report' } } });
    });
  });
});
