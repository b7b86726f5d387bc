import assert from 'node:assert/strict';
import {
  buildSchema,
  defaultFieldResolver,
  extendSchema,
  isObjectType,
  parse,
  printSchema,
  type GraphQLSchema,
} from 'graphql';
import type { Latchkey } from '../../index.js';
import { allowed, refused } from '../expect.js';
import { send } from '../httpRequest.js';
import type { ConformanceCase } from '../conformanceOptions.js';
import { recording, schemaOf } from '../resolvedSchema.js';
import type { Suite } from '../suite.js';
import type { Foundation, World } from '../world.js';

const REPORTS = `type Query { report: Report @auth open: String @public } type Report @auth(scope: "read:reports") { id: ID }`;
const UNRULED =
  'type Query { report: Report open: String @public } type Report @auth(scope: "read:reports") { id: ID }';
const REST = 'type Report { id: ID } type Query { report: Report @public }';

/** Definitions that the guard refuses, and a part of the message. */
const FAULTY: readonly (readonly [string, string, RegExp])[] = [
  ['B01 @auth on an interface', `${REST} interface Node @auth { id: ID }`, /Node: @auth has no effect here/],
  [
    'B01 @auth on a field of an interface',
    `${REST} interface Node { id: ID @auth }`,
    /Node\.id: @auth has no effect here/,
  ],
  ['B03 @auth on a union', `${REST} union Found @auth = Report`, /Found: @auth has no effect here/],
  ['B03 @auth on an enum', `${REST} enum Level @auth { LOW }`, /Level: @auth has no effect here/],
  ['B03 @auth on a scalar', `${REST} scalar Money @auth`, /Money: @auth has no effect here/],
  [
    'B04 a guard under another name',
    `${REST} directive @authz(scope: [[Scope!]!]) on FIELD_DEFINITION extend type Report { body: String @authz(scope: "read:a") }`,
    /authz is declared and looks like a guard/,
  ],
  ['B05 a misspelt directive', 'type Query { report: String @atuh }', /@atuh is applied but not declared/],
  ['B05 a root field without a directive', UNRULED, /Query\.report: a root field needs @auth or @public/],
  ['B08 a null scope', 'type Query { a: Int @auth(scope: null) }', /@auth\(scope: null\) is not allowed/],
  ['B09 an empty list of scopes', 'type Query { a: Int @auth(scope: []) }', /Query\.a: @auth\(scope:\)/],
  ['B09 a blank scope', 'type Query { a: Int @auth(scope: " ") }', /is not a valid scope/],
  ['B09 an unknown action', 'type Query { a: Int @auth(scope: "raed:a") }', /unknown action "raed"/],
  ['B10 an ambiguous list', 'type Query { a: Int @auth(scope: ["read:a", "read:b"]) }', /is ambiguous/],
];

/** A schema without its guard and its rules. */
const REBUILT = ['B14 printed and rebuilt', (guarded: GraphQLSchema) => buildSchema(printSchema(guarded))] as const;

/** Schemas that were changed after the guard. They still have their rules. */
const CHANGED: readonly (readonly [string, (guarded: GraphQLSchema) => GraphQLSchema])[] = [
  ['B16 a resolver added after the guard', withLaterResolver],
  [
    'B17 a guarded type extended after the guard',
    (guarded) => extendSchema(guarded, parse('extend type Report { extra: String }')),
  ],
  ['B18 a resolver wrapped after the guard', withWrappedResolvers],
];

