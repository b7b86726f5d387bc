import { makeExecutableSchema } from '@graphql-tools/schema';
import { scopesOf } from '../../../src/core/guard/requirement.js';
import { readRules } from '../../../src/core/guard/readRules.js';
import { GuardError, type SchemaRules } from '../../../src/core/guard/rules.js';
import { servedTypeDefs } from '../../../src/server/servedTypeDefs.js';
import { faultsIn, ownSchema } from '../../bypass/own.js';

const requires = (rules: SchemaRules, coordinate: string) => {
  const [type = '', field = ''] = coordinate.split('.');
  const rule = field === '' ? rules.types.get(type) : rules.fields.get(type)?.get(field);
  return rule && scopesOf(rule.requirement);
};

describe('readRules', () => {
  const rules = readRules(
    ownSchema(`
      type Query { open: Open @public any: Any @auth mixed: Mixed @auth node: Node @auth lists: [[Guarded!]!]! @auth own: Int @auth(scope: "write:x") }
      type Open { id: ID guarded: Guarded }
      type Guarded implements Node & Inner @auth(scope: "read:g") { id: ID secret: Int @auth(scope: "read:s") other: Other }
      type Other implements Node & Inner @auth(scope: "read:o") { id: ID }
      interface Node { id: ID }
      interface Inner implements Node { id: ID }
      union Any = Guarded | Other
      union Mixed = Guarded | Open`),
  );

  it.each([
    ['Open', undefined],
    ['Query.open', undefined],
    ['Open.id', undefined],
    ['Guarded', [['read:g']]],
    ['Guarded.id', [['read:g']]],
    ['Guarded.secret', [['read:g', 'read:s']]],
    ['Guarded.other', [['read:g', 'read:o']]],
    ['Open.guarded', [['read:g']]],
    ['Query.lists', [['read:g']]],
    ['Query.own', [['write:x']]],
    // Every type of the union is guarded: one of their rules must be met. Unless one of the types is open.
    ['Any', [['read:g'], ['read:o']]],
    ['Query.any', [['read:g'], ['read:o']]],
    ['Node', [['read:g'], ['read:o']]],
    ['Inner', [['read:g'], ['read:o']]],
    ['Query.node', [['read:g'], ['read:o']]],
    ['Mixed', undefined],
    ['Query.mixed', [[]]],
  ])('%s requires %j', (coordinate, expected) => {
    expect(requires(rules, coordinate)).toEqual(expected);
  });

  it('lists the scopes that a key can have', () => {
    expect(rules.scopes).toEqual([
      'admin',
      'platform',
      'read:all',
      'read:g',
      'read:o',
      'read:s',
      'write:all',
      'write:x',
    ]);
  });

  it('finds root types by their role, not by their name', () => {
    const sdl =
      'schema { query: Reads mutation: Writes } type Reads { a: Int @public } type Writes { b: Int } type Query { c: Int }';
    expect(faultsIn(sdl)).toEqual([expect.stringContaining('Writes.b: a root field needs @auth or @public')]);
  });

  it('rejects @public and @auth on one field', () => {
    expect(faultsIn('type Query { a: Int @public @auth }')).toEqual([
      'Query.a: @public and @auth contradict each other. Remove one of them.',
    ]);
  });

  it('reports all faults at once, in one line each', () => {
    const attempt = () => readRules(ownSchema('type Query { a: Int b: Int @auth(scope: "x") c: Int @public }'));
    expect(attempt).toThrow(GuardError);
    expect(attempt).toThrow(
      'The schema is not guarded:\n- Query.a: a root field needs @auth or @public, so that it is clear who can call it.\n- Query.b: "x" is not a valid scope. Use action:resource, admin or platform.',
    );
  });

  it("the service's own schema is valid, and only the tiers are public", () => {
    const schema = makeExecutableSchema({ typeDefs: servedTypeDefs(true) });
    const own = readRules(schema);
    const roots = [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
      Object.keys(type?.getFields() ?? {}).map((field) => `${type?.name ?? ''}.${field}`),
    );
    expect(roots.filter((coordinate) => requires(own, coordinate) === undefined)).toEqual(['Query.tiers']);
    expect(own.scopes).toEqual([
      'admin',
      'platform',
      'read:all',
      'read:assets',
      'read:events',
      'read:users',
      'write:all',
      'write:assets',
      'write:events',
    ]);
  });
});
