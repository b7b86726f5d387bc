import { printSchemaWithDirectives } from '@graphql-tools/utils';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { buildSchema, extendSchema, parse, printSchema } from 'graphql';
import { assertGuarded, guardSchema } from '../../src/core/guard/guard.js';
import { faultsIn, faultsOf, noting, ownSchema, serve, serving, type Ran } from './own.js';

let ran: Ran = [];
beforeEach(() => {
  ran = [];
});

describe('location of the directive', () => {
  it('B01 on an interface: refuses to start; on its implementations: guards', async () => {
    const onType = 'interface Node @auth(scope: "read:reports") { id: ID } type Query { node: Node @public }';
    const onField = 'interface Node { id: ID @auth(scope: "read:reports") } type Query { node: Node @public }';
    const remedy = '@auth has no effect here. Put @auth on object types, their fields and arguments';
    expect(faultsIn(onType)).toEqual([expect.stringContaining(`Node: ${remedy}`)]);
    expect(faultsIn(onField)).toEqual([expect.stringContaining(`Node.id: ${remedy}`)]);
    expect(() => ownSchema(onType)).toThrow('may not be used on INTERFACE');

    const schema = ownSchema(
      `interface Node { id: ID }
       type Report implements Node @auth(scope: "read:reports") { id: ID body: String }
       type Note implements Node { id: ID }
       type Query { node: Node @public note: Note @public }`,
      {
        Query: noting(ran, 'Query', { node: { __typename: 'Report' }, note: { id: 'n1' } }),
        Report: noting(ran, 'Report', { id: 'r1' }),
      },
    );
    await serving(guardSchema(schema), async (server) => {
      expect((await server.query('{ node { id } }', ['read:notes'])).status).toBe(403);
      expect(ran).toEqual([]);
      expect((await server.query('{ note { id } }', null)).body.data).toEqual({ note: { id: 'n1' } });
      expect((await server.query('{ node { id } }', ['read:reports'])).body.data).toEqual({ node: { id: 'r1' } });
    });
  });

  it('B02 a concrete type behind an interface without a directive: its rule applies', async () => {
    const schema = ownSchema(
      `interface Node { id: ID body: String }
       type Report implements Node { id: ID body: String @auth(scope: "read:reports") }
       type Query { node: Node @public }`,
      {
        Query: noting(ran, 'Query', { node: { __typename: 'Report' } }),
        Report: noting(ran, 'Report', { id: 'r1', body: 'confidential' }),
      },
    );
    await serving(guardSchema(schema), async (server) => {
      const refused = await server.query('{ node { id body } }', ['read:notes']);
      expect(refused.status).toBe(403);
      expect(refused.body.errors[0].extensions).toMatchObject({
        code: 'FORBIDDEN',
        missing: ['read:reports'],
        fields: [{ coordinate: 'Report.body', requires: [['read:reports']] }],
      });
      expect((await server.query('{ node { body } }', null)).status).toBe(401);
      expect(ran).toEqual([]);
      expect((await server.query('{ node { id } }', null)).body.data).toEqual({ node: { id: 'r1' } });
      expect((await server.query('{ node { body } }', ['read:reports'])).body.data.node.body).toBe('confidential');
    });
  });

  it.each([
    ['union', 'union Found @auth = Report', 'Found'],
    ['enum that no field returns', 'enum Level @auth { LOW }', 'Level'],
    ['enum value', 'enum Level { LOW @auth }', 'Level.LOW'],
    ['scalar that no field returns', 'scalar Money @auth', 'Money'],
    ['input', 'input Filter @auth { text: String }', 'Filter'],
    ["interface's argument", 'interface Part { part(of: Int @auth): String }', 'Part.part(of:)'],
    ["directive's argument", 'directive @of(part: Int @auth) on FIELD', '@of(part:)'],
    ['schema', 'schema @auth { query: Query }', 'schema'],
  ])('B03 on a %s: refuses to start', (_, sdl, coordinate) => {
    const rest = 'type Report { id: ID } type Query { report: Report @public }';
    expect(faultsIn(`${rest} ${sdl}`)).toEqual([
      expect.stringMatching(
        new RegExp(`^${coordinate.replace(/[().]/g, '\\$&')}: @auth has no effect here.* Put @auth on`),
      ),
    ]);
    expect(faultsIn(`${rest} ${sdl.replace('@auth', '')}`)).toEqual([]);
  });

  it.each([
    ['another case', 'directive @Auth(role: String) on FIELD_DEFINITION', '@Auth(role: "admin")', 'Auth'],
    ['another name', 'directive @authz(scope: [[Scope!]!]) on FIELD_DEFINITION', '@authz(scope: "read:a")', 'authz'],
    ['other types', 'directive @needs(scopes: [String!]!) on FIELD_DEFINITION', '@needs(scopes: "read:a")', 'needs'],
  ])('B04 declared under %s: refuses to start', (_, declaration, use, name) => {
    const faults = faultsIn(`${declaration} type Query { report: Report @public } type Report { body: String ${use} }`);
    expect(faults).toEqual([
      `@${name} is declared and looks like a guard, but Latchkey only reads @auth. Use that name.`,
    ]);
    const unrelated =
      'directive @note(text: String) on FIELD_DEFINITION type Query { a: Int @public @note(text: "b") }';
    expect(faultsIn(unrelated)).toEqual([]);
  });

  it('B05 misspelt with SDL validation off: refuses to start, because of the misspelling and of the root field', () => {
    expect(faultsIn('type Query { report: String @atuh(scope: "read:reports") open: String @public }')).toEqual([
      'Query.report: @atuh is applied but not declared, so it guards nothing. Did you mean @auth or @public?',
      'Query.report: a root field needs @auth or @public, so that it is clear who can call it.',
    ]);
  });

  describe('B06 on `extend type`: guards', () => {
    const base = 'type Query { report: Report @public note: Note @public } type Report { id: ID } type Note { id: ID }';
    const extension = 'extend type Report @auth(scope: "read:reports")';
    const resolvers = () => ({ Query: noting(ran, 'Query', { report: { id: 'r1' }, note: { id: 'n1' } }) });
    it.each([
      // graphql-tools merges the extension into the definition; graphql-js keeps it separate.
      ['merged by graphql-tools', () => ownSchema([base, extension], resolvers())],
      ['applied by graphql-js', () => extendSchema(ownSchema(base, resolvers()), parse(extension))],
    ])('B06 %s', async (_, build) => {
      // @public on a root field doesn't make the type that it returns public.
      await serving(guardSchema(build()), async (server) => {
        expect((await server.query('{ report { id } }', ['read:notes'])).status).toBe(403);
        expect(ran).toEqual([]);
        expect((await server.query('{ note { id } }', null)).body.data).toEqual({ note: { id: 'n1' } });
        expect((await server.query('{ report { id } }', ['read:reports'])).body.data).toEqual({ report: { id: 'r1' } });
      });
    });
  });

  it('B07 a rule of a field and a rule of its type: both apply', async () => {
    const schema = ownSchema(
      `type Query { report: Report @auth }
       type Report @auth(scope: "read:reports") { id: ID @auth salaries: String @auth(scope: "read:salaries") }`,
      {
        Query: noting(ran, 'Query', { report: {} }),
        Report: noting(ran, 'Report', { id: 'r1', salaries: 'high' }),
      },
    );
    await serving(guardSchema(schema), async (server) => {
      for (const held of [['read:salaries'], ['read:reports'], ['read:other']]) {
        expect((await server.query('{ report { salaries } }', held)).status).toBe(403);
      }
      expect((await server.query('{ report { id } }', ['read:other'])).body.errors[0].extensions.missing).toEqual([
        'read:reports',
      ]);
      expect(ran).toEqual([]);
      const both = await server.query('{ report { id salaries } }', ['read:reports', 'read:salaries']);
      expect(both.body.data).toEqual({ report: { id: 'r1', salaries: 'high' } });
    });
  });

  const withScope = (scope: string) => faultsIn(`type Query { a: Int @auth(scope: ${scope}) }`);

  it('B08 a null argument: refuses to start; no argument: requires any key', () => {
    expect(withScope('null')).toEqual([
      'Query.a: @auth(scope: null) is not allowed. Omit the argument to accept any valid key.',
    ]);
    expect(faultsIn('type Query { a: Int @auth }')).toEqual([]);
  });

  it.each(['[]', '[[]]', '[["read:a"], []]', '[[null]]', '[null]', '7', '{ any: "read:a" }'])(
    'B09 @auth(scope: %s): refuses to start',
    (scope) => {
      expect(withScope(scope)).toEqual([
        expect.stringMatching(/^Query\.a: @auth\(scope:\) .*Write @auth\(scope: "a"\) for one scope/),
      ]);
    },
  );

  it.each(['""', '" "', '"READ:a"', '"read"', '"read:*"', '"*"', '"read:a "', '"a,b"'])(
    'B09 @auth(scope: %s): refuses to start because of the invalid scope',
    (scope) => {
      expect(withScope(scope)).toEqual([
        `Query.a: ${scope} is not a valid scope. Use action:resource, admin or platform.`,
      ]);
    },
  );

  it('B09 an unknown action: refuses to start unless it is declared', () => {
    const sdl = 'type Query { a: Int @auth(scope: "raed:a") }';
    expect(faultsIn(sdl)).toEqual([
      'Query.a: the scope "raed:a" has the unknown action "raed". Known actions: read, write. The option "actions" adds others.',
    ]);
    expect(faultsOf(() => guardSchema(ownSchema(sdl), { actions: ['raed'] }))).toEqual([]);
  });

  it('B10 a flat list of two: refuses to start and names both ways to write it, which both work', async () => {
    expect(withScope('["read:a", "read:b"]')).toEqual([
      'Query.a: @auth(scope:) with a flat list of several scopes is ambiguous. Write @auth(scope: "a") for one scope, [["a", "b"]] for all of them, [["a"], ["b"]] for any of them.',
    ]);
    const schema = ownSchema(
      `type Query {
         one: Int @auth(scope: ["read:a"])
         all: Int @auth(scope: [["read:a", "read:b"]])
         any: Int @auth(scope: [["read:a"], ["read:b"]])
       }`,
      { Query: noting(ran, 'Query', { one: 1, all: 2, any: 3 }) },
    );
    await serving(guardSchema(schema), async (server) => {
      expect((await server.query('{ one }', ['read:b'])).status).toBe(403);
      expect((await server.query('{ all }', ['read:b'])).body.errors[0].extensions.missing).toEqual(['read:a']);
      expect((await server.query('{ any }', ['read:c'])).status).toBe(403);
      expect(ran).toEqual([]);
      expect((await server.query('{ one }', ['read:a'])).body.data).toEqual({ one: 1 });
      expect((await server.query('{ all }', ['read:a', 'read:b'])).body.data).toEqual({ all: 2 });
      expect((await server.query('{ any }', ['read:b'])).body.data).toEqual({ any: 3 });
    });
  });

  it('B12 directives of two modules on one field: both rules apply', async () => {
    const schema = ownSchema(
      ['type Query { report: String @auth(scope: "read:a") }', 'type Query { report: String @auth(scope: "read:b") }'],
      { Query: noting(ran, 'Query', { report: 'text' }) },
    );
    await serving(guardSchema(schema), async (server) => {
      for (const [held, missing] of [
        ['read:a', 'read:b'],
        ['read:b', 'read:a'],
      ] as const) {
        const refused = await server.query('{ report }', [held]);
        expect(refused.status).toBe(403);
        expect(refused.body.errors[0].extensions.missing).toEqual([missing]);
      }
      expect(ran).toEqual([]);
      expect((await server.query('{ report }', ['read:a', 'read:b'])).body.data).toEqual({ report: 'text' });
    });
  });

  it('B14 printed and rebuilt without its directives: the schema does not start', async () => {
    const resolvers = { Query: noting(ran, 'Query', { report: 'text', open: 'yes' }) };
    const schema = guardSchema(
      ownSchema('type Query { report: String @auth(scope: "read:reports") open: String @public }', resolvers),
    );
    const bare = buildSchema(printSchema(schema));
    expect(faultsOf(() => assertGuarded(bare))).toEqual([
      expect.stringContaining('Query.report: a root field needs @auth or @public'),
      expect.stringContaining('Query.open: a root field needs @auth or @public'),
    ]);
    await expect(serve(bare)).rejects.toThrow('Query.report, Query.open: a root field needs @auth or @public');

    const rebuilt = makeExecutableSchema({ typeDefs: printSchemaWithDirectives(schema), resolvers });
    await expect(serve(rebuilt)).rejects.toThrow(
      'The schema is not guarded. Pass the schema that latchkey.guard(schema)',
    );
    await serving(guardSchema(rebuilt), async (server) => {
      expect((await server.query('{ report }', ['read:other'])).status).toBe(403);
      expect(ran).toEqual([]);
      expect((await server.query('{ report }', ['read:reports'])).body.data).toEqual({ report: 'text' });
    });
  });

  it('B15 two schemas in one process: each has its own rules', async () => {
    const build = (scope: string) =>
      guardSchema(
        ownSchema(`type Query { report: Report @public } type Report @auth(scope: "${scope}") { id: ID }`, {
          Query: noting(ran, 'Query', { report: { id: scope } }),
        }),
      );
    const [first, second] = [build('read:a'), build('read:b')];
    await serving(first, async (a) => {
      await serving(second, async (b) => {
        expect((await a.query('{ report { id } }', ['read:b'])).status).toBe(403);
        expect((await b.query('{ report { id } }', ['read:a'])).status).toBe(403);
        expect(ran).toEqual([]);
        expect((await a.query('{ report { id } }', ['read:a'])).body.data).toEqual({ report: { id: 'read:a' } });
        expect((await b.query('{ report { id } }', ['read:b'])).body.data).toEqual({ report: { id: 'read:b' } });
      });
    });
  });

  it('B15 does not accept the guard of another schema', () => {
    const build = (scope: string) =>
      ownSchema(
        `interface Node { id: ID } type Report implements Node @auth(scope: "${scope}") { id: ID } type Note implements Node { id: ID }
         type Query { report: Report @public node: Node @public }`,
      );
    const lenient = guardSchema(build('read:a'));
    const strict = build('read:b');
    const node = strict.getType('Node') as { resolveType?: unknown };
    node.resolveType = (lenient.getType('Node') as { resolveType?: unknown }).resolveType;
    const report = strict.getQueryType()?.getFields().report;
    const other = lenient.getQueryType()?.getFields().report;
    if (report === undefined || other?.resolve === undefined) throw new Error('The field is missing.');
    report.resolve = other.resolve;
    const places = faultsOf(() => assertGuarded(strict)).map((fault) => fault.split(':')[0]);
    expect(places).toEqual(expect.arrayContaining(['Query.report', 'Report.id', 'Node']));
    expect(faultsOf(() => assertGuarded(guardSchema(strict)))).toEqual([]);
  });
});