/** Cases about the start: a schema without a complete guard is not served. */
export function startCases<L extends Latchkey>(suite: Suite<L>): readonly ConformanceCase[] {
  return [
    ...FAULTY.map(([name, typeDefs, message]) =>
      suite.starting(`${name}: the server does not start`, async (foundation) => {
        assert.throws(() => foundation.latchkey.guard(schemaOf(typeDefs)), message);
        await refusesToServe(suite, foundation, schemaOf(typeDefs));
      }),
    ),
    ...(suite.lacks('OWN_GUARD') ? [REBUILT] : [REBUILT, ...CHANGED]).map(([name, change]) =>
      suite.starting(`${name}: the server does not start until the schema is guarded again`, async (foundation) => {
        const guarded = foundation.latchkey.guard(reports(foundation));
        await refusesToServe(suite, foundation, change(guarded));
      }),
    ),
    ...(suite.lacks('OWN_GUARD') ? guardedByServer(suite) : [unguarded(suite)]),
    builtCase(suite, 'B02 a rule of a concrete type applies behind an interface', {
      typeDefs: `interface Node { id: ID body: String } type Query { node: Node @public }
        type Report implements Node { id: ID body: String @auth(scope: "read:reports") }`,
      resolvers: (ran) => ({
        Query: recording(ran, 'Query', { node: { __typename: 'Report', id: 'r1', body: 'confidential' } }),
      }),
      asked: '{ node { id body } }',
      data: { node: { id: 'r1', body: 'confidential' } },
      open: ['{ node { id } }', { node: { id: 'r1' } }],
    }),
    builtCase(suite, 'B06 a rule in an extension of the type applies', {
      typeDefs: `type Query { report: Report @public note: Note @public } type Report { id: ID } type Note { id: ID }
        extend type Report @auth(scope: "read:reports")`,
      resolvers: (ran) => ({ Query: recording(ran, 'Query', { report: { id: 'r1' }, note: { id: 'n1' } }) }),
      asked: '{ report { id } }',
      data: { report: { id: 'r1' } },
      open: ['{ note { id } }', { note: { id: 'n1' } }],
    }),
    builtCase(suite, "B07 a field's rule and its type's rule both apply", {
      typeDefs: `type Query { report: Report @public open: String @public }
        type Report @auth(scope: "read:reports") { id: ID @auth }`,
      resolvers: (ran) => ({ Query: recording(ran, 'Query', { report: { id: 'r1' }, open: 'yes' }) }),
      asked: '{ report { id } }',
      data: { report: { id: 'r1' } },
      open: ['{ open }', { open: 'yes' }],
    }),
    builtCase(suite, 'B12 two directives on one field both apply', {
      typeDefs:
        'type Query { report: String @auth(scope: "read:reports") @auth(scope: "read:users") open: String @public }',
      scopes: ['read:reports', 'read:users'],
      resolvers: (ran) => ({ Query: recording(ran, 'Query', { report: 'text', open: 'yes' }) }),
      asked: '{ report }',
      data: { report: 'text' },
      open: ['{ open }', { open: 'yes' }],
    }),
    builtCase(suite, 'B19 a rule on a root type applies to its fields', {
      typeDefs: 'type Query { open: String @public } type Mutation @auth(scope: "read:reports") { add: Int }',
      resolvers: (ran) => ({
        Query: recording(ran, 'Query', { open: 'yes' }),
        Mutation: recording(ran, 'Mutation', { add: 1 }),
      }),
      asked: 'mutation { add }',
      data: { add: 1 },
      open: ['{ open }', { open: 'yes' }],
    }),
    suite.starting('B15 two schemas in one process: each has its own rules', async ({ latchkey, ran }) => {
      const build = (scope: string) =>
        latchkey.guard(
          schemaOf(`type Query { report: Report @public } type Report @auth(scope: "${scope}") { id: ID }`, {
            Query: recording(ran, 'Query', { report: { id: scope } }),
          }),
        );
      const [a, b] = [build('read:a'), build('read:b')];
      const first = await suite.options.start({ schema: a, latchkey });
      const second = await suite.options.start({ schema: b, latchkey }).catch(async (error: unknown) => {
        await first.close();
        throw error;
      });
      try {
        for (const { url } of [first, second]) {
          const answer = await send(url, question('{ report { id } }'));
          refused({ ran }, answer, { status: 401, code: 'UNAUTHENTICATED' });
        }
      } finally {
        await first.close();
        await second.close();
      }
    }),
  ];
}

function unguarded<L extends Latchkey>(suite: Suite<L>): ConformanceCase {
  return suite.starting('a schema that was not guarded: the server does not start', (foundation) =>
    refusesToServe(suite, foundation, reports(foundation)),
  );
}

/** Cases about a server that guards a copy of the schema itself. */
function guardedByServer<L extends Latchkey>(suite: Suite<L>): readonly ConformanceCase[] {
  return [
    ...CHANGED.map(([name, change]) =>
      suite.case(`${name}: the server checks operations by the rules in the schema`, refusesReport, {
        schema: ({ latchkey, ran }) => change(latchkey.guard(reports({ ran }))),
      }),
    ),
    suite.case('a schema that was not guarded: the server checks operations by the rules in it', refusesReport, {
      schema: reports,
    }),
  ];
}

async function refusesReport(world: World): Promise<void> {
  const stranger = await world.key(['read:users']);
  refused(world, await world.ask('{ report { id } }'), { status: 401, code: 'UNAUTHENTICATED' });
  const answer = await world.ask('{ report { id } }', { token: stranger.token });
  refused(world, answer, { status: 403, code: 'FORBIDDEN', details: { missing: ['read:reports'] } });
  allowed(await world.ask('{ open }'), { open: 'yes' });
}

interface Built {
  readonly typeDefs: string;
  readonly resolvers: (ran: string[]) => Readonly<Record<string, object>>;
  /** The scopes that the operation needs. A key with read:users lacks read:reports. Default: read:reports. */
  readonly scopes?: readonly string[];
  /** An operation that needs the scopes, and its data. */
  readonly asked: string;
  readonly data: object;
  /** An operation of the same schema that needs nothing. */
  readonly open: readonly [string, object];
}

function builtCase<L extends Latchkey>(suite: Suite<L>, name: string, built: Built): ConformanceCase {
  return suite.case(
    name,
    async (world) => {
      const reader = await world.key(built.scopes ?? ['read:reports']);
      const stranger = await world.key(['read:users']);
      refused(world, await world.ask(built.asked), { status: 401, code: 'UNAUTHENTICATED' });
      refused(world, await world.ask(built.asked, { token: stranger.token }), {
        status: 403,
        code: 'FORBIDDEN',
        details: { missing: ['read:reports'] },
      });
      allowed(await world.ask(built.open[0]), built.open[1]);
      allowed(await world.ask(built.asked, { token: reader.token }), built.data);
    },
    { schema: ({ latchkey, ran }) => latchkey.guard(schemaOf(built.typeDefs, built.resolvers(ran))) },
  );
}

/** Asserts that a schema is not served: the start rejects. */
async function refusesToServe<L extends Latchkey>(
  suite: Suite<L>,
  { latchkey }: Foundation & { readonly latchkey: L },
  schema: GraphQLSchema,
): Promise<void> {
  const started = await suite.options.start({ schema, latchkey }).catch((error: unknown) => {
    assert.ok(error instanceof Error, 'the start rejects with an Error');
    assert.match(error.message, /guard|@auth|@public|scope|directive/i, 'the error names the fault of the rules');
    return null;
  });
  await started?.close();
  assert.equal(started, null, 'the server started with a schema that is not guarded');
}

function question(query: string) {
  return { method: 'POST', headers: [['content-type', 'application/json']] as const, body: JSON.stringify({ query }) };
}

function reports({ ran }: Pick<Foundation, 'ran'>): GraphQLSchema {
  return schemaOf(REPORTS, {
    Query: recording(ran, 'Query', { report: { id: 'r1' }, open: 'yes' }),
    Report: recording(ran, 'Report', { id: 'r1' }),
  });
}

function withLaterResolver(schema: GraphQLSchema): GraphQLSchema {
  const field = schema.getQueryType()?.getFields().report;
  assert.ok(field !== undefined);
  field.resolve = () => ({ id: 'r2' });
  return schema;
}

function withWrappedResolvers(schema: GraphQLSchema): GraphQLSchema {
  const type = schema.getType('Report');
  assert.ok(isObjectType(type));
  for (const field of Object.values(type.getFields())) {
    const inner = field.resolve ?? defaultFieldResolver;
    field.resolve = (source, args, context, info) => inner(source, args, context, info);
  }
  return schema;
}
